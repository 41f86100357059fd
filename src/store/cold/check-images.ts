import { utimesSync, writeFileSync } from 'node:fs';
import { errnoOf, hasErrno } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { openRelativeCalls } from '../../process/relative-calls.ts';
import { newCounter } from '../../process/shares.ts';
import { prepareThreads, startInThreads } from '../../process/threads.ts';
import { type Image, stampPath } from '../images.ts';
import type { Store } from '../layout.ts';
import { type CheckJob, checkFiles, type Fault } from './check-files.ts';

/** Starts what will take part in checking images. */
export function expectChecking(images: readonly Image[]): void {
  prepareThreads(images.reduce((sum, { manifest }) => sum + manifest.files, 0));
}

/**
 * Looks whether the files of images are those that were unpacked: there, with the size, the mtime,
 * the mode and the owner that they had. Several threads do it.
 *
 * @returns the faults of those that have any.
 */
export async function checkImages(
  images: readonly Image[],
): Promise<ReadonlyMap<Image, readonly Fault[]>> {
  const job: CheckJob = {
    images: images.map(({ path, manifest: { mtime, files } }) => ({ path, mtime, files })),
    next: newCounter(),
  };
  const files = job.images.reduce((sum, image) => sum + image.files, 0);
  const others = startInThreads<readonly Fault[]>({ name: 'check', job }, files);
  const own = checkFiles(job, await openRelativeCalls());
  const faults = new Map<Image, Fault[]>();
  for (const fault of [own, ...(await others())].flat()) {
    const image = images[fault.image];
    if (image) faults.set(image, [...(faults.get(image) ?? []), fault]);
  }
  return faults;
}

/**
 * Checks images before they are used. Each damaged one is taken away, with one warning, as if it had
 * never been made; the others are good for the next hour.
 *
 * @returns the damaged ones.
 */
export async function removeDamaged(
  store: Store,
  images: readonly Image[],
  emit: Emit,
): Promise<ReadonlySet<Image>> {
  const faults = await checkImages(images);
  // What it needs takes longer to load than a small image takes to check.
  if (faults.size > 0) await removeAll(store, faults, emit);
  for (const image of images) if (!faults.has(image)) stamp(image);
  return new Set(faults.keys());
}

async function removeAll(
  store: Store,
  faults: ReadonlyMap<Image, readonly Fault[]>,
  emit: Emit,
): Promise<void> {
  const { takeAway } = await import('./take-away.ts');
  for (const [image, found] of faults) {
    await takeAway(store, image.path);
    const { name, version } = image.manifest;
    const message = `${name} ${version} is unpacked anew, for its image is damaged: ${image.path}: ${wordsOf(found)}`;
    emit({ type: 'warning', message });
  }
}

/** `purelib/fx.py was changed, and 2 more`. */
export function wordsOf(faults: readonly Omit<Fault, 'image'>[]): string {
  const [first] = faults.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const others = faults.length > 1 ? `, and ${faults.length - 1} more` : '';
  return `${first?.path} ${first?.reason}${others}`;
}

/** In a store that others keep it cannot be said, and the next run looks again. */
function stamp({ path }: Image): void {
  const now = Date.now() / 1000;
  try {
    utimesSync(stampPath(path), now, now);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) makeStamp(path);
    else if (errnoOf(error) === null) throw error;
  }
}

function makeStamp(path: string): void {
  try {
    writeFileSync(stampPath(path), '');
  } catch (error) {
    if (errnoOf(error) === null) throw error;
  }
}
