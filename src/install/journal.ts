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
import { basename, dirname, join, relative, resolve } from 'node:path';
import { hasErrno, PipAccelError } from '../core/errors.ts';
import { journalPrefix } from '../core/journal-name.ts';
import type { NormalizedName, Scheme } from '../core/types.ts';
import { isWithin } from '../core/within.ts';
import { normalizeName } from '../python/names.ts';
import { readRecords, realPath } from './recorded.ts';

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
 * volume than the modules has a folder of the same name in the folder of the scheme there. With the name ending in `.done` all is final, and the rest rubbish.
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
  try {
    return readdirSync(purelib).filter((name) => namePattern.test(name));
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
  const trusted = [process.getuid?.(), 0, statSync(scheme.purelib).uid];
  for (const folder of journalFolders(name, scheme)) {
    const status = lstatSync(folder, { throwIfNoEntry: false });
    if (!status || (status.isDirectory() && trusted.includes(status.uid))) continue;
    throw new PipAccelError(
      'environment-unusable',
      `${folder} belongs to another user, who could have pip-accel move any file of this environment`,
      { hint: `Remove ${folder} if nobody is installing into this environment.` },
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
    const isPublishing = existsSync(join(home, 'publishing'));
    undoPublications(isPublishing ? placing.published : [], attempts);
    undoPlacing(placing, { folders, scheme }, attempts);
    attempts.settle();
    // From here on what is in the place of something new is old.
    unlinkSync(join(home, 'placing.json'));
  }
  const removal = readJournal<Removal>(join(home, 'removal.json'), removalPaths, roots);
  if (removal) {
    undoRemoval(removal, { folders, scheme }, attempts);
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

function undoPublications(published: readonly Publication[], attempts: Attempts): void {
  for (const { staged, path, aside } of published.toReversed()) {
    attempts.make(path, () => {
      const isOurs = aside === null || existsSync(aside);
      if (isOurs && !existsSync(staged) && existsSync(path)) renameSync(path, staged);
      if (aside !== null) moveBack(aside, path);
    });
  }
}

interface Place {
  /** The journal's. */
  readonly folders: readonly string[];
  readonly scheme: Scheme;
}

function undoPlacing(placing: Placing, { folders, scheme }: Place, attempts: Attempts): void {
  const others = recordedWithin(new Set(placing.fresh), scheme);
  for (const path of placing.fresh) {
    attempts.make(path, () => removeBut(path, others));
  }
  for (const [at, path] of placing.present.entries()) {
    attempts.make(path, () => {
      for (const folder of folders) renameIfThere(`${folder}/kept/${at}`, path);
    });
  }
}

/**
 * What distributions have below some paths that another pip installed meanwhile: one that took part in this
 * change, or one that came after a kill.
 *
 * @returns the paths and the folders above them.
 */
function recordedWithin(fresh: ReadonlySet<string>, scheme: Scheme): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { paths } of readRecords([scheme.purelib, scheme.platlib])) {
    for (const path of paths) {
      const above = pathAndFolders(path);
      if (above.some((folder) => fresh.has(folder))) for (const one of above) found.add(one);
    }
  }
  return found;
}

function pathAndFolders(path: string): readonly string[] {
  return path === dirname(path) ? [path] : [path, ...pathAndFolders(dirname(path))];
}

/** Removes a path and all that is in it, but for some paths. */
function removeBut(path: string, spared: ReadonlySet<string>): void {
  if (!spared.has(path)) {
    rmSync(path, { recursive: true, force: true });
    return;
  }
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  for (const name of readdirSync(path)) removeBut(join(path, name), spared);
}

function undoRemoval(removal: Removal, { folders, scheme }: Place, attempts: Attempts): void {
  const there = new Set(
    readRecords([scheme.purelib, scheme.platlib])
      .filter(({ info }) => existsSync(join(info, 'METADATA')))
      .map(({ info }) => projectOf(info)),
  );
  for (const [path, mode] of removal.folders) {
    attempts.make(path, () => void mkdirSync(path, { mode, recursive: true }));
  }
  for (const [at, { path, project }] of [...withProjects(removal).entries()].toReversed()) {
    // All of it is back, or somebody has installed that project since.
    if (project !== null && there.has(project)) continue;
    attempts.make(path, () => {
      for (const folder of folders) moveBack(`${folder}/old/${at}`, path);
    });
  }
}

/** The paths in their order, each with the project whose dist-info folder came last. */
function withProjects({
  paths,
}: Removal): readonly { readonly path: string; readonly project: NormalizedName | null }[] {
  let project: NormalizedName | null = null;
  return paths.map((path) => {
    if (path.endsWith('.dist-info')) project = projectOf(path);
    return { path, project };
  });
}

function projectOf(info: string): NormalizedName {
  return normalizeName(basename(info).split('-', 1)[0] ?? '');
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
