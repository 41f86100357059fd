import { openRelativeCalls } from '../process/relative-calls.ts';
import { newCounter, stopSharing } from '../process/shares.ts';
import { prepareThreads, startInThreads } from '../process/threads.ts';
import type { Image } from '../store/images.ts';
import { type LinkJob, type LinkOutcome, linkTrees } from './link-trees.ts';

/** Linking that has begun in other threads, and is ended by this one. */
export interface Crew {
  /** Nobody begins anything more; `finish` has to be awaited all the same. */
  stop(): void;
  /** Takes part until all is linked. */
  finish(): Promise<readonly LinkOutcome[]>;
}

/** Starts what will take part in linking images, for it takes as long as the rest of the preparations. */
export function expectLinking(images: Iterable<Image>, compile: boolean): void {
  let files = 0;
  for (const { manifest } of images) {
    for (const tree of manifest.trees) files += tree.files + (compile ? tree.bytecode : 0);
  }
  prepareThreads(files);
}

export async function startLinking(job: Omit<LinkJob, 'next'>): Promise<Crew> {
  const shared: LinkJob = { ...job, next: newCounter() };
  const files = job.trees.reduce((sum, tree) => sum + tree.files, 0);
  const others = startInThreads<LinkOutcome>({ name: 'link', job: shared }, files);
  const calls = await openRelativeCalls();
  return {
    stop: () => stopSharing(shared.next),
    finish: async () => {
      const own = linkTrees(shared, calls);
      // None may go on linking while what is there is being put back.
      return [own, ...(await others())];
    },
  };
}
