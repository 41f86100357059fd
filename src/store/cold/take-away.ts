import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Store } from '../layout.ts';

/** No project's archive has such a name: what begins so in `tmp/` nobody looks for, and anybody may remove. */
const prefix = '.removed-';

/**
 * Takes a file or a folder out of the store by a rename, so that others find all of it or nothing.
 * A link goes, not what it leads to.
 *
 * @returns where it lies now; null where it was gone already.
 */
export async function moveAway(store: Store, path: string): Promise<string | null> {
  await mkdir(store.temporary, { recursive: true, mode: 0o700 });
  const target = join(store.temporary, `${prefix}${randomBytes(8).toString('hex')}`);
  try {
    await rename(path, target);
    return target;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Takes it out of the store, and removes it. */
export async function takeAway(store: Store, path: string): Promise<void> {
  const target = await moveAway(store, path);
  if (target !== null) await rm(target, { recursive: true, force: true });
}

/** What was taken out of the store by somebody who did not come to remove it. */
export async function movedAway(store: Store): Promise<readonly string[]> {
  try {
    const names = await readdir(store.temporary);
    return names
      .filter((name) => name.startsWith(prefix))
      .map((name) => join(store.temporary, name));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
