import { lstatSync, type Stats } from 'node:fs';
import { errnoOf } from '../../core/errors.ts';
import { OpenFolders } from '../../process/open-folders.ts';
import type { ExpectedFiles, RelativeCalls } from '../../process/relative-calls.ts';
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
export function checkFiles(
  { images, next }: CheckJob,
  calls: RelativeCalls | null,
): readonly Fault[] {
  const faults: Fault[] = [];
  const roots = new OpenFolders();
  const counts = images.map(({ files }) => files);
  let known: Known | null = null;
  let at = -1;
  try {
    for (const share of takeShares(counts, next)) {
      const { place } = share;
      const image = images[place];
      if (!image) continue;
      if (at !== place) known = readKnown(image.path);
      at = place;
      const tell = (path: string, reason: string) => faults.push({ image: place, path, reason });
      if (known === null) tell('sizes.json', 'cannot be read');
      else checkShare(image, known, { share, tell, calls, root: roots.open(image.path) });
    }
  } finally {
    roots.close();
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

interface ShareToCheck {
  readonly share: Share;
  readonly tell: (path: string, reason: string) => void;
  readonly calls: RelativeCalls | null;
  /** The image's folder, open. */
  readonly root: number | null;
}

function checkShare(
  { path, mtime }: ImageToCheck,
  { folders, uid }: Known,
  { share: { from, to }, tell, calls, root }: ShareToCheck,
): void {
  let count = 0;
  for (const [folder, names, sizes, modes] of folders) {
    const first = count;
    count += names.length;
    if (first < from) continue;
    if (first >= to) return;
    const prefix = folder === '' ? '' : `${folder}/`;
    const expected = { sizes, modes, mtime, uid };
    const suspects =
      calls && root !== null ? calls.changed(root, { folder, names }, expected) : names.keys();
    for (const at of suspects) {
      const file = `${prefix}${names[at]}`;
      const reason = faultOf(look(`${path}/${file}`), expected, at);
      if (reason !== null) tell(file, reason);
    }
  }
}

function faultOf(
  status: Stats | string,
  { sizes, modes, mtime, uid }: ExpectedFiles,
  at: number,
): string | null {
  if (typeof status === 'string') return status;
  if (status.size !== sizes[at] || status.mtimeMs !== mtime * 1000) return 'was changed';
  if (status.mode !== modes[at]) return 'has another mode';
  return status.uid === uid ? null : 'belongs to another user';
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
