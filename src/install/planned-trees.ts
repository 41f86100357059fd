import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import { type FolderFiles, readFileLists } from '../store/images.ts';
import { below, isSkipped, isUnder, type PlannedTree } from './link-trees.ts';

/** A tree that is to be linked, and what lies at its root. */
export interface SurveyedTree extends PlannedTree {
  readonly top: readonly string[];
}

/** What is to be put in place, held against what is there. */
export interface Surveyed {
  /** Paths where nothing is; what lies below one of them is not listed. */
  readonly fresh: Set<string>;
  /** Paths of files where something is. */
  readonly present: Set<string>;
}

/**
 * Looks which paths of trees, and of single files, are there already. Reads the folders that
 * are, and no list of a tree of which nothing is there.
 */
export function survey(
  trees: readonly SurveyedTree[],
  files: readonly string[],
  compile: boolean,
): Surveyed {
  const fresh = new Set<string>();
  const present = new Set<string>();
  const folders = new Folders(fresh);
  const lookFor = (folder: string, names: readonly string[]): void => {
    const here = folders.names(folder);
    for (const name of here ? names : []) {
      (here?.has(name) ? present : fresh).add(`${folder}/${name}`);
    }
  };
  for (const tree of trees) {
    const here = folders.names(tree.target);
    if (!here) continue;
    if (!tree.top.some((name) => here.has(name))) {
      for (const name of tree.top) fresh.add(`${tree.target}/${name}`);
      continue;
    }
    for (const entry of listOf(tree)) {
      if (isSkipped(entry, compile)) continue;
      const [folder, names, bytecode] = entry;
      lookFor(below(tree.target, folder), compile ? [...names, ...bytecode] : names);
    }
  }
  for (const path of files) lookFor(dirname(path), [basename(path)]);
  return { fresh, present };
}

/** The names in a folder. */
interface Listing {
  readonly has: (name: string) => boolean;
}

/** What is in folders, each read once. */
class Folders {
  readonly #fresh: Set<string>;
  readonly #listings = new Map<string, Listing | null>();

  /** @param fresh gets the uppermost of those that are missing. */
  constructor(fresh: Set<string>) {
    this.#fresh = fresh;
  }

  /** null where there is no such folder. */
  names(folder: string): Listing | null {
    const known = this.#listings.get(folder);
    if (known !== undefined) return known;
    const parent = this.#listings.get(dirname(folder));
    const isMissing = parent === null || parent?.has(basename(folder)) === false;
    const listing = isMissing ? null : listOrNull(folder);
    this.#listings.set(folder, listing);
    // A link that leads nowhere is there, too.
    if (listing === null && this.names(dirname(folder))?.has(basename(folder)) === false) {
      this.#fresh.add(folder);
    }
    return listing;
  }
}

/** @throws ENOTDIR where a file is in the place of the folder. */
function listOrNull(folder: string): Listing | null {
  try {
    const names = new Set(readdirSync(folder).map(folded));
    return { has: (name) => names.has(folded(name)) };
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** What a file system takes for one name: macOS's do not mind case and composition. */
const folded =
  process.platform === 'darwin'
    ? (name: string) => name.normalize('NFC').toLowerCase()
    : (name: string) => name;

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

function listOf({ imagePath, list, except }: PlannedTree): readonly FolderFiles[] {
  const folders = readFileLists(imagePath)[list] ?? [];
  return except === null ? folders : folders.filter(([folder]) => !isUnder(folder, except));
}
