import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Store } from '../layout.ts';

/**
 * Publishes one file: `write` fills a temporary path on the store's volume, which is
 * fsynced and renamed to `target`; then the folder is fsynced, so that the name outlives
 * a power cut. An existing file is replaced: whoever renames last wins, both are whole.
 */
export async function publishFile(
  store: Store,
  target: string,
  write: (path: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await inTemporary(store, target, async (path) => {
    await write(path);
    await fsync(path);
    await rename(path, target);
    await fsync(dirname(target));
  });
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
  await mkdir(dirname(target), { recursive: true });
  await inTemporary(store, target, async (path) => {
    await writeFile(path, content);
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
  await mkdir(dirname(target), { recursive: true });
  await inTemporary(store, target, async (path) => {
    await mkdir(path, { mode: 0o700 });
    await fill(path);
    try {
      await rename(path, target);
    } catch (error) {
      if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
  });
}

export async function inTemporary(
  store: Store,
  target: string,
  work: (path: string) => Promise<void>,
): Promise<void> {
  await mkdir(store.temporary, { recursive: true, mode: 0o700 });
  const path = join(
    store.temporary,
    `${basename(target)}.${process.pid}.${randomBytes(6).toString('hex')}`,
  );
  try {
    await work(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function fsync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
