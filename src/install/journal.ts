import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { hasErrno, PipAccelError } from '../core/errors.ts';
import { journalPrefix } from '../core/journal-name.ts';
import { listFolder } from '../core/if-there.ts';
import type { Scheme } from '../core/types.ts';
import { isWithin } from '../core/within.ts';
import { realPath } from './recorded.ts';

/**
 * What a run changes in an environment is written down before it is done, so that it can be put
 * back: by the run itself after an error, by whichever run comes next after a kill. The journal is
 * a folder `.pip-accel-<random>` beside the modules:
 *
 *     removal.json    what is taken away first (`Removal`)
 *     old/<n>         the n-th path of that
 *     placing.json    what is put in place then (`Placing`); written when all of that was taken away
 *     kept/<n>        the n-th file of `present`, by another name
 *     over/<n>        a file that is about to be renamed over another
 *     new/            dist-info folders in preparation
 *     publishing/     made when all of them are prepared, and are about to be renamed into place
 *     info/<n>        the dist-info folder in whose place the n-th was put
 *
 * Paths are written relative to the real path of the folder with the modules, so that they hold
 * wherever an environment is moved to, and by whatever link it is reached. What lies on another
 * volume than the modules has a folder of the same name in the folder of the scheme there. With the
 * name ending in `.done` all is final, and the rest rubbish.
 */
export interface Removal {
  readonly format: 1;
  readonly paths: readonly string[];
  /** Folders that may become empty and then go, parents first, with their modes. */
  readonly folders: readonly (readonly [path: string, mode: number])[];
}

export interface Placing {
  readonly format: 1;
  /** Paths where nothing was: what is there now was put there by the run. */
  readonly fresh: readonly string[];
  /** Files in whose place others are put. */
  readonly present: readonly string[];
  readonly published: readonly Publication[];
}

/** A dist-info folder, prepared at `staged` and renamed to `path`. */
export interface Publication {
  readonly staged: string;
  readonly path: string;
  /** Where the folder that is there goes; null where there is none. */
  readonly aside: string | null;
}

/** Ends the name of a journal that is not needed any more. */
export const end = '.done';

const namePattern = new RegExp(
  `^${journalPrefix.replaceAll('.', '\\.')}[0-9a-f]{12}(${end.replace('.', '\\.')})?$`,
);

/** @param random 12 hexadecimal digits. */
export function journalName(random: string): string {
  return `${journalPrefix}${random}`;
}

/** The folders of a journal, on whichever volumes they may be needed; the first one is its home. */
export function journalFolders(name: string, scheme: Scheme): readonly string[] {
  const { purelib, platlib, scripts, data, headers } = scheme;
  const folders = [...new Set([purelib, platlib, scripts, data, headers])];
  return folders.map((folder) => `${folder}/${name}`);
}

/** @param isDurable waits until the disk has it. */
export function writeJournal(
  home: string,
  part: Removal | Placing,
  { isDurable }: { readonly isDurable: boolean },
): void {
  const base = realPath(dirname(home));
  const folders = new Map<string, string>();
  const encode = (path: string): string => {
    const folder = dirname(path);
    const real = folders.get(folder) ?? realFolder(folder);
    folders.set(folder, real);
    return relative(base, join(real, basename(path)));
  };
  const name = 'paths' in part ? 'removal.json' : 'placing.json';
  const descriptor = openSync(join(home, name), 'wx', 0o600);
  try {
    writeFileSync(descriptor, JSON.stringify(withPaths(part, encode)));
    if (isDurable) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A folder with all links in its path followed, as far as it is there. */
export function realFolder(folder: string): string {
  const real = realPath(folder);
  if (real !== folder || existsSync(folder) || folder === dirname(folder)) return real;
  return join(realFolder(dirname(folder)), basename(folder));
}

function withPaths<Part extends Removal | Placing>(
  part: Part,
  map: (path: string) => string,
): Part {
  if ('paths' in part) {
    const folders = part.folders.map(([path, mode]) => [map(path), mode] as const);
    return { ...part, paths: part.paths.map(map), folders };
  }
  const published = part.published.map(({ staged, path, aside }) => ({
    staged: map(staged),
    path: map(path),
    aside: aside === null ? null : map(aside),
  }));
  return { ...part, fresh: part.fresh.map(map), present: part.present.map(map), published };
}

/** The journals in an environment: of runs that were killed, where nobody else can be changing it. */
export function findJournals({ purelib }: Scheme): readonly string[] {
  return listFolder(purelib).filter((name) => namePattern.test(name));
}

export function removalPaths({ paths, folders }: Removal): readonly string[] {
  return [...paths, ...folders.map(([path]) => path)];
}

export function placingPaths({ fresh, present, published }: Placing): readonly string[] {
  const moved = published.flatMap(({ staged, path, aside }) => [staged, path, aside ?? path]);
  return [...fresh, ...present, ...moved];
}

/**
 * A part of a journal; null where it is not there. One that is not whole was not acted upon
 * either: what it announces is done when it is written.
 */
export function readJournal<Part extends Removal | Placing>(
  path: string,
  pathsOf: (part: Part) => readonly string[],
  roots: readonly string[],
): Part | null {
  const base = realPath(dirname(dirname(path)));
  let part: Part;
  try {
    const written = JSON.parse(readFileSync(path, 'utf8')) as Part;
    part = withPaths(written, (relative) => resolve(base, relative));
  } catch (error) {
    if (error instanceof SyntaxError || hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
  const real = roots.map(realPath);
  const stray = pathsOf(part).find((named) => !real.some((root) => isWithin(named, root)));
  if (stray === undefined) return part;
  throw new PipAccelError(
    'environment-unusable',
    `${path} names ${stray}, outside of the environment`,
    { hint: `Nothing was changed. What a run took away lies in ${join(dirname(path), 'old')}.` },
  );
}
