import { type ChildProcess, spawn } from 'node:child_process';
import { clearTimeout, setTimeout as startTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** How long the processes of a build may take to end on SIGTERM before SIGKILL. */
const graceMilliseconds = 300;

/**
 * Runs a command in a process group of its own, so that on abort its compilers end with it.
 * Not by execa, which has no way to hand a child a descriptor other than its own pipes: what a
 * compiler writes goes straight to the log, and a daemon that keeps it open holds nobody up.
 *
 * @param output descriptor that takes standard output and standard error.
 * @throws the signal's reason, once the whole group is gone.
 */
export async function runCommand(
  command: Command,
  output: number,
  signal: AbortSignal | undefined,
): Promise<Exit> {
  signal?.throwIfAborted();
  const [file, ...parameters] = command.argv;
  const child = spawn(file, parameters, {
    cwd: command.cwd,
    env: command.environment,
    stdio: ['ignore', output, output],
    detached: true,
  });
  let killer: NodeJS.Timeout | undefined;
  const stop = () => {
    killGroup(child.pid, 'SIGTERM');
    killer = startTimer(() => killGroup(child.pid, 'SIGKILL'), graceMilliseconds);
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const exit = await ended(child);
    if (signal?.aborted) await endGroup(child.pid);
    signal?.throwIfAborted();
    return exit;
  } finally {
    signal?.removeEventListener('abort', stop);
    clearTimeout(killer);
  }
}

function ended(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

/** How long the kernel may take over processes that have been killed: one may be in the midst of writing. */
const endMilliseconds = 300;

/** Kills what is left of a group and waits until nothing of it runs, or can change files any more. */
async function endGroup(leader: number | undefined): Promise<void> {
  const deadline = performance.now() + endMilliseconds;
  while (killGroup(leader, 'SIGKILL') && performance.now() < deadline) await setTimeout(2);
}

/** @returns false where all of it has ended already. */
function killGroup(leader: number | undefined, signal: NodeJS.Signals): boolean {
  if (leader === undefined) return false;
  try {
    return process.kill(-leader, signal);
  } catch {
    // ESRCH.
    return false;
  }
}
