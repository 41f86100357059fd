import { beforeEach } from 'vitest';
import type { Finished } from './sandbox.ts';

interface Run extends Finished {
  readonly command: readonly string[];
}

const runs: Run[] = [];

/** Keeps what a command of the test at hand said. */
export function remember(run: Run): void {
  runs.push(run);
}

// What fails once in a thousand runs, on a machine far away, should say why.
beforeEach(({ onTestFailed }) => {
  runs.length = 0;
  onTestFailed(() => {
    for (const run of runs) console.error(told(run));
  });
});

function told({ command, exitCode, stdout, stderr }: Run): string {
  return `$ ${command.join(' ')}\n${tail(stdout)}${tail(stderr)}[exit code ${exitCode}]`;
}

/** Characters of each output. */
const mostTold = 4000;

function tail(text: string): string {
  return text.length <= mostTold ? text : `…${text.slice(-mostTold)}`;
}
