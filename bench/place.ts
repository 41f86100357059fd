import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { baseVariables } from '../test/parity/harness/settings.ts';

export const pipVersion = '26.3';
export const uvVersion = '0.13.9';

/** A folder on the volume that is measured: a template of an environment, uv, homes and caches. */
export class Place {
  readonly folder: string;
  /** The interpreter itself, where `python3` is a script that looks for one. */
  readonly python: string;
  /** What a fresh environment is copied from. */
  readonly template: string;
  /** Others, by their version of pip. */
  readonly #templates = new Map<string, Promise<string>>();
  readonly uv: string;
  readonly #variables: Readonly<Record<string, string>>;
  #count = 0;

  private constructor(folder: string, python: string) {
    this.folder = folder;
    this.python = python;
    this.template = join(folder, 'template');
    this.uv = join(folder, 'tools', 'bin', 'uv');
    this.#variables = variables(folder);
  }

  static async make(parent: string): Promise<Place> {
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(join(realpathSync(parent), 'pip-accel-bench-'));
    const { stdout } = await execa('python3', ['-c', 'import sys; print(sys.executable)']);
    const place = new Place(folder, stdout.trim());
    await place.#makeEnvironment(place.template, `pip==${pipVersion}`);
    await place.#makeEnvironment(join(folder, 'tools'), `uv==${uvVersion}`);
    return place;
  }

  /** What every command gets: nothing of the machine's own settings but how an index is reached. */
  variables(own: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { ...this.#variables, ...own };
  }

  /** Runs a command for what it prints. @throws Error with what it said, where it failed. */
  async say(argv: readonly string[], own: Readonly<Record<string, string>> = {}): Promise<string> {
    const [file = '', ...words] = argv;
    const { stdout } = await execa(file, words, {
      cwd: this.folder,
      env: this.variables(own),
      extendEnv: false,
      stdin: 'ignore',
      maxBuffer: 1 << 28,
    });
    return stdout;
  }

  /** A path that was never used, below the folder of the place or another. */
  newPath(name: string, below = this.folder): string {
    this.#count += 1;
    return join(below, `${name}-${this.#count}`);
  }

  /** An environment at a path, as `python3 -m venv` would have made it there. */
  async makeFresh(path: string, pip = pipVersion): Promise<void> {
    const template = await this.#templateWith(pip);
    await this.copyTree(template, path);
    const scripts = join(path, 'bin');
    const named = readdirSync(scripts, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => join(scripts, name));
    for (const file of [join(path, 'pyvenv.cfg'), ...named]) {
      const text = readFileSync(file, 'latin1');
      if (!text.includes(template)) continue;
      writeFileSync(file, text.replaceAll(template, path), 'latin1');
    }
  }

  async #templateWith(pip: string): Promise<string> {
    if (pip === pipVersion) return this.template;
    const make = async () => {
      const path = join(this.folder, `template-${pip}`);
      await this.#makeEnvironment(path, `pip==${pip}`);
      return path;
    };
    const known = this.#templates.get(pip) ?? make();
    this.#templates.set(pip, known);
    return await known;
  }

  async copyTree(from: string, to: string): Promise<void> {
    await this.say(['cp', '-a', from, to]);
  }

  /** Distributions in an environment beyond those that it is born with. */
  countInstalled(environment: string): number {
    // All templates are born with the same.
    return installedIn(environment).length - installedIn(this.template).length;
  }

  async #makeEnvironment(path: string, requirement: string): Promise<void> {
    await this.say([this.python, '-m', 'venv', path]);
    await this.say([join(path, 'bin', 'pip'), 'install', '--quiet', requirement]);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function variables(folder: string): Record<string, string> {
  // A list of certificates makes Node 20 start 30 ms later; pip-accel reads pip's own settings.
  const { NODE_EXTRA_CA_CERTS: _, ...kept } = baseVariables(join(folder, 'home'));
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  // Where pip unpacks is part of what is measured.
  return { ...kept, TMPDIR: temporary };
}

/** The distributions of an environment, as `name-version`. */
export function installedIn(environment: string): readonly string[] {
  const lib = join(environment, 'lib');
  return readdirSync(lib).flatMap((python) => listed(join(lib, python, 'site-packages')));
}

/** Those of a folder of modules. */
export function listed(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => /^(.*)\.dist-info$/.exec(name)?.[1] ?? []);
}
