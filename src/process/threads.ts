import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** A thread takes 3 to 6 ms to start, in which this one does about so many files. */
const filesPerThread = 4000;
/** What they do is the file system's work, which takes turns: three on two cores were slower than two. */
const mostThreads = 4;

/** How many threads, this one among them, are worth while for so many files. */
export function threadsFor(files: number): number {
  const worthwhile = Math.floor(files / filesPerThread);
  return Math.max(1, Math.min(availableParallelism(), mostThreads, worthwhile));
}

/**
 * Runs the file of that name beside this one, a bundle of its own, in threads, each of which posts
 * one message. As many as there can be: those that take part do the work of those that did not start.
 *
 * @returns waits for all of them to end, and throws what one of them threw.
 */
export function startThreads<Outcome>(
  script: 'check-worker.js' | 'link-worker.js',
  count: number,
  workerData: unknown,
): () => Promise<readonly Outcome[]> {
  const started: Promise<Outcome>[] = [];
  try {
    while (started.length < count) started.push(startThread(script, workerData));
  } catch {
    // Threads or memory are short, which Node and Bun say in different ways.
  }
  return async () => (await Promise.allSettled(started)).map(outcomeOf);
}

function startThread<Outcome>(script: string, workerData: unknown): Promise<Outcome> {
  const worker = new Worker(join(import.meta.dirname, script), { workerData });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // Nobody waits yet, and an early end is not to be taken for an unhandled one.
  outcome.catch(() => {});
  return outcome;
}

function outcomeOf<Outcome>(end: PromiseSettledResult<Outcome>): Outcome {
  if (end.status === 'rejected') throw end.reason;
  return end.value;
}
