import { lstatSync, type Stats } from 'node:fs';
import { errnoOf } from '../../core/errors.ts';
import { type Share, takeShares } from '../../process/shares.ts';
import { readSizes, type SizedFolder } from '../images.ts';

/** Images to be checked, by any number of threads; structured clone carries it to them. */
export interface CheckJob {
  readonly images: readonly ImageToCheck[];
  /** Of `takeShares`. */
  readonly next: SharedArrayBuffer;
}

export interface ImageToCheck {
  readonly path: string;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly files: number;
}

/** A file of an image that is not what was unpacked. */
export interface Fault {
  /** Which of the job's images. */
  readonly image: number;
  /** Relative to it. */
  readonly path: string;
  /** What is wrong, as the end of a sentence that begins with the path. */
  readonly reason: string;
}

/** Checks share after share until none is left. Every thread of a job runs this. */
export function checkFiles({ images, next }: CheckJob): readonly Fault[] {
  const faults: Fault[] = [];
  const counts = images.map(({ files }) => files);
  let known: Known | null = null;
  let at = -1;
  for (const share of takeShares(counts, next)) {
    const { place } = share;
    const image = images[place];
    if (!image) continue;
    if (at !== place) known = readKnown(image.path);
    at = place;
    if (known === null) {
      faults.push({ image: place, path: 'sizes.json', reason: 'cannot be read' });
    } else {
      for (const [path, reason] of faultsOf(image, known, share)) {
        faults.push({ image: place, path, reason });
      }
    }
  }
  return faults;
}

interface Known {
  readonly folders: readonly SizedFolder[];
  /** Whose image it is. */
  readonly uid: number;
}

/** Null where nothing vouches for the image: no list, or none that can be read. */
function readKnown(path: string): Known | null {
  try {
    return { folders: readSizes(path), uid: lstatSync(path).uid };
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) !== null) return null;
    throw error;
  }
}

function* faultsOf(
  { path: root, mtime }: ImageToCheck,
  { folders, uid }: Known,
  { from, to }: Share,
): Generator<readonly [path: string, reason: string]> {
  let count = 0;
  for (const [folder, names, sizes, modes] of folders) {
    const first = count;
    count += names.length;
    if (first < from) continue;
    if (first >= to) return;
    const prefix = folder === '' ? '' : `${folder}/`;
    for (const [at, name] of names.entries()) {
      const path = `${prefix}${name}`;
      const status = look(`${root}/${path}`);
      if (typeof status === 'string') yield [path, status];
      else if (status.size !== sizes[at] || status.mtimeMs !== mtime * 1000) {
        yield [path, 'was changed'];
      } else if (status.mode !== modes[at]) yield [path, 'has another mode'];
      else if (status.uid !== uid) yield [path, 'belongs to another user'];
    }
  }
}

/** What is known of a file, or why nothing is. */
function look(path: string): Stats | string {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === null) throw error;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'is gone' : `cannot be looked at (${code})`;
  }
}
