import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createRequire } from 'node:module';
import type { Environment } from '../config/load.ts';

/** `process.execve`, in Node 22.15 and later. */
type Execve = (file: string, argv: readonly string[], environment: Environment) => void;

/**
 * Becomes another program: same process, terminal, signals, descriptors and exit code.
 * Where no `execve` can be had the program runs as a child instead, with every inherited
 * descriptor and all signals passed on; then the returned promise tells its exit code.
 *
 * @param command an absolute path and its arguments.
 */
export async function becomeProgram(
  command: readonly string[],
  environment: Environment,
): Promise<number> {
  const [file = '', ...words] = command;
  const { execve } = process as { execve?: Execve };
  execve?.call(process, file, [file, ...words], environment);
  execByLibrary(file, [file, ...words], environment);
  return await runAsChild(file, words, environment);
}

/** Node before 22.15 has no `process.execve`; returns where the call is not possible or fails. */
function execByLibrary(file: string, argv: readonly string[], environment: Environment): void {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const execve = koffi.load(null).func('int execve(const char *, const char **, const char **)');
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    execve(file, [...argv, null], [...variables, null]);
  } catch {
    // No prebuilt library for this platform: the caller runs a child instead.
  }
}

/** Signals that people and supervisors send to make a program stop or look again. */
const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const;

async function runAsChild(
  file: string,
  words: readonly string[],
  environment: Environment,
): Promise<number> {
  const child = spawn(file, words, { env: environment, stdio: inheritedDescriptors() });
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

/** Descriptor n of this process as descriptor n of the child; our own are close-on-exec and left out. */
export function inheritedDescriptors(): ('ignore' | 'inherit' | number)[] {
  const descriptors = readdirSync('/dev/fd')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInherited(descriptor));
  const highest = Math.max(2, ...descriptors);
  return Array.from({ length: highest + 1 }, (_, index) => {
    if (index <= 2) return 'inherit';
    return descriptors.includes(index) ? index : 'ignore';
  });
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'));
    return (Number.parseInt(flags?.[1] ?? '2000000', 8) & 0o2000000) === 0;
  } catch {
    return false;
  }
}
