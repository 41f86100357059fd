import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { give, takeThread } from '../threads.ts';

/** Tasks that are done at a time: what they do is the file system's work, which takes turns. */
export const parallelErrands = Math.min(availableParallelism(), 4);

const errands = pLimit(parallelErrands);

/** False once one could not be had: memory or processes are short. */
let areThereThreads = true;

/** Work for another thread. */
export interface Errand<Outcome> {
  /** As `src/thread.ts` has it. */
  readonly task: { readonly name: string; readonly job: unknown };
  /** Does it in this thread, where another cannot be had. */
  readonly here: () => Outcome;
  /** Whether another has it in hand, or had. */
  readonly hasBegun: () => boolean;
  /** To start a thread takes as long: it is done here unless one is there. */
  readonly isShort: boolean;
  /** Called when its turn has come: a few are done at a time. */
  readonly begin: () => void;
}

/** Has another thread do a task, so that this one can go on meanwhile. */
export async function inAnotherThread<Outcome>(errand: Errand<Outcome>): Promise<Outcome> {
  return await errands(async () => {
    errand.begin();
    const thread = areThereThreads ? takeThread(!errand.isShort) : null;
    if (!thread) return errand.here();
    try {
      return await give<Outcome>(thread, errand.task);
    } catch (error) {
      if (errand.hasBegun()) throw error;
      areThereThreads = false;
      return errand.here();
    }
  });
}
