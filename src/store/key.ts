import { sha256 } from '../core/sha256.ts';
import type { Interpreter, Libc, NormalizedName, Sha256, Version } from '../core/types.ts';

declare const brand: unique symbol;
/** `name:version:<abi-platform>:<short key>`: the file name of a binary distribution without its ending. */
export type BinaryKey = string & { readonly [brand]: 'BinaryKey' };

/** Which way an sdist is built: setup.py's `bdist_dumb`, a PEP 517 backend, or whichever pip's result allows. */
export type BuilderChoice = 'auto' | 'bdist_dumb' | 'pep517';

/** `pip install -C key=value`; a key that is given twice has a list. */
export type ConfigSettings = Readonly<Record<string, string | readonly string[]>>;

/**
 * Everything that decides whether one binary distribution can stand for another, as the manifest
 * records it. Not in it: paths, the prefix, user and host, time, index URLs, and the versions of
 * the build requirements (to look a build up would then need an index).
 */
export interface BinaryKeyInputs {
  readonly name: NormalizedName;
  readonly version: Version;
  /** sha256 of the sdist: a changed sdist of the same version is another key. */
  readonly source: Sha256;
  readonly implementation: string;
  readonly soabi: string;
  readonly abi: string;
  readonly platform: string;
  readonly libc: Libc;
  readonly builder: BuilderChoice;
  readonly configSettings: ConfigSettings;
  /** The lines of `--build-constraint`, sorted. */
  readonly buildConstraints: readonly string[];
  /** The variables of `keyedVariables` that are set. */
  readonly environment: Readonly<Record<string, string>>;
  /** The user's own word for what no key can see: system headers, libraries. */
  readonly salt: string;
}

/** What a key is made from: the part of a build request that says which result is wanted. */
export interface KeyRequest {
  readonly key: NormalizedName;
  readonly version: Version;
  readonly sdist: { readonly sha256: Sha256 };
  readonly interpreter: Interpreter;
  readonly builder: BuilderChoice;
  readonly configSettings?: ConfigSettings;
  readonly buildConstraints?: readonly string[];
  readonly salt?: string;
}

/**
 * Variables that change what a compiler or a backend makes of the same source. CC and CXX are
 * not among them: they name a compiler, whose results the ABI and the platform tell apart, and
 * a machine that has none (`CC=/bin/false`) is to find what another one built.
 */
const keyedVariables = [
  'ARCHFLAGS',
  'CFLAGS',
  'CPPFLAGS',
  'CXXFLAGS',
  'LDFLAGS',
  'MACOSX_DEPLOYMENT_TARGET',
];
/** setuptools-scm takes one for each distribution, its name appended. */
const keyedPrefix = 'SETUPTOOLS_SCM_PRETEND_VERSION';

/** @param environment the variables that the build would see. */
export function binaryKeyInputs(
  request: KeyRequest,
  environment: Readonly<Record<string, string>>,
): BinaryKeyInputs {
  const { interpreter } = request;
  return {
    name: request.key,
    version: request.version,
    source: request.sdist.sha256,
    implementation: interpreter.implementation,
    soabi: interpreter.soabi,
    abi: interpreter.abi,
    platform: interpreter.platform,
    libc: interpreter.libc,
    builder: request.builder,
    configSettings: request.configSettings ?? {},
    buildConstraints: [...(request.buildConstraints ?? [])].sort(),
    environment: Object.fromEntries(Object.entries(environment).filter(([name]) => isKeyed(name))),
    salt: request.salt ?? '',
  };
}

function isKeyed(name: string): boolean {
  return keyedVariables.includes(name) || name.startsWith(keyedPrefix);
}

/** Name, version and ABI stay readable; the first 16 hexadecimal digits of the inputs' sha256 follow. */
export function binaryKey(inputs: BinaryKeyInputs): BinaryKey {
  const digest = sha256(canonicalJson(inputs));
  const abi = `${inputs.abi}-${inputs.platform.replace(/[-.]/g, '_')}`;
  return [inputs.name, inputs.version, abi, digest.slice(0, 16)].join(':') as BinaryKey;
}

/** JSON with the members of every object sorted, so that equal inputs have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
