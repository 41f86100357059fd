import { lockPath, type Waiting } from '../../process/lock.ts';
import type { Store } from '../layout.ts';
import { type Entry, type EntryKind, listEntries, lookAgain, withUseOfImages } from './entries.ts';
import { makeFolder } from './folders.ts';
import { takeAway } from './take-away.ts';
import { inTemporary } from './temporary.ts';

export interface PruneLimits {
  /** Bytes that the store may take; null for any number. */
  readonly maxBytes: number | null;
  /** Milliseconds since 1970; what was last used before goes, null for nothing. */
  readonly usedBefore: number | null;
  /** Likewise; what was used since stays, whatever the other limits say. */
  readonly graceFrom: number;
}

export interface PruneOptions extends PruneLimits {
  /** Only tell. */
  readonly dryRun?: boolean;
  /** Milliseconds for removals, of which one at least is begun; without: as many as it takes. */
  readonly budget?: number;
  readonly waiting: Waiting;
}

/** What a prune came to. */
export interface Pruned {
  readonly removed: readonly Entry[];
  /** Bytes of what is left. */
  readonly left: number;
}

/**
 * How much longer than an image something is kept: images are unpacked again in no time, archives have
 * to be fetched, builds may take an hour. The others go by age alone, for they take next to nothing.
 */
const worth: Readonly<Partial<Record<EntryKind, number>>> = {
  image: 1,
  'damaged file': 1,
  log: 1,
  source: 4,
  'binary distribution': 16,
};

/**
 * Removes what the limits do not allow, what was used least recently first. Safe beside installations:
 * an entry goes by a rename, and not if it was used meanwhile. A killed prune leaves nothing but a
 * folder in `tmp/`, for the next run to remove.
 *
 * @returns null where another process prunes for longer than `waiting` allows.
 */
export async function prune(store: Store, options: PruneOptions): Promise<Pruned | null> {
  await makeFolder(store, store.temporary, 0o700);
  const lock = await lockPath(store.temporary, 'exclusive', options.waiting);
  if (!lock) return null;
  try {
    const entries = listEntries(store);
    const total = sizeOf(entries);
    const chosen = isWithin(total, options) ? [] : choose(withUseOfImages(entries), options);
    if (options.dryRun) return { removed: chosen, left: total - sizeOf(chosen) };
    const removed = await removeAll(store, chosen, options);
    return { removed, left: total - sizeOf(removed) };
  } finally {
    lock.release();
  }
}

/** So that most runs need not read who made what. */
function isWithin(total: number, { maxBytes, usedBefore }: PruneLimits): boolean {
  return usedBefore === null && (maxBytes === null || total <= maxBytes);
}

function choose(entries: readonly Entry[], limits: PruneLimits): readonly Entry[] {
  const { maxBytes, usedBefore, graceFrom } = limits;
  const chosen = new Set<Entry>();
  const free = entries.filter(({ used }) => used < graceFrom);
  for (const entry of free) {
    if (usedBefore !== null && entry.used < usedBefore) chosen.add(entry);
  }
  let left = sizeOf(entries) - sizeOf([...chosen]);
  const now = Date.now();
  const staleness = ({ kind, used }: Entry): number => (now - used) / (worth[kind] ?? Infinity);
  const stalest = free
    .filter((entry) => !chosen.has(entry) && worth[entry.kind] !== undefined)
    .toSorted((a, b) => staleness(b) - staleness(a));
  for (const entry of stalest) {
    if (maxBytes === null || left <= maxBytes) break;
    chosen.add(entry);
    left -= entry.bytes;
  }
  return [...chosen];
}

async function removeAll(
  store: Store,
  chosen: readonly Entry[],
  { budget, graceFrom }: PruneOptions,
): Promise<readonly Entry[]> {
  const begun = performance.now();
  const removed: Entry[] = [];
  // Also where nothing goes, for this removes what a killed prune left.
  await inTemporary(store, 'prune', async () => {
    for (const entry of chosen) {
      if (budget !== undefined && removed.length > 0 && performance.now() - begun > budget) break;
      const now = lookAgain(entry);
      if (!now || now.used >= graceFrom) continue;
      for (const path of entry.paths) await takeAway(store, path);
      removed.push(entry);
    }
  });
  return removed;
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0);
}
