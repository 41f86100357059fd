import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { NormalizedName } from '../../core/types.ts';
import { parseVersion } from '../../python/pep440.ts';
import { atLeast } from '../../python/pip.ts';
import { compareText } from '../../python/text.ts';
import { normalizeName } from '../../python/names.ts';
import type { ReleaseFile } from '../../store/releases.ts';
import { quotePath } from './quote.ts';
import { readArchiveName } from './filename.ts';

/**
 * The archives of a project in a `--find-links` folder (`index/sources.py`), unsorted.
 *
 * @returns null where the folder has pages, too, which pip would read.
 */
export function folderFiles(
  names: readonly string[],
  folder: string,
  { key, pip }: { readonly key: NormalizedName; readonly pip: string },
): readonly ReleaseFile[] | null {
  if (names.some((name) => /\.(?:x?html?|xht)$/i.test(name))) return null;
  return names
    .filter((name) =>
      atLeast(pip, 24, 0) ? isProjectFile(name, key) : readArchiveName(name, key, pip) !== null,
    )
    .map((name) => localFile(join(folder, name)));
}

export function listNames(folder: string): readonly string[] {
  return readdirSync(folder);
}

export function localFile(path: string): ReleaseFile {
  return {
    url: `file://${quotePath(resolve(path))}`,
    hashes: {},
    requiresPython: null,
    yanked: null,
    size: null,
    metadata: null,
  };
}

/** pip's order of local files: by falling URL. */
export function sortLocal(files: readonly ReleaseFile[]): readonly ReleaseFile[] {
  return [...files].sort((left, right) => compareText(right.url, left.url));
}

/** `packaging.utils.parse_sdist_filename` splits at the last dash, and knows two endings. */
function isProjectFile(name: string, key: NormalizedName): boolean {
  if (name.endsWith('.whl')) return true;
  const stem = /^(.*)(?:\.tar\.gz|\.zip)$/s.exec(name)?.[1];
  const dash = stem?.lastIndexOf('-') ?? -1;
  return (
    stem !== undefined &&
    dash !== -1 &&
    normalizeName(stem.slice(0, dash)) === key &&
    parseVersion(stem.slice(dash + 1)) !== null
  );
}
