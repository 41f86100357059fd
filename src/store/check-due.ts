import { statSync } from 'node:fs';
import { uptime } from 'node:os';
import { type Image, stampPath } from './images.ts';

/** How often images are checked besides after a start of the machine. */
export type CheckPolicy = 'always' | 'hourly' | 'never';

/** Milliseconds. */
const hour = 3_600_000;
/** Milliseconds by which the clocks of machines that share a store may differ. */
const skew = 60_000;

/**
 * The images that have to be checked before anything of them is linked: those whose last check is too
 * long ago, or older than the machine's start, for what a power cut left of an image may be short.
 */
export function dueForCheck(images: Iterable<Image>, policy: CheckPolicy): readonly Image[] {
  if (policy === 'always') return [...images];
  const now = Date.now();
  const booted = now - uptime() * 1000;
  const oldest = policy === 'hourly' ? Math.max(booted, now - hour) : booted;
  return [...images].filter(({ path }) => {
    const checked = statSync(stampPath(path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return checked < oldest || checked > now + skew;
  });
}
