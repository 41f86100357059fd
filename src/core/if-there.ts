import { type Dirent, opendirSync, readdirSync, readFileSync } from 'node:fs';
import { hasErrno } from './errors.ts';

/** The names in a folder; none where there is no such folder. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

/** The same in the order of the file system, in which Python lists them (`os.listdir`): `readdirSync` of Node sorts. */
export function listAsFound(path: string): string[] {
  const names: string[] = [];
  try {
    const folder = opendirSync(path, { bufferSize: 1024 });
    try {
      let entry: Dirent | null;
      while ((entry = folder.readSync())) names.push(entry.name);
    } finally {
      folder.closeSync();
    }
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
  }
  return names;
}

/** A file's text; null where there is no such file. */
export function readOptional(path: string): string | null {
  return orNull(() => readFileSync(path, 'utf8'));
}

/** A file's bytes; null where there is no such file. */
export function readBytes(path: string): Uint8Array | null {
  return orNull(() => readFileSync(path));
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES')) return null;
    throw error;
  }
}
