import { parentPort } from 'node:worker_threads';
import { type LinkJob, linkTrees } from './install/link-trees.ts';
import { openRelativeCalls } from './process/relative-calls.ts';
import type { WriteJob } from './obtain/cold/write-members.ts';
import { type CheckJob, checkFiles } from './store/cold/check-files.ts';

/** What a thread beside the first one is told to do; it answers each with one message. */
export type Task =
  | { readonly name: 'link'; readonly job: LinkJob }
  | { readonly name: 'check'; readonly job: CheckJob }
  | { readonly name: 'write'; readonly job: WriteJob };

const opening = openRelativeCalls();

parentPort?.on('message', (task: Task) => {
  void outcomeOf(task).then((outcome) => parentPort?.postMessage(outcome));
});

async function outcomeOf({ name, job }: Task): Promise<unknown> {
  switch (name) {
    case 'link':
      return linkTrees(job, await opening);
    case 'check':
      return checkFiles(job, await opening);
    case 'write': {
      const { writeMembers } = await import('./obtain/cold/write-members.ts');
      return writeMembers(job);
    }
    default:
      return name satisfies never;
  }
}
