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
 */
export async function becomeProgram(
  command: readonly string[],
  environment: Environment,
  { atStart, held = [], stays = false }: Legacy,
): Promise<number> {
  const [file = '', ...words] = command;
  const inherited = [...inheritedDescriptors(atStart, environment), ...held];
  const { execve } = process as { execve?: Execve };
  if (!stays) {
    if (inherited.length === 0) execve?.call(process, file, [file, ...words], environment);
    await execByLibrary(file, [file, ...words], { environment, inherited });
  }
  const { runAsChild } = await import('./cold/run-as-child.ts');
  return await runAsChild(file, words, { environment, inherited });
}

/** What a program gets of the process whose place it takes. */
export interface Legacy {
  /** The descriptors that were open when this process started. */
  readonly atStart: readonly number[];
  /** Others that it has to hold open: locks. */
  readonly held?: readonly number[];
  /** This process has to outlive it, for a lock that cannot be inherited. */
  readonly stays?: boolean;
}

export interface Inheritance {
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
