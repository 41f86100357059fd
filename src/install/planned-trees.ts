import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { hasErrno } from '../core/errors.ts';
import { type FolderFiles, readFileLists } from '../store/images.ts';
import { below, isSkipped, isWithin, type PlannedTree } from './link-trees.ts';

/** A tree that is to be linked, and what lies at its root. */
export interface SurveyedTree extends PlannedTree {
  readonly top: readonly string[];
}

/** What was there before trees were linked; everything else at their paths is theirs. */
export interface Present {
  readonly files: Set<string>;
  readonly folders: Set<string>;
}

/**
 * Looks which paths of trees are there already. Reads the folders that are, and no list of
 * a tree of which nothing is there.
 */
export function survey(trees: readonly SurveyedTree[], compile: boolean): Present {
  const present: Present = { files: new Set(), folders: new Set() };
  const listings = new Map<string, ReadonlySet<string>>();
  const namesIn = (folder: string): ReadonlySet<string> => {
    let names = listings.get(folder);
    if (!names) {
      names = new Set(namesOrNone(folder));
      listings.set(folder, names);
    }
    return names;
  };
  for (const tree of trees) {
    present.folders.add(tree.target);
    const here = namesIn(tree.target);
    if (!tree.top.some((name) => here.has(name))) continue;
    for (const entry of listOf(tree)) {
      if (isSkipped(entry, compile)) continue;
      const [folder, files, bytecode] = entry;
      const path = below(tree.target, folder);
      if (!isThere(path, { present, namesIn })) continue;
      present.folders.add(path);
      const names = namesIn(path);
      for (const name of compile ? [...files, ...bytecode] : files) {
        if (names.has(name)) present.files.add(`${path}/${name}`);
      }
    }
  }
  return present;
}

/** A folder is there where its parent is, and names it. */
function isThere(
  path: string,
  { present, namesIn }: { present: Present; namesIn: (folder: string) => ReadonlySet<string> },
): boolean {
  if (present.folders.has(path)) return true;
  const slash = path.lastIndexOf('/');
  const parent = path.slice(0, slash);
  return present.folders.has(parent) && namesIn(parent).has(path.slice(slash + 1));
}

function namesOrNone(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** Every path of the trees that has to be a file, with the file of the image that belongs there. */
export function* plannedFiles(
  trees: readonly PlannedTree[],
  compile: boolean,
): Generator<{ readonly path: string; readonly source: string; readonly tree: PlannedTree }> {
  for (const tree of trees) {
    for (const [folder, files, bytecode] of listOf(tree)) {
      const [source, target] = [below(tree.source, folder), below(tree.target, folder)];
      for (const name of compile ? [...files, ...bytecode] : files) {
        yield { path: `${target}/${name}`, source: `${source}/${name}`, tree };
      }
    }
  }
}

/** Removes what was linked of trees, all of it or a part, and nothing that was there before. */
export function unlinkTrees(
  trees: readonly PlannedTree[],
  present: Present,
  compile: boolean,
): void {
  for (const { path } of plannedFiles(trees, compile)) {
    if (!present.files.has(path)) ignoring(['ENOENT', 'ENOTDIR'], () => unlinkSync(path));
  }
  const folders = new Set(
    trees.flatMap((tree) => listOf(tree).map(([folder]) => below(tree.target, folder))),
  );
  for (const folder of [...folders].toSorted().toReversed()) {
    if (present.folders.has(folder)) continue;
    // Somebody else may have put a file there meanwhile: bytecode of a module that was just imported.
    ignoring(['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'], () => rmdirSync(folder));
  }
}

function ignoring(codes: readonly string[], action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!hasErrno(error, ...codes)) throw error;
  }
}

function listOf({ imagePath, list, except }: PlannedTree): readonly FolderFiles[] {
  const folders = readFileLists(imagePath)[list] ?? [];
  return except === null ? folders : folders.filter(([folder]) => !isWithin(folder, except));
}
