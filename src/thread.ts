import { parentPort } from 'node:worker_threads';
import { type LinkJob, linkTrees } from './install/link-trees.ts';
import { openRelativeCalls } from './process/relative-calls.ts';
import { type CheckJob, checkFiles } from './store/cold/check-files.ts';

/** What a thread beside the first one is told to do; it answers each with one message. */
export type Task =
  | { readonly name: 'link'; readonly job: LinkJob }
  | { readonly name: 'check'; readonly job: CheckJob };

const opening = openRelativeCalls();

parentPort?.on('message', (task: Task) => void answer(task));

async function answer({ name, job }: Task): Promise<void> {
  const calls = await opening;
  parentPort?.postMessage(name === 'link' ? linkTrees(job, calls) : checkFiles(job, calls));
}
