import { statSync } from 'node:fs';
import { openRelativeCalls } from '../process/relative-calls.ts';
import { newCounter, stopSharing } from '../process/shares.ts';
import { prepareThreads, startInThreads } from '../process/threads.ts';
import type { Image } from '../store/images.ts';
import type { LinkMode } from './link.ts';
import { linkInShares, type LinkJob, type LinkOutcome } from './link-trees.ts';

/** Linking that has begun in other threads, and is ended by this one. */
export interface Crew {
  /** Nobody begins anything more; `finish` has to be awaited all the same. */
  stop(): void;
  /** Takes part until all is linked. */
  finish(): Promise<readonly LinkOutcome[]>;
}

/** Milliseconds after which signals, and answers of the network, have their turn. */
const longestTurn = 10;

/** To copy a file takes at least as long as to link so many. */
const linksPerCopy = 8;

/**
 * Starts what will take part in linking images, for it takes as long as the rest of the preparations.
 *
 * @param target a folder of the environment.
 */
export function expectLinking(
  images: readonly Image[],
  { compile, mode, target }: { compile: boolean; mode: LinkMode; target: string },
): void {
  let files = 0;
  for (const { manifest } of images) {
    for (const tree of manifest.trees) files += tree.files + (compile ? tree.bytecode : 0);
  }
  const [first] = images;
  if (first) prepareThreads(files * costOf(mode, { source: first.path, target }));
}

/** What it costs to put a file in place, in links; images lie together, and so does what is made of them. */
function costOf(mode: LinkMode, { source, target }: { source: string; target: string }): number {
  const isCopied = mode === 'copy' || deviceOf(source) !== deviceOf(target);
  return isCopied ? linksPerCopy : 1;
}

/** null for what is not there yet, or any more. */
function deviceOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.dev ?? null;
}

export async function startLinking(job: Omit<LinkJob, 'next'>): Promise<Crew> {
  const shared: LinkJob = { ...job, next: newCounter() };
  const files = job.trees.reduce((sum, tree) => sum + tree.files, 0);
  const [first] = job.trees;
  const effort = first ? files * costOf(job.mode, first) : 0;
  const others = startInThreads<LinkOutcome>({ name: 'link', job: shared }, effort);
  const calls = await openRelativeCalls();
  return {
    stop: () => stopSharing(shared.next),
    finish: async () => {
      const own = await inTurns(linkInShares(shared, calls));
      // None may go on linking while what is there is being put back.
      return [own, ...(await others())];
    },
  };
}

/** Does work without keeping this thread from all else. */
async function inTurns<Result>(work: Generator<undefined, Result>): Promise<Result> {
  let began = performance.now();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value;
    if (performance.now() - began < longestTurn) continue;
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  }
}
