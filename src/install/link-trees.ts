import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, hasErrno } from '../core/errors.ts';
import { type FileLists, type FolderFiles, readFileLists } from '../store/images.ts';
import { Linker, type LinkFile, type LinkMode } from './link.ts';

/** Trees to be linked, by any number of threads; structured clone carries it to them. */
export interface LinkJob {
  readonly trees: readonly PlannedTree[];
  readonly compile: boolean;
  readonly mode: LinkMode;
  /** One 32-bit integer, shared: the next part that nobody has taken yet. */
  readonly next: SharedArrayBuffer;
}

export interface PlannedTree {
  readonly imagePath: string;
  /** Which of the image's file lists. */
  readonly list: number;
  /** Folder of the image and folder of the environment; the latter exists. */
  readonly source: string;
  readonly target: string;
  readonly mtime: number;
  /** How many files it has, those of `except` counted. */
  readonly files: number;
  /** A folder of the tree that is left out with all below it: `bin`; null for none. */
  readonly except: string | null;
}

/** What one thread did. */
export interface LinkOutcome {
  /** Paths where something was already. */
  readonly taken: readonly string[];
  /** Why files were copied instead of linked. */
  readonly fallbacks: readonly string[];
  /** What stopped it, and with it the others. */
  readonly failure: {
    readonly message: string;
    readonly code: string;
    /** Which of the job's trees was at hand. */
    readonly tree: number;
  } | null;
}

/** Small enough that threads end together, large enough that few read the same list. */
const filesPerPart = 500;
/** Beyond every part: nobody takes another. */
const stopped = 2 ** 30;

/** Lets every thread end with the part that it has. */
export function stopLinking({ next }: LinkJob): void {
  Atomics.store(new Int32Array(next), 0, stopped);
}

/** Links part after part until none is left. Every thread of a job runs this. */
export function linkTrees(job: LinkJob): LinkOutcome {
  const next = new Int32Array(job.next);
  const parts = partsOf(job.trees);
  const thread = new LinkThread(job);
  let tree = 0;
  try {
    for (let at = Atomics.add(next, 0, 1); at < parts.length; at = Atomics.add(next, 0, 1)) {
      const part = parts[at];
      if (!part) break;
      tree = part.place;
      thread.link(part);
    }
    return { taken: thread.taken, fallbacks: thread.fallbacks, failure: null };
  } catch (error) {
    stopLinking(job);
    const failure = { message: (error as Error).message, code: errnoOf(error) ?? '', tree };
    return { taken: thread.taken, fallbacks: thread.fallbacks, failure };
  }
}

/** A share of a tree's folders: those whose files, counted on, begin from `from` up to `to`. */
interface Part {
  readonly tree: PlannedTree;
  /** Of the tree in the job. */
  readonly place: number;
  readonly from: number;
  readonly to: number;
}

function partsOf(trees: readonly PlannedTree[]): readonly Part[] {
  const parts: Part[] = [];
  for (const [place, tree] of trees.entries()) {
    let from = 0;
    do {
      parts.push({ tree, place, from, to: from + filesPerPart });
      from += filesPerPart;
    } while (from < tree.files);
  }
  return parts;
}

class LinkThread {
  readonly #compile: boolean;
  readonly #linker: Linker;
  readonly #folders = new Set<string>();
  #lists: { readonly imagePath: string; readonly lists: FileLists } | null = null;
  readonly taken: string[] = [];

  constructor({ compile, mode }: LinkJob) {
    this.#compile = compile;
    this.#linker = new Linker(mode);
  }

  get fallbacks(): readonly string[] {
    return this.#linker.fallbacks;
  }

  link({ tree, from, to }: Part): void {
    const { source, target, mtime } = tree;
    const link = this.#linker.between(source, target);
    this.#folders.add(target);
    let count = 0;
    for (const entry of this.#listOf(tree)) {
      const first = count;
      count += plannedFiles(entry, this.#compile);
      if (first < from || isSkipped(entry, this.#compile)) continue;
      if (first >= to) break;
      const [folder, files, bytecode] = entry;
      if (isWithin(folder, tree.except)) continue;
      const place = { from: below(source, folder), to: below(target, folder), mtime };
      this.#makeFolder(place.to);
      this.#linkAll(files, place, link);
      if (this.#compile) this.#linkAll(bytecode, place, link);
    }
  }

  #linkAll(
    names: readonly string[],
    { from, to, mtime }: { readonly from: string; readonly to: string; readonly mtime: number },
    link: LinkFile,
  ): void {
    for (const name of names) {
      const path = `${to}/${name}`;
      try {
        link(`${from}/${name}`, path, mtime);
      } catch (error) {
        if (!hasErrno(error, 'EEXIST')) throw error;
        this.taken.push(path);
      }
    }
  }

  #listOf({ imagePath, list }: PlannedTree): readonly FolderFiles[] {
    if (this.#lists?.imagePath !== imagePath) {
      this.#lists = { imagePath, lists: readFileLists(imagePath) };
    }
    return this.#lists.lists[list] ?? [];
  }

  #makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    try {
      mkdirSync(path);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) {
        // Another thread has the part with the parent, and has not come to it.
        this.#makeFolder(dirname(path));
        this.#makeFolder(path);
        return;
      }
      if (!hasErrno(error, 'EEXIST')) throw error;
    }
    this.#folders.add(path);
  }
}

/** A folder that holds bytecode alone is not made where none is wanted. */
export function isSkipped([, files, bytecode]: FolderFiles, compile: boolean): boolean {
  return !compile && files.length === 0 && bytecode.length > 0;
}

function plannedFiles([, files, bytecode]: FolderFiles, compile: boolean): number {
  return files.length + (compile ? bytecode.length : 0);
}

/** True for a folder of a tree and what lies below it. */
export function isWithin(folder: string, top: string | null): boolean {
  return top !== null && (top === '' || folder === top || folder.startsWith(`${top}/`));
}

/** The path of a listed folder; the root's is the empty text. */
export function below(root: string, folder: string): string {
  return folder === '' ? root : `${root}/${folder}`;
}
