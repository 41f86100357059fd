import { rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Store } from '../layout.ts';
import { inTemporary } from './temporary.ts';

/** Takes a file or a folder out of the store by a rename, so that others find all of it or nothing, and removes it. */
export async function takeAway(store: Store, path: string): Promise<void> {
  await inTemporary(store, basename(path), async (target) => {
    try {
      await rename(path, target);
    } catch (error) {
      // Somebody else was first.
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  });
}
