import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Store } from '../layout.ts';
import { makeFolder, syncPath } from './folders.ts';
import { inTemporary } from './temporary.ts';

/**
 * Publishes one file: `write` makes it at a temporary path on the store's volume; it is
 * fsynced and renamed to `target`; then the folder is fsynced, so that the name outlives
 * a power cut. An existing file is replaced: whoever renames last wins, both are whole.
 */
export async function publishFile(
  store: Store,
  target: string,
  write: (path: string) => Promise<void>,
): Promise<void> {
  await makeFolder(store, dirname(target));
  await inTemporary(store, basename(target), async (path) => {
    await write(path);
    await syncPath(path);
    await rename(path, target);
    await syncPath(dirname(target));
  });
}

export async function publishText(store: Store, target: string, text: string): Promise<void> {
  await publishFile(store, target, (path) => writeFile(path, text, { flag: 'wx' }));
}

export async function publishJson(store: Store, target: string, value: unknown): Promise<void> {
  await publishText(store, target, JSON.stringify(value));
}

/**
 * Publishes a small file that can be asked for again, without fsync: whoever reads it takes what
 * a power cut left of it for nothing.
 */
export async function publishDisposable(
  store: Store,
  target: string,
  content: string,
): Promise<void> {
  await makeFolder(store, dirname(target));
  await inTemporary(store, basename(target), async (path) => {
    await writeFile(path, content, { flag: 'wx' });
    await rename(path, target);
  });
}

/**
 * Publishes a folder that can be made again: filled under a temporary name and renamed,
 * without fsync. Where the target is there already, another process won and its folder stays.
 */
export async function publishFolder(
  store: Store,
  target: string,
  fill: (path: string) => Promise<void>,
): Promise<void> {
  await makeFolder(store, dirname(target));
  await inTemporary(store, basename(target), async (path) => {
    await mkdir(path, { mode: 0o755 });
    await fill(path);
    try {
      await rename(path, target);
    } catch (error) {
      if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
  });
}
