import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, hasErrno, PipAccelError } from '../core/errors.ts';
import type { Store } from './layout.ts';

const writableByGroup = 0o020;
const writableByAll = 0o002;

/**
 * What lies in the data directory is installed and run, so that nobody else may have put it
 * there: its folders belong to this user or to root, as do links to folders elsewhere, and only
 * they can write to them; the group too, where it is this user's own, for a umask of 002 gives it
 * that.
 *
 * @param folders of the store; the ones above them are looked at as well, and what is not there is passed over.
 * @returns what is wrong with the first that is not so; null where all is well.
 */
export function distrust(store: Store, folders: readonly string[]): PipAccelError | null {
  const user = process.geteuid?.();
  if (user === undefined) return null;
  const seen = new Set<string>();
  for (const folder of folders) {
    for (const path of pathTo(store, folder)) {
      if (seen.has(path)) continue;
      seen.add(path);
      const status = statusOf(path);
      if (status === null) break;
      const fault = typeof status === 'string' ? status : faultOf(path, status, user);
      if (fault !== null) return unsafe(path, fault);
    }
  }
  return null;
}

/** null where there is nothing; a text where that cannot be told. */
function statusOf(path: string): Stats | string | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    // A file in the place of a folder is met when something is written.
    if (hasErrno(error, 'ENOTDIR')) return null;
    const code = errnoOf(error);
    if (code === null) throw error;
    return `cannot be looked at (${code})`;
  }
}

/** The folders from which an installation reads while it asks nobody: a constant number of looks. */
export function distrustAll(store: Store): PipAccelError | null {
  const { sources, binaries, images, decisions, releases, metadata } = store;
  const { interpreters, environments, scripts } = store;
  const archives = [sources, binaries, images];
  const known = [decisions, releases, metadata, interpreters, environments, scripts];
  return distrust(store, [...archives, ...known]);
}

/** From the data directory down to the folder. */
function pathTo({ root }: Store, folder: string): readonly string[] {
  const path = [folder];
  for (let at = folder; at.length > root.length; at = dirname(at)) path.unshift(dirname(at));
  return path;
}

function faultOf(path: string, status: Stats, user: number): string | null {
  if (status.uid !== user && status.uid !== 0) return `belongs to user ${status.uid}`;
  if (status.isSymbolicLink()) {
    const target = targetOf(path);
    return target && faultOf(path, target, user);
  }
  if (!status.isDirectory()) return 'is no folder';
  if ((status.mode & writableByAll) !== 0) return 'can be written to by every user';
  const isGroups = (status.mode & writableByGroup) !== 0 && status.gid !== process.getegid?.();
  return isGroups ? `can be written to by group ${status.gid}` : null;
}

function targetOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

function unsafe(path: string, fault: string): PipAccelError {
  return new PipAccelError('store-unusable', `${path} ${fault}`, {
    hint: 'What lies there is installed. Make it yours (chown -R, chmod -R go-w) if you know where it came from, or name another folder with PIP_ACCEL_CACHE.',
  });
}
