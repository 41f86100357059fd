import { realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import { listFolder, readOptional } from '../core/if-there.ts';
import { readCsv } from '../python/csv.ts';
import { splitLines } from '../python/text.ts';

/** A distribution with a RECORD, and what that names. */
export interface Recorded {
  /** Its dist-info folder; absolute, with the real path of the folder that it lies in. */
  readonly info: string;
  /** Absolute. */
  readonly paths: readonly string[];
}

/**
 * The distributions in folders, each folder taken once, by whatever names it is reached.
 *
 * @param names of files that matter; others are left out, which saves most of the work.
 */
export function readRecords(
  folders: Iterable<string>,
  names: ReadonlySet<string> | null = null,
): readonly Recorded[] {
  const real = new Set(Array.from(folders, realPath));
  return [...real].flatMap((folder) =>
    infosIn(folder).map((name) => {
      const record = readOptional(join(folder, name, 'RECORD')) ?? '';
      const entries = readCsv(splitLines(record)).flatMap(([entry]) => entry ?? []);
      const wanted = entries.filter((entry) => entry && (names?.has(basename(entry)) ?? true));
      return { info: join(folder, name), paths: wanted.map((entry) => resolve(folder, entry)) };
    }),
  );
}

/** The path with all links in it followed; as it stands where it leads nowhere. */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return path;
    throw error;
  }
}

function infosIn(folder: string): readonly string[] {
  return listFolder(folder).filter((name) => name.endsWith('.dist-info'));
}
