import { parentPort } from 'node:worker_threads';
import { type LinkJob, linkTrees } from './install/link-trees.ts';
import { type CheckJob, checkFiles } from './store/cold/check-files.ts';

/** What a thread beside the first one is told to do; it answers each with one message. */
export type Task =
  | { readonly name: 'link'; readonly job: LinkJob }
  | { readonly name: 'check'; readonly job: CheckJob };

parentPort?.on('message', (task: Task) => {
  parentPort?.postMessage(task.name === 'link' ? linkTrees(task.job) : checkFiles(task.job));
});
