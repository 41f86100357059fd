import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';

/** A thread takes 7 ms of processor time to start, in which this one links about so many files. */
const filesPerThread = 4000;
/** What they do is the file system's work, which takes turns: three on two cores were slower than two. */
const mostThreads = 4;

/** How many threads, this one among them, are worth while for so many files. */
function threadsFor(files: number): number {
  const worthwhile = Math.floor(files / filesPerThread);
  return Math.max(1, Math.min(availableParallelism(), mostThreads, worthwhile));
}

/** Threads that have nothing to do. They keep nobody from ending. */
const idle = new Set<Worker>();

/** Starts the threads for work on so many files, so that they are there when it comes. */
export function prepareThreads(files: number): void {
  try {
    while (idle.size < threadsFor(files) - 1) idle.add(startThread());
  } catch {
    // Threads or memory are short, which Node and Bun say in different ways.
  }
}

/**
 * Gives a task of `src/thread.ts` to as many threads as are worth while for so many files and can be
 * had, beside this one: those that take part do the work of those that did not start.
 *
 * @returns waits for all of them to end, and throws what one of them threw.
 */
export function startInThreads<Outcome>(
  task: { readonly name: string; readonly job: unknown },
  files: number,
): () => Promise<readonly Outcome[]> {
  prepareThreads(files);
  const threads = [...idle].slice(0, threadsFor(files) - 1);
  const started = threads.map((thread) => give<Outcome>(thread, task));
  return async () => (await Promise.allSettled(started)).map(outcomeOf);
}

/** A thread that has nothing to do, or a new one; null where none can be had. */
export function takeThread(mayStart: boolean): Worker | null {
  const [thread] = idle;
  try {
    return thread ?? (mayStart ? startThread() : null);
  } catch {
    // Threads or memory are short, which Node and Bun say in different ways.
    return null;
  }
}

function startThread(): Worker {
  // An import would be made for installations that need no thread: 1.5 ms in Bun.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const thread = new Worker(join(import.meta.dirname, 'thread.js'));
  // Of one that ended with a task, whoever gave it is told.
  thread.on('error', () => idle.delete(thread));
  thread.unref();
  return thread;
}

/** @returns what the thread answers; it is idle then. */
export function give<Outcome>(thread: Worker, task: unknown): Promise<Outcome> {
  idle.delete(thread);
  thread.ref();
  const outcome = new Promise<Outcome>((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', (message: Outcome) => {
      thread.off('error', reject);
      thread.unref();
      idle.add(thread);
      resolve(message);
    });
  });
  // Nobody waits yet, and an early end is not to be taken for an unhandled one.
  outcome.catch(() => {});
  thread.postMessage(task);
  return outcome;
}

function outcomeOf<Outcome>(end: PromiseSettledResult<Outcome>): Outcome {
  if (end.status === 'rejected') throw end.reason;
  return end.value;
}
