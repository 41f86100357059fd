import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isWithin } from '../core/within.ts';

/** Leaves out what lies below another path of the set (`req_uninstall.compact`). */
export function compact(paths: Iterable<string>): Set<string> {
  const short = new Set<string>();
  const bare = new Set<string>();
  for (const path of [...paths].sort((a, b) => a.length - b.length)) {
    const name = path.endsWith('/') ? path.slice(0, -1) : path;
    if (hasAncestor(name, bare)) continue;
    short.add(path);
    bare.add(name);
  }
  return short;
}

function hasAncestor(path: string, folders: ReadonlySet<string>): boolean {
  for (let folder = path; ; ) {
    if (folders.has(folder)) return true;
    const parent = dirname(folder);
    if (parent === folder) return false;
    folder = parent;
  }
}

/**
 * Takes a folder as a whole, written with a final slash, where no file in or below it stays
 * (`req_uninstall.compress_for_rename`); empty folders in it go with it, elsewhere they stay.
 */
export function compressForRename(
  paths: ReadonlySet<string>,
  kept: ReadonlySet<string>,
): Set<string> {
  const remaining = new Set(paths);
  const whole: string[] = [];
  const folders = [...new Set(Array.from(paths, (path) => dirname(path)))];
  for (const folder of folders.sort((a, b) => a.length - b.length)) {
    if (whole.some((known) => folder.startsWith(known))) continue;
    // The journal lies in one of those that stay, too.
    if ([...kept].some((stays) => isWithin(stays, folder))) continue;
    const files: string[] = [];
    if (!collectFiles(folder, remaining, files)) continue;
    for (const file of files) remaining.delete(file);
    whole.push(`${folder}/`);
  }
  return new Set([...remaining, ...whole]);
}

/** Lists the files in and below a folder; false as soon as one is not among the expected. */
function collectFiles(folder: string, expected: ReadonlySet<string>, files: string[]): boolean {
  const subfolders: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      subfolders.push(path);
    } else if (entry.isSymbolicLink() && isFolder(path)) {
      // `os.walk` counts a link to a folder as a folder, and does not enter it.
    } else if (expected.has(path)) {
      files.push(path);
    } else {
      return false;
    }
  }
  return subfolders.every((path) => collectFiles(path, expected, files));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
