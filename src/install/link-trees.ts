import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, hasErrno } from '../core/errors.ts';
import { OpenFolders } from '../process/open-folders.ts';
import type { RelativeCalls } from '../process/relative-calls.ts';
import { type Share, stopSharing, takeShares } from '../process/shares.ts';
import { type FileLists, type FolderFiles, readFileLists } from '../store/images.ts';
import { Linker, type LinkFile, type LinkMode } from './link.ts';

/** Trees to be linked, by any number of threads; structured clone carries it to them. */
export interface LinkJob {
  readonly trees: readonly PlannedTree[];
  readonly compile: boolean;
  readonly mode: LinkMode;
  /** Whether it is to be told when what was linked. */
  readonly isTimed: boolean;
  /** Of `takeShares`. */
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
  /** When which of the job's trees was at hand, in milliseconds since 1970: each thread counts from its own start. */
  readonly times: readonly LinkTime[];
  /** What stopped it, and with it the others. */
  readonly failure: {
    readonly message: string;
    readonly code: string;
    /** Which of the job's trees was at hand. */
    readonly tree: number;
  } | null;
}

export interface LinkTime {
  readonly tree: number;
  readonly began: number;
  readonly ended: number;
}

/** Links share after share until none is left. Every thread of a job runs this. */
export function linkTrees(job: LinkJob, calls: RelativeCalls | null): LinkOutcome {
  const work = linkInShares(job, calls);
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

/** The same, for who has something else to do after some of the shares. */
export function* linkInShares(
  job: LinkJob,
  calls: RelativeCalls | null,
): Generator<undefined, LinkOutcome> {
  const thread = new LinkThread(job, calls);
  const counts = job.trees.map(({ files }) => files);
  const times: LinkTime[] = [];
  let at = 0;
  try {
    for (const share of takeShares(counts, job.next)) {
      at = share.place;
      const tree = job.trees[at];
      const began = job.isTimed ? now() : 0;
      if (tree) thread.link(tree, share);
      if (job.isTimed) times.push({ tree: at, began, ended: now() });
      yield;
    }
    return { taken: thread.taken, fallbacks: thread.fallbacks, times, failure: null };
  } catch (error) {
    stopSharing(job.next);
    const failure = { message: (error as Error).message, code: errnoOf(error) ?? '', tree: at };
    return { taken: thread.taken, fallbacks: thread.fallbacks, times, failure };
  } finally {
    thread.close();
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

class LinkThread {
  readonly #compile: boolean;
  readonly #linker: Linker;
  readonly #calls: RelativeCalls | null;
  readonly #roots = new OpenFolders();
  readonly #folders = new Set<string>();
  #lists: { readonly imagePath: string; readonly lists: FileLists } | null = null;
  readonly taken: string[] = [];

  constructor({ compile, mode }: LinkJob, calls: RelativeCalls | null) {
    this.#compile = compile;
    this.#linker = new Linker(mode);
    this.#calls = calls;
  }

  close(): void {
    this.#roots.close();
  }

  get fallbacks(): readonly string[] {
    return this.#linker.fallbacks;
  }

  /** Links the folders of a tree whose files begin within a share. */
  link(tree: PlannedTree, { from, to }: Share): void {
    const { source, target } = tree;
    const link = this.#linker.between(source, target);
    this.#folders.add(target);
    let count = 0;
    for (const entry of this.#listOf(tree)) {
      const first = count;
      count += plannedFiles(entry, this.#compile);
      if (first < from || isSkipped(entry, this.#compile)) continue;
      if (first >= to) break;
      const [folder, files, bytecode] = entry;
      if (isUnder(folder, tree.except)) continue;
      this.#makeFolder(below(target, folder));
      this.#linkAll(files, { tree, folder }, link);
      if (this.#compile) this.#linkAll(bytecode, { tree, folder }, link);
    }
  }

  #linkAll(
    names: readonly string[],
    { tree, folder }: { readonly tree: PlannedTree; readonly folder: string },
    link: LinkFile,
  ): void {
    const { source, target, mtime } = tree;
    const [from, to] = [below(source, folder), below(target, folder)];
    for (const name of this.#linkNear(names, { tree, folder })) {
      const path = `${to}/${name}`;
      try {
        link(`${from}/${name}`, path, mtime);
      } catch (error) {
        if (!hasErrno(error, 'EEXIST')) throw error;
        this.taken.push(path);
      }
    }
  }

  /** @returns the names of the files that it did not link. */
  #linkNear(
    names: readonly string[],
    { tree, folder }: { readonly tree: PlannedTree; readonly folder: string },
  ): readonly string[] {
    const { source, target } = tree;
    if (this.#calls === null || !this.#linker.links(source, target)) return names;
    const [from, to] = [this.#roots.open(source), this.#roots.open(target)];
    return from === null || to === null ? names : this.#calls.link({ from, to }, folder, names);
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
export function isUnder(folder: string, top: string | null): boolean {
  return top !== null && (top === '' || folder === top || folder.startsWith(`${top}/`));
}

/** The path of a listed folder; the root's is the empty text. */
export function below(root: string, folder: string): string {
  return folder === '' ? root : `${root}/${folder}`;
}
