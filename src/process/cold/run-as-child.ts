import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import type { Inheritance } from '../replace.ts';

/** Signals that people and supervisors send to make a program stop or look again. */
const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const;

/** Milliseconds after which a child still runs that did not get a signal with the whole group. */
const groupDelay = 200;

/** Where no `execve` can be had; tells the exit code. */
export async function runAsChild(
  file: string,
  words: readonly string[],
  { environment, inherited }: Inheritance,
): Promise<number> {
  const highest = Math.max(2, ...inherited);
  const stdio = Array.from({ length: highest + 1 }, (_, index) =>
    index <= 2 ? 'inherit' : inherited.includes(index) ? index : 'ignore',
  );
  const child = spawn(file, words, { env: environment, stdio });
  // The terminal sends these to the whole process group, so the child has them already.
  // Not by process.stdin, which would make what the child reads from not block.
  const isAtTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      if (!isAtTerminal) setTimeout(() => child.kill(signal), groupDelay);
    });
  }
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}
