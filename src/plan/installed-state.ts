import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../core/sha256.ts';
import { hasErrno } from '../core/errors.ts';
import { listFolder, readBytes, readOptional } from '../core/if-there.ts';
import type { InstalledDistribution, Interpreter } from '../core/types.ts';
import type { Store } from '../store/layout.ts';
import { directFiles, type Survey, surveyInstalled } from './installed.ts';

/** What is installed, as a request meets it. */
export interface InstalledState {
  readonly distributions: readonly InstalledDistribution[];
  /** Tells one set of distributions from another; the same wherever an environment lies. */
  readonly digest: string;
}

/**
 * The state of an environment as it is kept, so that one that has not changed since need not be
 * read: a distribution comes and goes by a rename in a folder of `sys.path`, which changes that
 * folder's times.
 */
export interface KeptState extends InstalledState {
  readonly format: 2;
  /** Path and stamp of what was read. */
  readonly watched: readonly (readonly [path: string, stamp: string])[];
}

/** What is installed now, and what becomes of that. */
export interface StateReading {
  readonly state: InstalledState;
  /** What is worth keeping of it; null where it is kept, or changed just now. */
  readonly toKeep: KeptState | null;
  /** Somebody is changing the environment, or was killed while changing it. */
  readonly isInMotion: boolean;
  /** Whether it is still as it was read. */
  readonly isCurrent: () => boolean;
}

export function readState(store: Store, interpreter: Interpreter): StateReading {
  const kept = recallState(store, interpreter);
  if (kept) {
    return { state: kept, toKeep: null, isInMotion: false, isCurrent: () => holds(kept.watched) };
  }
  const begun = Date.now();
  const { state, watched, isInMotion } = surveyState(interpreter);
  const seen = [...watched].map((path) => ({ path, ...stampOf(path) }));
  const isSettled = seen.every(({ changed }) => changed < begun - settlingMilliseconds);
  // An egg's metadata is changed in place, which no folder shows.
  const isOfWheels = state.distributions.every(({ form }) => form === 'dist-info');
  if (!isSettled || !isOfWheels || isInMotion) {
    const isCurrent = () => surveyState(interpreter).state.digest === state.digest;
    return { state, toKeep: null, isInMotion, isCurrent };
  }
  const stamps = seen.map(({ path, stamp }) => [path, stamp] as const);
  const toKeep = { format: 2, ...state, watched: stamps } as const;
  return { state, toKeep, isInMotion, isCurrent: () => holds(stamps) };
}

function holds(watched: KeptState['watched']): boolean {
  return watched.every(([path, stamp]) => stampOf(path).stamp === stamp);
}

/** The state of an environment as it is now, whatever is kept of it. */
export function surveyState(interpreter: Interpreter): {
  readonly state: InstalledState;
  readonly watched: Survey['watched'];
  readonly isInMotion: boolean;
} {
  const { distributions, ...survey } = surveyInstalled(interpreter);
  return { state: { distributions, digest: digestOf(distributions, interpreter) }, ...survey };
}

/**
 * Longer than a file system takes between two times that it tells apart (a tick of the kernel,
 * 2 s on FAT): a change after one that is older than this has another time.
 */
const settlingMilliseconds = 2000;

function recallState(store: Store, interpreter: Interpreter): KeptState | null {
  let kept: KeptState;
  try {
    kept = JSON.parse(readFileSync(stateFile(store, interpreter), 'utf8')) as KeptState;
  } catch {
    return null;
  }
  if (kept.format !== 2) return null;
  return holds(kept.watched) ? kept : null;
}

/** Where the state of an environment is kept. */
export function stateFile(store: Store, { prefix, sitePackages }: Interpreter): string {
  const key = sha256([prefix, ...sitePackages].join('\0'));
  return join(store.environments, `${key.slice(0, 32)}.json`);
}

/** @returns `changed` in milliseconds since 1970. */
function stampOf(path: string): { readonly stamp: string; readonly changed: number } {
  try {
    const status = statSync(path, { bigint: true });
    // A file that is linked into another environment gets another ctime by that.
    const ctimeNs = status.isDirectory() ? status.ctimeNs : 0n;
    const { ino, size, mtimeNs } = status;
    const latest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
    return { stamp: `${ino}:${size}:${mtimeNs}:${ctimeNs}`, changed: Number(latest / 1_000_000n) };
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) return { stamp: '', changed: 0 };
    throw error;
  }
}

function digestOf(
  distributions: readonly InstalledDistribution[],
  { prefix }: Interpreter,
): string {
  const lines = distributions.map((item) => lineOf(item).replaceAll(prefix, ''));
  return sha256(lines.sort().join('\n'));
}

/** What pip could find of an installed distribution: a version may have been built anew, with other metadata. */
function lineOf(distribution: InstalledDistribution): string {
  const { key, version, location, metadataPath, form, direct, editable } = distribution;
  const metadata =
    form === 'dist-info'
      ? (direct ? directFiles : ['METADATA']).map((name) => fileDigest(join(metadataPath, name)))
      : ownMetadata(distribution);
  return [`${key}==${version}`, location, editable ? 'editable' : '', ...metadata].join(' ');
}

function fileDigest(path: string): string {
  const bytes = readBytes(path);
  return bytes === null ? '' : sha256(bytes);
}

const metadataFiles = ['METADATA', 'PKG-INFO', 'requires.txt', 'EGG-INFO/PKG-INFO', ''];

function ownMetadata({ form, location, metadataPath }: InstalledDistribution): readonly string[] {
  const folders =
    form === 'egg-link'
      ? listFolder(location).flatMap((name) =>
          name.endsWith('.egg-info') ? [join(location, name)] : [],
        )
      : [metadataPath];
  return folders.flatMap((folder) =>
    metadataFiles.map((name) => readOptional(join(folder, name)) ?? ''),
  );
}
