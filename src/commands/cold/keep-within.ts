import { prune } from '../../store/cold/prune.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { InstallJob } from '../job.ts';
import { hour } from './prune.ts';

/**
 * How long a run that brought something new may remove something old: this share of its own time, so
 * that the store shrinks faster than it grows, and so many milliseconds at least.
 */
const budget = { share: 0.05, least: 100 };

/** Keeps the store within `max-size`, without a word and as far as it goes. */
export async function keepWithin(job: InstallJob): Promise<void> {
  const { settings, store } = job.context;
  if (settings.maxSize === null) return;
  try {
    const pruned = await prune(store, {
      maxBytes: settings.maxSize,
      usedBefore: null,
      graceFrom: Date.now() - hour,
      budget: Math.max(budget.least, performance.now() * budget.share),
      waiting: { timeout: 0 },
    });
    if (!pruned || pruned.removed.length === 0) return;
    const bytes = pruned.removed.reduce((sum, entry) => sum + entry.bytes, 0);
    job.reporter.emit({ type: 'pruned', entries: pruned.removed.length, bytes });
  } catch (error) {
    if (!isStoreTrouble(error, store)) throw error;
  }
}
