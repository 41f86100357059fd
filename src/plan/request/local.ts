import { readFileSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { pathOfFileUrl } from '../../core/file-url.ts';
import { sha256 } from '../../core/sha256.ts';
import { hasErrno } from '../../core/errors.ts';
import type { DirectEntry } from '../requirements/entries.ts';
import type { InstallRequest } from './request.ts';

/**
 * The path of a project's folder or of an archive on this machine; null for what lies elsewhere,
 * and for a part of either (`#subdirectory=`).
 */
export function localPath(entry: DirectEntry): string | null {
  if (entry.subdirectory !== null) return null;
  if (entry.form === 'path') return entry.location;
  if (entry.form !== 'url' || !/^file:\/\/\//i.test(entry.location)) return null;
  try {
    return pathOfFileUrl(entry.location.replace(/#.*$/, ''));
  } catch {
    // An escaped slash, which is no part of a name.
    return null;
  }
}

/** The paths of all projects and archives on this machine that are asked for by their place. */
export function localPaths({ entries }: InstallRequest): ReadonlySet<string> {
  return new Set(
    entries.flatMap((entry) => (entry.kind === 'direct' ? (localPath(entry) ?? []) : [])),
  );
}

/** Files of a project that can change its metadata, where it is static (`cold/static-project.ts`). */
const metadataFiles = ['pyproject.toml', 'setup.py', 'setup.cfg'];

/**
 * What a decision rests on of a direct requirement: the files with its metadata, or the bytes of
 * the archive; null where no key can hold it. Of a project's code nothing: pip installs that
 * anew each time.
 */
export function localState(entry: DirectEntry, trustModTimes: boolean): string | null {
  const path = localPath(entry);
  if (path === null) return null;
  try {
    const status = statSync(path);
    if (!status.isDirectory()) return `${path} ${archiveState(path, status, trustModTimes)}`;
    const [project, ...others] = metadataFiles.map((name) => contentState(join(path, name)));
    return project === null ? null : [path, project, ...others].join(' ');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'ELOOP')) return null;
    throw error;
  }
}

/** Below this many bytes reading takes less than 10 ms. */
const readable = 8 << 20;

function archiveState(path: string, status: Stats, trustModTimes: boolean): string | null {
  if (!trustModTimes || status.size <= readable) return contentState(path);
  // A changed file has another ctime, whatever its mtime was set to.
  return `${status.size}:${status.mtimeMs}:${status.ctimeMs}:${status.ino}`;
}

function contentState(path: string): string | null {
  try {
    return sha256(readFileSync(path));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
