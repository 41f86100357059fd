import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Environment } from '../config/load.ts';
import { inheritedDescriptors } from './descriptors.ts';
import { openLibc } from './libc.ts';

/** `process.execve`, in Node 22.15 and later. */
type Execve = (file: string, argv: readonly string[], environment: Environment) => void;

/**
 * Becomes another program: same process, terminal, signals, descriptors and exit code.
 * Where no `execve` can be had the program runs as a child instead, with every inherited
 * descriptor and all signals passed on; then the returned promise tells its exit code.
 *
 * @param command an absolute path and its arguments.
 * @param atStart the descriptors that were open when this process started.
 */
export async function becomeProgram(
  command: readonly string[],
  environment: Environment,
  atStart: readonly number[],
): Promise<number> {
  const [file = '', ...words] = command;
  const inherited = inheritedDescriptors(atStart, environment);
  const { execve } = process as { execve?: Execve };
  if (inherited.length === 0) execve?.call(process, file, [file, ...words], environment);
  await execByLibrary(file, [file, ...words], { environment, inherited });
  return await runAsChild(file, words, { environment, inherited });
}

interface Inheritance {
  readonly environment: Environment;
  /** Descriptors above 2. */
  readonly inherited: readonly number[];
}

/** By libc's own execve; returns where that is not possible. */
async function execByLibrary(
  file: string,
  argv: readonly string[],
  { environment, inherited }: Inheritance,
): Promise<void> {
  const libc = await openLibc();
  if (libc === null) return;
  for (const descriptor of [0, 1, 2, ...inherited]) libc.keepOpen(descriptor);
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  libc.execve(file, argv, variables);
}

/** Signals that people and supervisors send to make a program stop or look again. */
const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const;

async function runAsChild(
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
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}
