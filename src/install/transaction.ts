import {
  copyFileSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import type { Interpreter, Scheme } from '../core/types.ts';
import { isWithin } from '../core/within.ts';
import { randomText } from '../core/random.ts';
import {
  journalFolders,
  journalName,
  type Placing,
  type Publication,
  writeJournal,
} from './journal.ts';
import { realPath } from './recorded.ts';
import { finish, undo } from './undo.ts';
import type { PlannedRemoval } from './uninstall.ts';

/**
 * Everything that a run changes in an environment: first what it takes away, then what it puts in
 * place, each written to the journal before it is done. Until `commit` all can be put back.
 * Nobody else may change the environment meanwhile.
 */
export class Transaction {
  readonly #name = journalName(randomText(6));
  readonly #scheme: Scheme;
  readonly #roots: readonly string[];
  readonly #folders: readonly string[];
  readonly #home: string;
  readonly #made = new Set<string>();
  #count = 0;
  #isReplacing = false;

  constructor(interpreter: Interpreter) {
    this.#scheme = interpreter.scheme;
    this.#roots = changeableRoots(interpreter);
    this.#folders = journalFolders(this.#name, interpreter.scheme);
    this.#home = this.#folders[0] ?? '';
  }

  /** The journal's folder is the first thing that is made, and the last that goes. */
  begin(): void {
    this.makeFolder(dirname(this.#home));
    mkdirSync(this.#home, { mode: 0o700 });
  }

  /** Where a dist-info folder is prepared, on the volume of the modules beside which it will lie. */
  staged(root: 'purelib' | 'platlib', name: string): string {
    return join(this.#scheme[root], this.#name, 'new', name);
  }

  /** Where the n-th dist-info folder that is in the way goes. */
  aside(root: 'purelib' | 'platlib', at: number): string {
    return join(this.#scheme[root], this.#name, 'info', String(at));
  }

  /** Takes distributions away. */
  remove({ paths, folders, kept }: PlannedRemoval): void {
    if (paths.length === 0) return;
    const removal = { format: 1, paths, folders } as const;
    writeJournal(this.#home, removal, { isDurable: true });
    this.#isReplacing = true;
    for (const [at, path] of paths.entries()) {
      const old = this.#onVolumeOf(path, join('old', String(at)), (to) => renameOrMove(path, to));
      for (const name of kept.get(path) ?? []) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        renameSync(join(old, name), join(path, name));
      }
    }
    for (const [folder] of folders.toReversed()) removeIfEmpty(folder);
  }

  /** Writes down what is going to be put in place. */
  willPlace({ fresh, present, published }: Omit<Placing, 'format'>): void {
    const placing = { format: 1, fresh, present, published } as const;
    const isDurable = present.length > 0 || this.#isReplacing;
    writeJournal(this.#home, placing, { isDurable });
    for (const [at, path] of present.entries()) this.#keep(path, at);
  }

  /** Makes a folder and its parents where they are missing. */
  makeFolder(path: string): void {
    if (this.#made.has(path)) return;
    try {
      mkdirSync(path);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) {
        this.makeFolder(dirname(path));
        this.makeFolder(path);
      } else if (!hasErrno(error, 'EEXIST')) {
        throw error;
      }
    }
    this.#made.add(path);
  }

  /** Puts a file at a path through `write`, which fails with EEXIST where there is one; that one is replaced at once. */
  putFile(path: string, write: (path: string) => void): void {
    try {
      write(path);
    } catch (error) {
      if (!hasErrno(error, 'EEXIST') || lstatSync(path).isDirectory()) throw error;
      this.#putOver(path, write);
    }
  }

  /** Renames dist-info folders into place: from then on their distributions are installed. */
  publish(publications: readonly Publication[]): void {
    this.makeFolder(join(this.#home, 'publishing'));
    for (const publication of publications) this.#publish(publication);
  }

  #publish({ staged, path, aside }: Publication): void {
    if (aside !== null) {
      this.makeFolder(dirname(aside));
      // What only the earlier folder has stays, as where pip writes into it.
      for (const name of namesBeside(path, staged)) {
        cpSync(join(path, name), join(staged, name), { recursive: true, verbatimSymlinks: true });
      }
      renameOrMove(path, aside);
    }
    renameSync(staged, path);
  }

  /**
   * Makes the changes final: from here on nothing can be put back.
   *
   * @returns the folders with what was replaced that could not be removed.
   */
  commit(): readonly string[] {
    return finish(this.#name, this.#scheme);
  }

  /** Puts everything back as it was; what cannot be put back is named by the error. */
  rollback(): void {
    undo(this.#name, this.#scheme, this.#roots);
  }

  #keep(path: string, at: number): void {
    this.#onVolumeOf(path, join('kept', String(at)), (to) => {
      try {
        linkSync(path, to);
      } catch (error) {
        if (!hasErrno(error, ...unlinkable)) throw error;
        copyFileSync(path, `${to}~`);
        renameSync(`${to}~`, to);
      }
    });
  }

  #putOver(path: string, write: (path: string) => void): void {
    this.#onVolumeOf(path, join('over', String(this.#count++)), (prepared) => {
      write(prepared);
      try {
        renameSync(prepared, path);
      } catch (error) {
        rmSync(prepared, { force: true });
        throw error;
      }
    });
  }

  /** Acts with a name in the journal where it lies on the volume of a path; @returns its path. */
  #onVolumeOf(path: string, name: string, act: (inJournal: string) => void): string {
    const others = this.#folders.filter(
      (folder) =>
        folder !== this.#home && isWithin(realPath(dirname(path)), realPath(dirname(folder))),
    );
    for (const folder of [this.#home, ...others]) {
      const inJournal = join(folder, name);
      this.makeFolder(dirname(inJournal));
      try {
        act(inJournal);
        return inJournal;
      } catch (error) {
        if (!hasErrno(error, 'EXDEV') || folder === (others.at(-1) ?? this.#home)) throw error;
      }
    }
    throw new Error(`${path} is in no folder of the scheme`);
  }
}

/** Folders outside of which no journal of an environment has anything to do. */
export function changeableRoots({ prefix, scheme }: Interpreter): readonly string[] {
  return [prefix, ...Object.values(scheme)];
}

/** Not every file system links, nor every file of another user. */
const unlinkable = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/**
 * An overlay (a container's image below, its changes above) refuses to rename a folder of the
 * image with EXDEV, but not the files in it.
 */
function renameOrMove(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasErrno(error, 'EXDEV')) throw error;
    const status = lstatSync(from);
    if (!status.isDirectory() || status.dev !== lstatSync(dirname(to)).dev) throw error;
    mkdirSync(to, { mode: status.mode });
    for (const name of readdirSync(from)) renameOrMove(join(from, name), join(to, name));
    rmdirSync(from);
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'))
      throw error;
  }
}

function namesBeside(folder: string, other: string): readonly string[] {
  const names = new Set(readdirSync(other));
  return readdirSync(folder).filter((name) => !names.has(name));
}
