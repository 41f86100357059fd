import { lstatSync, readdirSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Store } from '../layout.ts';
import { distrust } from '../trust.ts';

/**
 * Makes a folder of the store, and those above it, such that their names outlive a power cut and
 * that nobody else can write to them, whatever the umask.
 *
 * @throws PipAccelError `store-unusable` where somebody else could have put something there.
 */
export async function makeFolder(store: Store, folder: string, mode = 0o755): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode });
  const fault = distrust(store, [folder]);
  if (fault) throw fault;
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await syncPath(dirname(made));
  }
}

/**
 * Why files of the store are not to be used, which lie in folders that only this user and root can
 * write to now; null where they may be.
 */
export function strangenessOf(paths: readonly string[]): string | null {
  for (const path of paths) {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (!status) continue;
    if (!status.isFile()) return `${path} is no regular file`;
    const user = process.geteuid?.() ?? status.uid;
    if (status.uid !== user && status.uid !== 0) return `${path} belongs to user ${status.uid}`;
  }
  return null;
}

/** The names in a folder, sorted; none for a link, wherever it leads. */
export function namesIn(folder: string): readonly string[] {
  try {
    const isFolder = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    return isFolder ? readdirSync(folder).sort() : [];
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** `fsync(2)` of a file or a folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
