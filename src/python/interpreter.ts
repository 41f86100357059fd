import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { release, version } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { sha256 } from '../core/sha256.ts';
import { PipAccelError } from '../core/errors.ts';
import type { Environment } from '../config/load.ts';
import type { Interpreter } from '../core/types.ts';
import type { Store } from '../store/layout.ts';

/** Facts as they are stored: with what has to be unchanged for them to hold. */
export interface RememberedInterpreter {
  /** A placeholder stands for the folder of a virtual environment. */
  readonly interpreter: Interpreter;
  /** Files outside of it, by `fileStamp`. */
  readonly watched: readonly { readonly path: string; readonly stamp: string }[];
  /** Folders of `sys.path` outside of it, by `pathFilesStamp`. */
  readonly folders: readonly { readonly path: string; readonly stamp: string }[];
}

/** Variables that change what a Python finds on sys.path. */
const pathVariables = ['PYTHONPATH', 'PYTHONHOME', 'PYTHONNOUSERSITE', 'PYTHONSAFEPATH'];

/**
 * The Python to work on, in this order: `--python`, the `python` option, `$VIRTUAL_ENV`,
 * `python3` and `python` on PATH.
 *
 * @returns an absolute path that exists.
 * @throws PipAccelError `python-not-found`
 */
export function choosePython(
  named: { flag: string | null; option: string | null },
  environment: Environment,
): string {
  if (named.flag !== null) return identify(named.flag, '--python', environment);
  if (named.option !== null) return identify(named.option, 'the option python', environment);
  const virtual = environment['VIRTUAL_ENV'];
  if (virtual) return identify(virtual, 'VIRTUAL_ENV', environment);
  const found = searchPath('python3', environment) ?? searchPath('python', environment);
  if (found) return found;
  throw new PipAccelError('python-not-found', 'There is no python3 or python on PATH', {
    hint: 'Activate an environment, or name one with --python or PIP_ACCEL_PYTHON.',
  });
}

/** A directory means its `bin/python`, as for pip's own `--python` (`cli/main_parser.py`). */
function identify(name: string, origin: string, environment: Environment): string {
  const path = isAbsolute(name) || name.includes('/') ? resolve(name) : null;
  const candidates = [
    ...(path ? [join(path, 'bin', 'python'), path] : []),
    ...(path ? [] : [resolve(name, 'bin', 'python'), searchPath(name, environment)]),
  ];
  const found = candidates.find((candidate) => candidate !== null && isExecutableFile(candidate));
  if (found) return found;
  throw new PipAccelError(
    'python-not-found',
    `Could not locate Python interpreter ${name} (from ${origin})`,
    { hint: 'Name an executable, or a virtual environment that has bin/python.' },
  );
}

function searchPath(name: string, environment: Environment): string | null {
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    const candidate = resolve(folder || '.', name);
    if (isExecutableFile(candidate)) return candidate;
  }
  return null;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The remembered facts of a Python, or null where there are none that still hold. Those of a
 * virtual environment hold in every other one that is made alike, wherever it lies.
 */
export function recallInterpreter(
  store: Store,
  executable: string,
  environment: Environment,
): Interpreter | null {
  const identity = identifyInterpreter(executable, environment);
  let remembered: RememberedInterpreter;
  try {
    const text = readFileSync(interpreterFile(store, identity), 'utf8');
    remembered = JSON.parse(text) as RememberedInterpreter;
  } catch {
    return null;
  }
  const { watched, folders } = remembered;
  const holds =
    watched.every(({ path, stamp }) => fileStamp(path) === stamp) &&
    folders.every(({ path, stamp }) => pathFilesStamp(path) === stamp);
  if (!holds) return null;
  const facts = relocate(remembered.interpreter, placeholder, identity.prefix) as Interpreter;
  // The kernel may have been replaced since.
  const markers = { ...facts.markers, platform_release: release(), platform_version: version() };
  return { ...facts, markers };
}

/** What has to be the same for the facts of one Python to be those of another. */
export interface InterpreterIdentity {
  /** Under which they are remembered. */
  readonly digest: string;
  /** The virtual environment's folder, for which a placeholder stands in the facts; null outside of one. */
  readonly prefix: string | null;
}

/**
 * A virtual environment is what its `pyvenv.cfg`, the Python behind it, its pip and the `.pth`
 * files make of it; another interpreter is told by its path alone, and watched.
 */
export function identifyInterpreter(
  executable: string,
  environment: Environment,
): InterpreterIdentity {
  const variables = pathVariables.map((name) => environment[name] ?? '');
  const prefix = dirname(dirname(executable));
  const parts = virtualEnvironmentParts(prefix);
  const own = parts
    ? [
        basename(executable),
        realStamp(executable),
        ...parts.map((text) => text.replaceAll(prefix, placeholder)),
      ]
    : [executable];
  const digest = sha256(JSON.stringify([variables, own]));
  return { digest, prefix: parts ? prefix : null };
}

/** Where facts are kept. */
export function interpreterFile(store: Store, { digest }: InterpreterIdentity): string {
  return join(store.interpreters, `${digest.slice(0, 32)}.json`);
}

const placeholder = '{prefix}';

/** The facts with one folder's path in place of another's, wherever a path begins with it. */
export function relocate(value: unknown, from: string | null, to: string | null): unknown {
  if (from === null || to === null) return value;
  if (typeof value === 'string') {
    return value === from || value.startsWith(`${from}/`) ? to + value.slice(from.length) : value;
  }
  if (Array.isArray(value)) return value.map((member) => relocate(member, from, to));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, relocate(member, from, to)]),
  );
}

/** The facts as they are remembered: of no environment in particular. */
export function withoutPrefix(interpreter: Interpreter, prefix: string | null): Interpreter {
  return relocate(interpreter, prefix, placeholder) as Interpreter;
}

/** All that tells one virtual environment of a Python from another; null where it is none. */
function virtualEnvironmentParts(prefix: string): readonly string[] | null {
  const configuration = textOrNone(join(prefix, 'pyvenv.cfg'));
  if (configuration === null) return null;
  // How it was called, and what its prompt is, changes nothing.
  const settings = configuration
    .split('\n')
    .filter((line) => !/^\s*(command|prompt)\s*=/i.test(line));
  const parts = [settings.join('\n'), textOrNone(join(prefix, 'bin', 'pip')) ?? ''];
  for (const name of namesOrNone(join(prefix, 'lib'))) {
    parts.push(name, ...pathFiles(join(prefix, 'lib', name, 'site-packages')));
  }
  return parts;
}

/** What in a folder of `sys.path` changes that path, or names the pip that lies there. */
function pathFiles(folder: string): readonly string[] {
  return namesOrNone(folder).flatMap((name) => {
    if (name.endsWith('.pth')) return [name, textOrNone(join(folder, name)) ?? ''];
    return /^pip(-.*)?$|^(site|user)customize\b/.test(name) ? [name] : [];
  });
}

export function pathFilesStamp(folder: string): string {
  return sha256(JSON.stringify(pathFiles(folder)));
}

/** The executable that a link leads to, and its stamp. */
function realStamp(executable: string): string {
  try {
    return `${realpathSync(executable)} ${fileStamp(executable)}`;
  } catch {
    return 'absent';
  }
}

function textOrNone(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

function namesOrNone(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Size, mtime and ctime of what a path leads to; `absent` where there is nothing. */
export function fileStamp(path: string): string {
  try {
    const { size, mtimeMs, ctimeMs } = statSync(realpathSync(path));
    return `${size}:${mtimeMs}:${ctimeMs}`;
  } catch {
    return 'absent';
  }
}

/** True where PEP 668 forbids pip to write. */
export function isExternallyManaged(interpreter: Interpreter): boolean {
  const marker = interpreter.externallyManagedMarker;
  return marker !== null && fileStamp(marker) !== 'absent';
}
