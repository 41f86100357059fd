import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { remember } from '../cli/runs.ts';
import { executable, type Finished, type Sandbox } from '../cli/sandbox.ts';

export type Variables = Readonly<Record<string, string>>;

/** Starts a program in a sandbox while this process goes on answering: the servers are in it. */
export function start(
  sandbox: Sandbox,
  command: readonly string[],
  variables: Variables,
): { readonly child: ChildProcess; readonly finished: Promise<Finished> } {
  const [file = '', ...words] = command;
  const child = spawn(file, words, {
    cwd: sandbox.root,
    env: {
      ...sandbox.environment,
      PIP_CONFIG_FILE: '/dev/null',
      PIP_NO_CACHE_DIR: '1',
      PIP_NO_INDEX: '',
      TMPDIR: sandbox.root,
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (text.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (text.stderr += String(chunk)));
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      remember({ command, ...text, exitCode });
      resolve({ ...text, exitCode });
    });
  });
  return { child, finished };
}

export async function pip(
  sandbox: Sandbox,
  words: readonly string[],
  variables: Variables = {},
): Promise<Finished> {
  return await start(sandbox, [join(sandbox.venv, 'bin', 'pip'), ...words], variables).finished;
}

export async function accel(
  sandbox: Sandbox,
  words: readonly string[],
  variables: Variables = {},
): Promise<Finished> {
  return await start(sandbox, [executable, ...words], { ...own(sandbox), ...variables }).finished;
}

export function own(sandbox: Sandbox): Variables {
  return { PIP_ACCEL_CACHE: sandbox.cache };
}

/** What is the same in every run: no times, speeds, addresses of objects, bars of progress. */
export function lasting({ stdout, stderr, exitCode }: Finished): Finished {
  const clean = (text: string) =>
    text
      .replaceAll(/ at 0x[0-9a-f]+/g, ' at 0x')
      .split('\n')
      .filter((line) => !/^\s+[━╸╺ ]+/.test(line))
      .join('\n');
  return { stdout: clean(stdout), stderr: clean(stderr), exitCode };
}
