import { relative } from 'node:path';
import { PipAccelError } from '../../core/errors.ts';
import { type Holder, nameHolder } from '../../process/lock.ts';
import { counted } from '../../report/cold/counted.ts';
import { size } from '../../report/text.ts';
import type { Entry, EntryKind } from '../../store/cold/entries.ts';
import { prune } from '../../store/cold/prune.ts';
import type { Store } from '../../store/layout.ts';

/** Milliseconds. */
export const hour = 3_600_000;
const day = 24 * hour;
/** Milliseconds for which another prune is waited for. */
const patience = 600_000;

export interface PruneRequest {
  /** Bytes; null for any number. */
  readonly maxBytes: number | null;
  /** Milliseconds without use after which an entry goes; null for none. */
  readonly olderThan: number | null;
  /** Take also what was used within the last hour. */
  readonly now: boolean;
  readonly dryRun: boolean;
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** `pip-accel accel prune`: removes from the store, and says what. */
export async function pruneStore(store: Store, request: PruneRequest): Promise<void> {
  const { maxBytes, olderThan, dryRun, say, warn } = request;
  const now = Date.now();
  const pruned = await prune(store, {
    maxBytes,
    usedBefore: olderThan === null ? null : now - olderThan,
    graceFrom: request.now ? now : now - hour,
    dryRun,
    waiting: { timeout: patience, onWait: (holder) => warn(waitingLine(store, holder)) },
  });
  if (!pruned) {
    throw new PipAccelError('store-unusable', `Another process prunes ${store.root}`, {
      hint: 'Try again when it has ended.',
    });
  }
  const verb = dryRun ? 'Would remove' : 'Removed';
  for (const entry of pruned.removed.filter(({ kind }) => named.includes(kind))) {
    say(`${verb} ${describe(store, entry, now)}`);
  }
  for (const kind of new Set(pruned.removed.map(({ kind }) => kind))) {
    const count = pruned.removed.filter((entry) => entry.kind === kind).length;
    if (!named.includes(kind)) say(`${verb} ${counted(count, kind)}`);
  }
  const freed = pruned.removed.reduce((sum, { bytes }) => sum + bytes, 0);
  say(`${verb} ${size(freed)}; ${size(pruned.left)} ${dryRun ? 'would stay' : 'stay'}`);
}

/** Kinds of which each entry is worth a line. */
const named: readonly EntryKind[] = ['image', 'source', 'binary distribution', 'damaged file'];

function describe(store: Store, { kind, paths, bytes, used, title }: Entry, now: number): string {
  const what = title === null ? relative(store.root, paths.at(-1) ?? paths[0]) : `of ${title}`;
  const idle = Math.max(0, now - used);
  const [age, unit] = idle < 2 * day ? [idle / hour, 'hours'] : [idle / day, 'days'];
  return `${kind} ${what} (${size(bytes)}, unused for ${Math.floor(age)} ${unit})`;
}

function waitingLine(store: Store, holder: Holder | null): string {
  return `Waiting for ${nameHolder(holder) ?? 'another process'}, which prunes ${store.root}`;
}
