import { randomBytes } from 'node:crypto';
import {
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
import { hasErrno } from '../core/errors.ts';
import type { PlannedTree } from './link-trees.ts';
import { type Present, unlinkTrees } from './planned-trees.ts';

type Change =
  | { readonly type: 'made-file'; readonly path: string }
  | { readonly type: 'made-folder'; readonly path: string }
  | { readonly type: 'made-staging'; readonly path: string }
  | ({ readonly type: 'linked' } & LinkedTrees)
  | { readonly type: 'removed-folder'; readonly path: string; readonly mode: number }
  | { readonly type: 'moved'; readonly from: string; readonly to: string };

/** Trees that are linked, and what was at their paths before and has to stay. */
export interface LinkedTrees {
  readonly trees: readonly PlannedTree[];
  readonly present: Present;
  readonly compile: boolean;
}

/**
 * Everything that a run changes in an environment. What is in the way is moved into a staging
 * folder on the same volume, never deleted, so that until `commit` all can be put back.
 */
export class Transaction {
  readonly #home: string;
  readonly #changes: Change[] = [];
  readonly #stagings: string[] = [];
  readonly #folders = new Set<string>();
  #count = 0;

  /** @param home a folder of the environment; the first staging folder lies in it. */
  constructor(home: string) {
    this.#home = home;
  }

  /** A path within the staging folder, for what is prepared there under its name and renamed into place. */
  stage(name: string): string {
    const folder = join(this.#stagings[0] ?? this.#newStaging(this.#home), 'new');
    this.makeFolder(folder);
    return join(folder, name);
  }

  /** Takes note of trees that are about to be linked; of what is in their way, all was moved aside. */
  willLink(trees: LinkedTrees): void {
    this.#changes.push({ type: 'linked', ...trees });
  }

  /** Makes a folder and its parents where they are missing. */
  makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    try {
      mkdirSync(path);
      this.#changes.push({ type: 'made-folder', path });
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) {
        this.makeFolder(dirname(path));
        this.makeFolder(path);
      } else if (!hasErrno(error, 'EEXIST')) {
        throw error;
      }
    }
    this.#folders.add(path);
  }

  /** Puts a file at a path through `write`, which fails with EEXIST where there is one; that one is moved aside. */
  makeFile(path: string, write: (path: string) => void): void {
    try {
      writeWhole(path, write);
    } catch (error) {
      if (!hasErrno(error, 'EEXIST') || lstatSync(path).isDirectory()) throw error;
      this.moveAside(path);
      writeWhole(path, write);
    }
    this.#changes.push({ type: 'made-file', path });
  }

  /** Renames what was prepared under a staged name into place; what lies there already is overlaid. */
  publish(staged: string, path: string): void {
    try {
      renameSync(staged, path);
    } catch (error) {
      if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error;
      if (!lstatSync(staged).isDirectory() || !lstatSync(path).isDirectory()) throw error;
      for (const name of readdirSync(staged)) this.#overlay(join(staged, name), join(path, name));
      return;
    }
    this.#changes.push({ type: 'moved', from: staged, to: path });
  }

  #overlay(staged: string, path: string): void {
    const present = lstatSync(path, { throwIfNoEntry: false });
    if (present && !present.isDirectory()) this.moveAside(path);
    this.publish(staged, path);
  }

  /** Takes a file or a folder away. */
  moveAside(path: string): void {
    for (const staging of this.#stagings.length > 0
      ? this.#stagings
      : [this.#newStaging(this.#home)]) {
      if (this.#tryMove(path, staging)) return;
    }
    // A scheme folder on another volume than the modules.
    if (!this.#tryMove(path, this.#newStaging(dirname(path)))) {
      throw new Error(`${path} cannot be moved within its own folder`);
    }
  }

  /** Removes a folder that is empty; false where it is not. */
  removeEmptyFolder(path: string): boolean {
    try {
      const { mode } = statSync(path);
      rmdirSync(path);
      this.#changes.push({ type: 'removed-folder', path, mode });
      this.#folders.delete(path);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Makes the changes final: from here on nothing can be put back.
   *
   * @returns the folders with what was replaced that could not be removed.
   */
  commit(): readonly string[] {
    this.#changes.length = 0;
    return this.#stagings.filter((staging) => {
      try {
        rmSync(staging, { recursive: true, force: true });
        return false;
      } catch {
        return true;
      }
    });
  }

  /** Puts everything back as it was; what cannot be put back is named by the error. */
  rollback(): void {
    const failures: unknown[] = [];
    for (const change of this.#changes.toReversed()) {
      // What could not be put back stays in the staging folder, where it can be found.
      if (change.type === 'made-staging' && failures.length > 0) continue;
      try {
        undo(change);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 0) return;
    const message = `Not all could be put back; the rest lies in ${this.#stagings.join(' and ')}`;
    throw new AggregateError(failures, message);
  }

  #newStaging(folder: string): string {
    this.makeFolder(folder);
    const staging = join(folder, `.pip-accel-${process.pid}-${randomBytes(6).toString('hex')}`);
    mkdirSync(staging, { mode: 0o700 });
    this.#changes.push({ type: 'made-staging', path: staging });
    this.#stagings.push(staging);
    return staging;
  }

  #tryMove(path: string, staging: string): boolean {
    const to = join(staging, `${this.#count++}-${basename(path).slice(0, 200)}`);
    try {
      renameSync(path, to);
    } catch (error) {
      if (hasErrno(error, 'EXDEV')) return false;
      throw error;
    }
    this.#changes.push({ type: 'moved', from: path, to });
    for (const folder of this.#folders) {
      if (folder === path || folder.startsWith(`${path}/`)) this.#folders.delete(folder);
    }
    return true;
  }
}

function undo(change: Change): void {
  switch (change.type) {
    case 'made-file':
      unlinkSync(change.path);
      break;
    case 'made-folder':
      removeUnlessUsed(change.path);
      break;
    case 'linked':
      unlinkTrees(change.trees, change.present, change.compile);
      break;
    case 'made-staging':
      rmSync(change.path, { recursive: true, force: true });
      break;
    case 'removed-folder':
      mkdirSync(change.path, { mode: change.mode, recursive: true });
      break;
    case 'moved':
      moveBack(change.to, change.from);
      break;
    default:
      change satisfies never;
  }
}

/** A write that ends midway leaves no part of the file; only a file that it made can be full. */
function writeWhole(path: string, write: (path: string) => void): void {
  try {
    write(path);
  } catch (error) {
    if (hasErrno(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EFBIG')) rmSync(path, { force: true });
    throw error;
  }
}

/** Somebody else may have put a file into a folder that we made: bytecode of a module that was just imported. */
function removeUnlessUsed(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}

/** Renames back; where a folder of that name is in use, what it lacks is put into it. */
function moveBack(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST') || !lstatSync(from).isDirectory()) throw error;
    for (const name of readdirSync(from)) moveBack(join(from, name), join(to, name));
    rmdirSync(from);
  }
}
