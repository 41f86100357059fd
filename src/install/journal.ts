import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { hasErrno, PipAccelError } from '../core/errors.ts';
import { journalPrefix } from '../core/journal-name.ts';
import type { Scheme } from '../core/types.ts';
import { isWithin } from '../core/within.ts';

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
 *     info/<n>        the dist-info folder in whose place the n-th was put
 *
 * What lies on another volume than the modules has a folder of the same name in the folder of
 * the scheme there. With the name ending in `.done` all is final, and the rest rubbish.
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

const end = '.done';

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
  path: string,
  content: Removal | Placing,
  { isDurable }: { readonly isDurable: boolean },
): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(descriptor, JSON.stringify(content));
    if (isDurable) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The journals in an environment: of runs that were killed, where nobody else can be changing it. */
export function findJournals({ purelib }: Scheme): readonly string[] {
  try {
    return readdirSync(purelib).filter((name) => name.startsWith(journalPrefix));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** Makes what a run did final; to be called again where it was cut off. @returns what could not be removed. */
export function finish(name: string, scheme: Scheme): readonly string[] {
  const [home = '', ...others] = journalFolders(name.replace(end, ''), scheme);
  if (!name.endsWith(end)) renameSync(home, `${home}${end}`);
  return [...others, `${home}${end}`].filter((folder) => {
    try {
      rmSync(folder, { recursive: true, force: true });
      return false;
    } catch {
      return true;
    }
  });
}

/**
 * Puts back what was killed in the middle, or finishes what was final.
 *
 * @param roots nothing outside of these is touched, whatever a journal says.
 * @returns whether anything was put back.
 * @throws PipAccelError `environment-unusable`
 */
export function repair(name: string, scheme: Scheme, roots: readonly string[]): boolean {
  const home = join(scheme.purelib, name);
  const owner = lstatSync(home).uid;
  const trusted = [process.getuid?.(), 0, statSync(scheme.purelib).uid];
  if (!trusted.includes(owner)) {
    throw new PipAccelError(
      'environment-unusable',
      `${home} belongs to another user, who could have pip-accel move any file of this environment`,
      { hint: `Remove ${home} if nobody is installing into this environment.` },
    );
  }
  if (name.endsWith(end)) {
    finish(name, scheme);
    return false;
  }
  undo(name, scheme, roots);
  return true;
}

/**
 * Puts everything back as it was before a run. Can be killed and called again at any point.
 *
 * @throws PipAccelError `environment-unusable` naming what could not be put back; the rest is.
 */
export function undo(name: string, scheme: Scheme, roots: readonly string[]): void {
  const folders = journalFolders(name, scheme).filter((folder) => existsSync(folder));
  const [home] = folders;
  if (home === undefined) return;
  const attempts = new Attempts(home);
  const placing = readJournal<Placing>(join(home, 'placing.json'), placingPaths, roots);
  if (placing) {
    undoPlacing(placing, folders, attempts);
    attempts.settle();
    // From here on what is in the place of something new is old.
    unlinkSync(join(home, 'placing.json'));
  }
  const removal = readJournal<Removal>(join(home, 'removal.json'), removalPaths, roots);
  if (removal) {
    undoRemoval(removal, folders, attempts);
    attempts.settle();
  } else if (folders.some((folder) => existsSync(join(folder, 'old')))) {
    throw new PipAccelError(
      'environment-unusable',
      `A run was cut off while it changed this environment, and its journal ${home} cannot be read`,
      { hint: `Make the environment anew; what was being replaced lies in ${join(home, 'old')}.` },
    );
  }
  finish(name, scheme);
}

function undoPlacing(placing: Placing, folders: readonly string[], attempts: Attempts): void {
  for (const { staged, path, aside } of placing.published.toReversed()) {
    attempts.make(path, () => {
      const isOurs = aside === null || existsSync(aside);
      if (isOurs && !existsSync(staged) && existsSync(path)) renameSync(path, staged);
      if (aside !== null && existsSync(aside)) renameSync(aside, path);
    });
  }
  for (const path of placing.fresh) {
    attempts.make(path, () => rmSync(path, { recursive: true, force: true }));
  }
  for (const [at, path] of placing.present.entries()) {
    attempts.make(path, () => {
      for (const folder of folders) renameIfThere(`${folder}/kept/${at}`, path);
    });
  }
}

function undoRemoval(removal: Removal, folders: readonly string[], attempts: Attempts): void {
  for (const [path, mode] of removal.folders) {
    attempts.make(path, () => void mkdirSync(path, { mode, recursive: true }));
  }
  for (const [at, path] of [...removal.paths.entries()].toReversed()) {
    attempts.make(path, () => {
      for (const folder of folders) moveBack(`${folder}/old/${at}`, path);
    });
  }
}

/** All that can be done is done, also where something cannot. */
class Attempts {
  readonly #home: string;
  readonly #failures: string[] = [];

  constructor(home: string) {
    this.#home = home;
  }

  make(path: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failures.push(`${path} (${error instanceof Error ? error.message : String(error)})`);
    }
  }

  settle(): void {
    if (this.#failures.length === 0) return;
    throw new PipAccelError(
      'environment-unusable',
      `Not all could be put back as it was: ${this.#failures.join('; ')}`,
      { hint: `What was there lies in ${this.#home}; the next run tries again.` },
    );
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

/** Renames back; where a folder of that name is in use, what it lacks is put into it. */
function moveBack(from: string, to: string): void {
  if (!lstatSync(from, { throwIfNoEntry: false })) return;
  mkdirSync(dirname(to), { recursive: true });
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST') || !lstatSync(from).isDirectory()) throw error;
    for (const name of readdirSync(from)) moveBack(join(from, name), join(to, name));
    rmdirSync(from);
  }
}

function removalPaths({ paths, folders }: Removal): readonly string[] {
  return [...paths, ...folders.map(([path]) => path)];
}

function placingPaths({ fresh, present, published }: Placing): readonly string[] {
  const moved = published.flatMap(({ staged, path, aside }) => [staged, path, aside ?? path]);
  return [...fresh, ...present, ...moved];
}

/**
 * A part of a journal; null where it is not there. One that is not whole was not acted upon
 * either: what it announces is done when it is written.
 */
function readJournal<Part extends Removal | Placing>(
  path: string,
  pathsOf: (part: Part) => readonly string[],
  roots: readonly string[],
): Part | null {
  let part: Part;
  try {
    part = JSON.parse(readFileSync(path, 'utf8')) as Part;
  } catch (error) {
    if (error instanceof SyntaxError || hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
  const stray = pathsOf(part).find(
    (named) => named.split('/').includes('..') || !roots.some((root) => isWithin(named, root)),
  );
  if (stray === undefined) return part;
  throw new PipAccelError(
    'environment-unusable',
    `${path} names ${stray}, outside of the environment`,
    {
      hint: 'No run of pip-accel writes that; look where it comes from, then remove it.',
    },
  );
}
