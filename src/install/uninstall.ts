import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import { listFolder, readOptional } from '../core/if-there.ts';
import type { InstalledDistribution, Interpreter } from '../core/types.ts';
import { isWithin } from '../core/within.ts';
import { readCsv } from '../python/csv.ts';
import { parseEntryPoints } from '../python/entry-points.ts';
import { compareText, splitLines } from '../python/text.ts';
import { pipBehaviour } from './pip-behaviour.ts';
import { readRecords, realPath } from './recorded.ts';
import { compact, compressForRename } from './whole-folders.ts';

/** What removing a distribution takes away; empty for one that pip would leave alone. */
export interface Removal {
  readonly distribution: InstalledDistribution;
  readonly paths: ReadonlySet<string>;
}

/**
 * Finds what pip would remove with a distribution (`UninstallPathSet.from_dist`): the files of
 * RECORD with their bytecode, and the scripts of its entry points.
 *
 * @returns null for what is left to pip: everything but a dist-info folder with a RECORD.
 */
export function planRemoval(
  distribution: InstalledDistribution,
  interpreter: Interpreter,
): Removal | null {
  const { form, location, metadataPath } = distribution;
  if (form !== 'dist-info' || lstatSync(metadataPath).isSymbolicLink()) return null;
  if (interpreter.userSite !== null && isWithin(location, interpreter.userSite)) return null;
  const collected = new RemovedPaths(interpreter);
  if (interpreter.isVirtualEnvironment && !collected.permits(realpathSync.native(location))) {
    return { distribution, paths: new Set() };
  }
  const record = readOptional(join(metadataPath, 'RECORD'));
  if (record === null) return null;
  for (const [entry] of readCsv(splitLines(record))) {
    if (entry) collected.addRecorded(location, entry);
  }
  for (const name of scriptNames(metadataPath)) {
    collected.add(`${interpreter.scheme.scripts}/${name}`);
  }
  return { distribution, paths: collected.paths };
}

/** What a transaction takes away, in its order. */
export interface PlannedRemoval {
  readonly paths: readonly string[];
  /** Folders that may become empty, parents first, with their modes. */
  readonly folders: readonly (readonly [path: string, mode: number])[];
  /** Of a folder of `paths`, what stays in its place. */
  readonly kept: ReadonlyMap<string, readonly string[]>;
}

/**
 * How distributions are taken away, with the folders that pip would not leave behind. The
 * dist-info folder goes first, as a whole: from then on a distribution is absent, not broken. What the
 * RECORD of another distribution names stays, which pip removes too.
 */
export function planRemovals(
  removals: readonly Removal[],
  interpreter: Interpreter,
): PlannedRemoval {
  const stay = new Set(Object.values(interpreter.scheme).flatMap(withRealPath));
  const { movesWholeFolders } = pipBehaviour(interpreter.pip);
  const shared = sharedPaths(removals, interpreter);
  const paths: string[] = [];
  const folders = new Map<string, number>();
  const kept = new Map<string, readonly string[]>();
  for (const { distribution, paths: all } of removals) {
    const own = new Set([...all].filter((path) => !shared.has(path)));
    const moves = movesWholeFolders ? compressForRename(own, stay) : own;
    const info = infoOf(distribution);
    if (own.size > 0) {
      paths.push(info);
      const rest = filesBelow(info).filter((path) => !own.has(path));
      if (rest.length > 0) {
        kept.set(
          info,
          rest.map((path) => relative(info, path)),
        );
      }
    }
    for (const path of [...compact(moves)].sort(compareText)) {
      const isWhole = path.endsWith('/');
      const bare = isWhole ? path.slice(0, -1) : path;
      if (isWithin(bare, info)) continue;
      paths.push(bare);
      addParents(bare, { folders, stay, isWhole });
    }
  }
  const ordered = [...folders].sort(([a], [b]) => a.length - b.length);
  return { paths: [...new Set(paths)], folders: ordered, kept };
}

/**
 * Python's `os.removedirs`; the folders of the scheme stay. Of a path that is moved as a whole, pip
 * removes no parents: `os.path.split` of a name that ends in a slash has no tail.
 */
function addParents(
  path: string,
  {
    folders,
    stay,
    isWhole,
  }: {
    readonly folders: Map<string, number>;
    readonly stay: ReadonlySet<string>;
    readonly isWhole: boolean;
  },
): void {
  if (isWhole) return;
  for (let folder = dirname(path); !stay.has(folder); folder = dirname(folder)) {
    if (folder === dirname(folder)) return;
    folders.set(folder, statSync(folder).mode & 0o7777);
  }
}

/** Those of the paths that the RECORD of a distribution names which stays. */
function sharedPaths(
  removals: readonly Removal[],
  { sitePackages, scheme }: Interpreter,
): ReadonlySet<string> {
  const gone = new Set(removals.map(({ distribution }) => infoOf(distribution)));
  const all = new Set(removals.flatMap(({ paths }) => [...paths]));
  const names = new Set(Array.from(all, (path) => basename(path)));
  const staying = readRecords([...sitePackages, scheme.purelib, scheme.platlib], names).filter(
    ({ info }) => !gone.has(info),
  );
  return new Set(staying.flatMap(({ paths }) => paths.filter((path) => all.has(path))));
}

/** The dist-info folder; not what a link in its place leads to. */
function infoOf({ metadataPath }: InstalledDistribution): string {
  return join(realPath(dirname(metadataPath)), basename(metadataPath));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function withRealPath(path: string): string[] {
  return existsSync(path) ? [path, realpathSync.native(path)] : [path];
}

class RemovedPaths {
  readonly paths = new Set<string>();
  readonly #interpreter: Interpreter;
  readonly #roots: readonly string[];
  readonly #folders: readonly string[];
  readonly #realFolders = new Map<string, string | null>();

  constructor(interpreter: Interpreter) {
    this.#interpreter = interpreter;
    this.#folders = Object.values(interpreter.scheme).flatMap(withRealPath);
    // pip asks for the prefix in a virtual environment, and outside of one removes whatever
    // RECORD names; a RECORD has no business outside of prefix and scheme.
    const roots = interpreter.isVirtualEnvironment
      ? [interpreter.prefix]
      : [interpreter.prefix, ...Object.values(interpreter.scheme)];
    this.#roots = roots.map((root) => withRealPath(root).at(-1) ?? root);
  }

  permits(path: string): boolean {
    return this.#roots.some((root) => isWithin(path, root));
  }

  /** True for a folder of the environment itself, which a RECORD can only name by malice: pip fails at it. */
  #holdsOthers(path: string): boolean {
    return this.#folders.some((folder) => isWithin(folder, path));
  }

  addRecorded(location: string, entry: string): void {
    const path = entry.startsWith('/') ? entry : `${location}/${entry}`;
    this.add(path);
    if (!path.endsWith('.py')) return;
    this.add(`${path}c`);
    this.add(`${path}o`);
  }

  /** Adds a path that exists, and the bytecode of a source (`UninstallPathSet.add`). */
  add(path: string): void {
    // Links among the parents are followed, the name itself is not: not its target is removed.
    const folder = this.#realFolder(dirname(path));
    if (folder === null) return;
    const real = join(folder, basename(path));
    if (!existsSync(real) || !this.permits(real) || this.#holdsOthers(real)) return;
    this.paths.add(real);
    const { cacheTag } = this.#interpreter;
    if (extname(real) === '.py' && cacheTag !== null) {
      this.add(join(folder, '__pycache__', `${basename(real, '.py')}.${cacheTag}.pyc`));
    }
  }

  #realFolder(folder: string): string | null {
    const known = this.#realFolders.get(folder);
    if (known !== undefined) return known;
    let real: string | null = null;
    try {
      real = realpathSync.native(folder);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
    }
    this.#realFolders.set(folder, real);
    return real;
  }
}

/** The scripts of distutils, which lie in the metadata, and those of entry points. */
function scriptNames(metadataPath: string): string[] {
  const { console, gui } = parseEntryPoints(
    readOptional(join(metadataPath, 'entry_points.txt')) ?? '',
  );
  const distutils = listFolder(join(metadataPath, 'scripts'));
  return [...distutils, ...console.keys(), ...gui.keys()];
}
