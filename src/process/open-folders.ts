import { closeSync, constants, openSync } from 'node:fs';
import { errnoOf } from '../core/errors.ts';

/** Far less than a process may have (1024 mostly), for every thread. */
const mostOpen = 32;

/** Folders that calls start from, the last ones left open for the next call. */
export class OpenFolders {
  readonly #descriptors = new Map<string, number>();

  /** null where it cannot be opened; why, an absolute path will tell. */
  open(path: string): number | null {
    const known = this.#descriptors.get(path);
    if (known !== undefined) return known;
    if (this.#descriptors.size >= mostOpen) this.close();
    const descriptor = openFolder(path);
    if (descriptor !== null) this.#descriptors.set(path, descriptor);
    return descriptor;
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }
}

function openFolder(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    return null;
  }
}
