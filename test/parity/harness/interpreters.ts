import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { settings } from './settings.ts';

export interface Interpreter {
  /** Absolute path of the executable itself, not of a shim. */
  readonly executable: string;
  readonly implementation: string;
  /** As `3.11`. */
  readonly version: string;
  readonly prefix: string;
  /** Whether extension modules can be built for it; Debian has the headers in another package. */
  readonly hasHeaders: boolean;
}

const FACTS = [
  'import os, sys, platform, sysconfig',
  'print(sys.executable)',
  'print(platform.python_implementation())',
  'print("%d.%d" % sys.version_info[:2])',
  'print(sys.prefix)',
  'print(os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))',
].join('\n');

/** What a command that starts a Python turns out to start; undefined where it starts none. */
export async function interpreterAt(command: string): Promise<Interpreter | undefined> {
  const { stdout, failed } = await execa(command, ['-c', FACTS], { reject: false });
  if (failed) return undefined;
  const [executable = '', implementation = '', version = '', prefix = '', headers] =
    stdout.split('\n');
  if (!existsSync(executable)) return undefined;
  const hasHeaders = headers === 'True';
  return { executable, implementation, version, prefix: realpathSync(prefix), hasHeaders };
}

/**
 * The interpreters of the matrix: those that PYTHONS names, else pyenv's, Debian's and PyPy, one
 * for each version, oldest first.
 */
export async function interpreters(): Promise<readonly Interpreter[]> {
  const commands = settings.pythons.length > 0 ? settings.pythons : commandsOfTheMachine();
  const found = (await Promise.all(commands.map(interpreterAt))).filter(
    (interpreter) => interpreter !== undefined,
  );
  for (const { executable } of found.filter(({ hasHeaders }) => !hasHeaders))
    console.log(`left out: ${executable} has no Python.h`);
  return found
    .filter(({ hasHeaders }) => hasHeaders)
    .sort((left, right) => minor(left) - minor(right));
}

function commandsOfTheMachine(): readonly string[] {
  const versions = path.join(settings.pyenvRoot, 'versions');
  const pyenvs = existsSync(versions) ? readdirSync(versions) : [];
  return [
    ...pyenvs.map((name) => path.join(versions, name, 'bin/python')),
    '/usr/bin/python3',
    '/usr/bin/pypy3',
  ];
}

/** 2.7 as 207, 3.11 as 311: to sort by. */
export function minor(interpreter: Interpreter): number {
  const [major = 0, second = 0] = interpreter.version.split('.').map(Number);
  return major * 100 + second;
}
