import { parseVersion } from '../../python/pep440.ts';
import type { Marker, Requirement } from '../../python/pep508.ts';

export interface RequirementContext {
  /** What relative paths start from: pip's working directory, absolute. */
  readonly directory: string;
  /** For `${NAME}`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The version of the pip whose place is taken; what a file may say depends on it. */
  readonly pip: string;
  /** Given an absolute path, or a URL; null for what is not to be had. Its ENOENT and the like are caught. */
  readonly read: (location: string) => Uint8Array | null;
}

/** Where an entry was found. */
export interface Origin {
  /** `-r requirements.txt (line 3)`, as pip's messages have it; null for the command line. */
  readonly comesFrom: string | null;
  /** As pip names the file in messages; null for the command line. */
  readonly file: string | null;
  readonly constraint: boolean;
  /** The line: joined, without its comment, variables filled in. */
  readonly text: string;
}

export type RequirementEntry = NamedEntry | DirectEntry | OptionsEntry | FileEntry | UnknownEntry;

export interface NamedEntry {
  readonly kind: 'named';
  readonly origin: Origin;
  /** Without its marker, as pip prints it. */
  readonly requirement: Requirement;
  readonly marker: Marker | null;
  readonly options: RequirementOptions;
}

/** A project at a place of its own. Whether it is there has not been looked at. */
export interface DirectEntry {
  readonly kind: 'direct';
  readonly origin: Origin;
  readonly form: 'path' | 'url' | 'vcs';
  /** An absolute path without extras, or a URL as written. */
  readonly location: string;
  readonly editable: boolean;
  /** As written before `@` or after `#egg=`; null where neither is there. */
  readonly name: string | null;
  readonly extras: readonly string[];
  readonly subdirectory: string | null;
  readonly marker: Marker | null;
  readonly options: RequirementOptions;
}

/** A line that holds for the whole run, wherever it stands. */
export interface OptionsEntry {
  readonly kind: 'options';
  readonly origin: Origin;
  /** Only what has an effect: of several `--index-url` the last, of several `--find-links` the first. */
  readonly options: readonly FileOption[];
}
export interface FileOption {
  /** The long form: `--index-url`. */
  readonly name: string;
  /** null for a switch. */
  readonly value: string | null;
}

/** A file that was read; what it says follows. */
export interface FileEntry {
  readonly kind: 'file';
  /** As given to `read`. */
  readonly location: string;
  readonly constraint: boolean;
  readonly content: Uint8Array;
}

export interface UnknownEntry {
  readonly kind: 'unknown';
  readonly origin: Origin;
  readonly reason: 'unreadable' | 'encoding' | 'recursion' | 'option' | 'requirement';
}

export interface RequirementOptions {
  /** Digests by algorithm, as written. */
  readonly hashes: Readonly<Record<string, readonly string[]>>;
  readonly configSettings: Readonly<Record<string, string | readonly string[]>>;
  readonly globalOptions: readonly string[];
  readonly installOptions: readonly string[];
}

export const noOptions: RequirementOptions = {
  hashes: {},
  configSettings: {},
  globalOptions: [],
  installOptions: [],
};

export function unknown(origin: Origin, reason: UnknownEntry['reason']): UnknownEntry {
  return { kind: 'unknown', origin, reason };
}

/** True for `==1.0` and `===1.0`, as pip has it for hashes, but not for `==1.*`, which it takes there too. */
export function isPinned(requirement: Requirement): boolean {
  const [only, ...others] = requirement.specifiers;
  if (only === undefined || others.length > 0) return false;
  return only.operator === '===' || (only.operator === '==' && !only.wildcard);
}

export function release(context: RequirementContext): number {
  const [major = 0, minor = 0] = parseVersion(context.pip)?.release ?? [];
  return Number(major) * 100 + Number(minor);
}
