import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeEnvironment } from '../environment.ts';
import { readTree, type Tree } from '../install/site.ts';
import { remember } from './runs.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The executable under test; the standalone one where PIP_ACCEL_BIN names it. */
export const executable = process.env['PIP_ACCEL_BIN'] ?? join(repository, 'bin', 'pip-accel');

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** A folder of its own with a virtual environment, a home, and a data directory for pip-accel. */
export class Sandbox {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-test-')));
  readonly venv = join(this.root, 'venv');
  readonly cache = join(this.root, 'cache');
  readonly python = join(this.venv, 'bin', 'python');

  /** @param python another one than that at hand. */
  constructor(python: string | null = null) {
    if (python === null) makeEnvironment(this.venv, this.environment);
    else this.run([python, '-m', 'venv', this.venv]);
  }

  /** Only what a test needs: nothing of the machine's pip settings. */
  get environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.root,
      LANG: 'C.UTF-8',
      VIRTUAL_ENV: this.venv,
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      PIP_NO_INDEX: '1',
    };
  }

  run(command: readonly string[], options: RunOptions = {}): Finished {
    return this.#run(command, { ...this.environment, PIP_ACCEL_CACHE: this.cache }, options);
  }

  #run(
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
    options: RunOptions,
  ): Finished {
    const [file = '', ...words] = command;
    const { stdout, stderr, status, error } = spawnSync(file, words, {
      cwd: options.cwd ?? this.root,
      env: { ...environment, ...options.environment },
      encoding: 'utf8',
      input: options.input ?? '',
      maxBuffer: 1 << 28,
    });
    if (error) throw error;
    remember({ command, stdout, stderr, exitCode: status });
    return { stdout, stderr, exitCode: status };
  }

  accel(words: readonly string[], options: RunOptions = {}): Finished {
    return this.run([executable, ...words], options);
  }

  pip(words: readonly string[], options: RunOptions = {}): Finished {
    // The oracle would show variables of pip-accel in `pip config list`.
    return this.#run([join(this.venv, 'bin', 'pip'), ...words], this.environment, options);
  }

  /** Remembers the environment as it is now, for `resetEnvironment`. */
  keepEnvironment(): void {
    this.run(['cp', '-al', this.venv, `${this.venv}.kept`]);
  }

  /** Installers put new files in place of old ones and edit none, so links do for a copy. */
  resetEnvironment(): void {
    rmSync(this.venv, { recursive: true, force: true });
    this.run(['cp', '-al', `${this.venv}.kept`, this.venv]);
  }

  /** Every path of the environment with what lies there. */
  snapshot(): Tree {
    return readTree(this.venv);
  }

  /** The binary distributions of the data directory, by name. */
  binaries(): readonly { readonly name: string; readonly members: readonly string[] }[] {
    const folder = join(this.cache, 'binaries', 'v1');
    return readdirSync(folder)
      .filter((name) => name.endsWith('.tar.gz'))
      .sort()
      .map((name) => {
        const { stdout } = this.run(['tar', '--force-local', '-tzf', join(folder, name)]);
        return { name, members: stdout.split('\n').filter(Boolean) };
      });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}
