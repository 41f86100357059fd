import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { hasErrno } from '../core/errors.ts';
import { type LinkJob, type LinkOutcome, linkTrees, stopLinking } from './link-trees.ts';

/** Below this a thread costs more than it saves (measured: it starts in 5 to 20 ms). */
const filesPerThread = 4000;
/** File systems take a lock per folder and per volume; more threads were not seen to be faster. */
const mostThreads = 4;

/** Linking that has begun in other threads, and is ended by this one. */
export interface Crew {
  /** Nobody begins anything more; `finish` has to be awaited all the same. */
  stop(): void;
  /** Takes part until all is linked. */
  finish(): Promise<readonly LinkOutcome[]>;
}

export function startLinking(job: Omit<LinkJob, 'next'>): Crew {
  const shared: LinkJob = { ...job, next: new SharedArrayBuffer(4) };
  const files = job.trees.reduce((sum, tree) => sum + tree.files, 0);
  const threads = Math.min(availableParallelism(), mostThreads, Math.floor(files / filesPerThread));
  const others = startWorkers(threads - 1, shared);
  return {
    stop: () => stopLinking(shared),
    finish: async () => {
      const own = linkTrees(shared);
      // None may go on linking while what is there is being put back.
      const ends = await Promise.allSettled(others);
      return [own, ...ends.map(outcomeOf)];
    },
  };
}

/** As many as there can be: where threads are short, this one does the work of those that did not start. */
function startWorkers(count: number, job: LinkJob): readonly Promise<LinkOutcome>[] {
  const started: Promise<LinkOutcome>[] = [];
  try {
    while (started.length < count) started.push(startWorker(job));
  } catch (error) {
    if (!hasErrno(error, 'ERR_WORKER_INIT_FAILED')) throw error;
  }
  return started;
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
