import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { run, succeed, type CommandOptions, type Outcome } from './command.ts';
import { settings, temporaryFolder } from './settings.ts';

export interface EnvironmentSpec {
  /** The command that makes an environment at the path that is appended to it. */
  readonly create: readonly string[];
  /** What is installed in it before anything is compared: a named pip, and what old ones need. */
  readonly tools: readonly string[];
  /** The interpreter inside the prefix; a virtual environment's where it is not given. */
  readonly interpreter?: string;
}

/** What is particular about one command. */
export type How = Pick<CommandOptions, 'cwd' | 'variables' | 'offline'>;

/**
 * A place where environments are made again and again, always at the same path: both installs of
 * a comparison happen in it, because a path is written into scripts and into builds.
 */
export class Bench {
  readonly folder: string;
  /** The environment's prefix. */
  readonly prefix: string;
  /** The accelerator's data directory. */
  readonly store: string;
  readonly python: string;
  readonly options: CommandOptions;
  readonly #spec: EnvironmentSpec;
  readonly #template: string;

  constructor(name: string, spec: EnvironmentSpec) {
    this.folder = temporaryFolder(name);
    this.prefix = path.join(this.folder, 'env');
    this.store = path.join(this.folder, 'store');
    this.python = path.join(this.prefix, spec.interpreter ?? 'bin/python');
    this.#spec = spec;
    this.#template = path.join(this.folder, 'template');
    this.options = {
      home: path.join(this.folder, 'home'),
      firstOnPath: path.dirname(this.python),
      variables: {
        PIP_CACHE_DIR: this.cache('pip-cache'),
        PIP_ACCEL_CACHE: this.store,
        // What `bin/activate` would set; an interpreter's own prefix has none.
        ...(spec.interpreter === undefined ? { VIRTUAL_ENV: this.prefix } : {}),
      },
    };
  }

  /** A folder for downloads, kept between runs where that was asked for. */
  cache(name: string): string {
    return path.join(settings.kept ?? this.folder, name);
  }

  /** An environment as new, in place of the one before. */
  async renew(): Promise<void> {
    await rm(this.prefix, { recursive: true, force: true });
    if (!existsSync(this.#template)) {
      await this.#create();
      await rename(this.prefix, this.#template);
    }
    await succeed(['cp', '-a', this.#template, this.prefix], { home: this.options.home });
  }

  async pip(args: readonly string[], how: How = {}): Promise<Outcome> {
    return run([this.python, '-m', 'pip', ...args], this.#with(how));
  }

  /** The accelerator, called as a user calls it in an activated environment. */
  async accelerate(args: readonly string[], how: How = {}): Promise<Outcome> {
    return run([settings.accelerator, ...args], this.#with(how));
  }

  /** Names of what is installed beyond the tools, sorted. */
  async installed(): Promise<readonly string[]> {
    const tools = this.#spec.tools.map((tool) => tool.replace(/==.*/, ''));
    const { stdout } = await succeed(
      [this.python, '-m', 'pip', 'list', '--format=freeze'],
      this.options,
    );
    return stdout
      .split('\n')
      .map((line) => line.trim().replace(/==.*/, ''))
      .filter((name) => name !== '' && !tools.includes(name) && name !== 'setuptools')
      .sort();
  }

  /** Empties the accelerator's data directory. */
  async forget(): Promise<void> {
    await rm(this.store, { recursive: true, force: true });
  }

  async dispose(): Promise<void> {
    if (!settings.keepsFolders) await rm(this.folder, { recursive: true, force: true });
  }

  #with(how: How): CommandOptions {
    const variables = { ...this.options.variables, ...how.variables };
    return { ...this.options, ...how, variables };
  }

  async #create(): Promise<void> {
    await mkdir(this.options.home, { recursive: true });
    await succeed([...this.#spec.create, this.prefix], { home: this.options.home });
    if (this.#spec.tools.length === 0) return;
    await succeed(
      [this.python, '-m', 'pip', 'install', '--quiet', '--upgrade', ...this.#spec.tools],
      this.options,
    );
    // virtualenv leaves the tools uncompiled; with Python 2 their use would show in the tree.
    await run([this.python, '-m', 'compileall', '-q', path.join(this.prefix, 'lib')], this.options);
  }
}

/** pip may keep its downloads between runs; a wheel that it built earlier would hide a build. */
export async function forgetBuiltWheels(cache: string): Promise<void> {
  await rm(path.join(cache, 'wheels'), { recursive: true, force: true });
}
