import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasErrno, PipAccelError } from '../core/errors.ts';
import type { NormalizedName, Scheme } from '../core/types.ts';
import { normalizeName } from '../python/names.ts';
import {
  end,
  journalFolders,
  type Placing,
  placingPaths,
  type Publication,
  readJournal,
  type Removal,
  removalPaths,
} from './journal.ts';
import { readRecords } from './recorded.ts';

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
 * What distributions have below some paths that another pip installed: one that took part in this
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
