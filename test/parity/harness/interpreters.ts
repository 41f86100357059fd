import { existsSync, realpathSync } from 'node:fs';
import { execa } from 'execa';

export interface Interpreter {
  /** Absolute path of the executable itself, not of a shim. */
  readonly executable: string;
  readonly implementation: string;
  /** As `3.11`. */
  readonly version: string;
  readonly prefix: string;
}

const FACTS =
  'import sys,platform;print("\\n".join([sys.executable,platform.python_implementation(),"%d.%d"%sys.version_info[:2],sys.prefix]))';

/** What a command that starts a Python turns out to start; undefined where it starts none. */
export async function interpreterAt(command: string): Promise<Interpreter | undefined> {
  const { stdout, failed } = await execa(command, ['-c', FACTS], { reject: false });
  if (failed) return undefined;
  const [executable = '', implementation = '', version = '', prefix = ''] = stdout.split('\n');
  if (!existsSync(executable)) return undefined;
  return { executable, implementation, version, prefix: realpathSync(prefix) };
}
