import { newCounter, stopSharing } from '../process/shares.ts';
import { startThreads, threadsFor } from '../process/threads.ts';
import { type LinkJob, type LinkOutcome, linkTrees } from './link-trees.ts';

/** Linking that has begun in other threads, and is ended by this one. */
export interface Crew {
  /** Nobody begins anything more; `finish` has to be awaited all the same. */
  stop(): void;
  /** Takes part until all is linked. */
  finish(): Promise<readonly LinkOutcome[]>;
}

export function startLinking(job: Omit<LinkJob, 'next'>): Crew {
  const shared: LinkJob = { ...job, next: newCounter() };
  const files = job.trees.reduce((sum, tree) => sum + tree.files, 0);
  const others = startThreads<LinkOutcome>('link-worker.js', threadsFor(files) - 1, shared);
  return {
    stop: () => stopSharing(shared.next),
    finish: async () => {
      const own = linkTrees(shared);
      // None may go on linking while what is there is being put back.
      return [own, ...(await others())];
    },
  };
}
