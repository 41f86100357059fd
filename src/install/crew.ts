import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type LinkJob, type LinkOutcome, linkTrees } from './link-trees.ts';

/** Below this a thread costs more than it saves (measured: it starts in 5 to 20 ms). */
const filesPerThread = 4000;
/** File systems take a lock per folder and per volume; more threads were not seen to be faster. */
const mostThreads = 4;

/** Linking that has begun in other threads, and is ended by this one. */
export interface Crew {
  /** Takes part until all is linked. */
  finish(): Promise<readonly LinkOutcome[]>;
}

export function startLinking(job: Omit<LinkJob, 'next'>): Crew {
  const shared: LinkJob = { ...job, next: new SharedArrayBuffer(4) };
  const files = job.trees.reduce((sum, tree) => sum + tree.files, 0);
  const threads = Math.min(availableParallelism(), mostThreads, Math.floor(files / filesPerThread));
  const others = Array.from({ length: Math.max(0, threads - 1) }, () => startWorker(shared));
  return {
    finish: async () => {
      const own = linkTrees(shared);
      // None may go on linking while what is there is being put back.
      const ends = await Promise.allSettled(others);
      return [own, ...ends.map(outcomeOf)];
    },
  };
}

function outcomeOf(end: PromiseSettledResult<LinkOutcome>): LinkOutcome {
  if (end.status === 'rejected') throw end.reason;
  return end.value;
}

function startWorker(workerData: LinkJob): Promise<LinkOutcome> {
  const worker = new Worker(join(import.meta.dirname, 'link-worker.js'), { workerData });
  const outcome = new Promise<LinkOutcome>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // Nobody waits yet, and an early end is not to be taken for an unhandled one.
  outcome.catch(() => {});
  return outcome;
}
