import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, hasErrno } from '../../core/errors.ts';
import { randomText } from '../../core/random.ts';
import { type Lock, lockPath } from '../../process/lock.ts';
import type { Store } from '../layout.ts';
import { sweepClaims } from './claims.ts';
import { makeFolder } from './folders.ts';

/** The folder of this process below `tmp/`, locked for as long as anything of it is in use. */
interface Workshop {
  readonly opened: Promise<{ readonly folder: string; readonly lock: Lock }>;
  users: number;
  made: number;
}

const workshops = new Map<string, Workshop>();

/** Begins the name of a folder that belongs to whoever holds its lock. */
const locked = 'run-';
/** Of other versions, which tell by nothing whether somebody is at work: milliseconds after which nobody is. */
const abandonedAfter = 24 * 3600_000;

/**
 * Gives `work` a path on the store's volume where nothing is yet and where nobody else can make
 * anything; what is left there afterwards is removed. The first to come also removes what
 * processes left that were killed.
 *
 * @param name a part of the path's last component.
 */
export async function inTemporary<Result>(
  store: Store,
  name: string,
  work: (path: string) => Promise<Result>,
): Promise<Result> {
  const workshop = workshops.get(store.root) ?? { opened: openWorkshop(store), users: 0, made: 0 };
  workshops.set(store.root, workshop);
  workshop.users += 1;
  workshop.made += 1;
  const { made } = workshop;
  try {
    const { folder } = await workshop.opened;
    const path = join(folder, `${made}-${name}`);
    try {
      return await work(path);
    } finally {
      await removeTree(path);
    }
  } finally {
    workshop.users -= 1;
    if (workshop.users === 0) {
      workshops.delete(store.root);
      await closeWorkshop(workshop);
    }
  }
}

/** Removes what processes left that were killed. */
export async function clearUp(store: Store): Promise<void> {
  await makeFolder(store, store.temporary, 0o700);
  await sweep(store);
}

async function openWorkshop(store: Store) {
  await makeFolder(store, store.temporary, 0o700);
  for (;;) {
    const folder = join(store.temporary, `${locked}${randomText(8)}`);
    await mkdir(folder, { mode: 0o700 });
    const lock = await tryLock(folder);
    // Whoever clears up may have come before the lock.
    if (lock && existsSync(folder)) {
      await sweep(store);
      return { folder, lock };
    }
    lock?.release();
  }
}

async function closeWorkshop({ opened }: Workshop): Promise<void> {
  const workshop = await opened.catch(() => null);
  if (!workshop) return;
  try {
    await rmdir(workshop.folder);
  } catch (error) {
    // The next run tries again.
    if (errnoOf(error) === null) throw error;
  } finally {
    workshop.lock.release();
  }
}

/** @returns null where another process holds it, or has just removed it. */
async function tryLock(path: string): Promise<Lock | null> {
  try {
    return await lockPath(path, 'exclusive', { timeout: 0 });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Removes what nobody holds any more, claims as well; what cannot be removed waits for the next run. */
async function sweep(store: Store): Promise<void> {
  for (const name of await readdir(store.temporary)) {
    const path = join(store.temporary, name);
    // The lock itself, where the kernel's does not work.
    if (name.endsWith('.lock')) continue;
    try {
      if (name.startsWith(locked)) await removeUnlocked(path);
      else if (Date.now() - (await lstat(path)).mtimeMs > abandonedAfter) await removeTree(path);
    } catch (error) {
      if (errnoOf(error) === null) throw error;
    }
  }
  await sweepClaims(store);
}

async function removeUnlocked(path: string): Promise<void> {
  const lock = await tryLock(path);
  if (!lock) return;
  try {
    await removeTree(path);
  } finally {
    lock.release();
  }
}

/** Builds leave read-only folders behind, which have to be opened before they can be emptied. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (!hasErrno(error, 'EACCES', 'EPERM')) throw error;
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(join(folder, entry.name));
  }
}
