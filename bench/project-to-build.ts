import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { readBuildSystem, type BuildSystem } from '../src/obtain/cold/build/build-system.ts';
import { buildSemantics } from '../src/obtain/cold/build/request.ts';
import { normalizeName } from '../src/python/names.ts';
import { openStore, type Store } from '../src/store/layout.ts';
import { executables } from './contestants.ts';
import type { Command, Entrant } from './measure.ts';
import { pipVersion, type Place } from './place.ts';

export const tools = ['hooks', 'pip-accel', 'pip'] as const;
/** `hooks` stands for the backend's hooks called by hand. */
export type Tool = (typeof tools)[number];

const hooks = [
  'get_requires_for_build_wheel',
  'prepare_metadata_for_build_wheel',
  'build_wheel',
] as const;

interface Parts {
  /** As `ply==3.11`. */
  readonly line: string;
  /** The sdist, and the wheels of what it requires to be built. */
  readonly links: string;
  readonly sdist: string;
  readonly system: BuildSystem;
  /** An environment that holds all that its hooks require. */
  readonly ready: string;
}

/** An sdist to be built again and again, in each way from the same start. */
export class Project {
  readonly line: string;
  readonly #place: Place;
  readonly #parts: Parts;

  private constructor(place: Place, parts: Parts) {
    this.line = parts.line;
    this.#place = place;
    this.#parts = parts;
  }

  /** Untimed: has it built once out of the network, and keeps what that took. */
  static async make(place: Place, line: string): Promise<Project> {
    const [environment, store] = [place.newPath('first'), openStore(place.newPath('first-store'))];
    await place.makeFresh(environment);
    await place.say(
      [executables.node, 'install', '--quiet', '--no-deps', `--no-binary=${nameOf(line)}`, line],
      { VIRTUAL_ENV: environment, PIP_ACCEL_CACHE: store.root },
    );
    const links = place.newPath('links');
    mkdirSync(links);
    for (const file of pathsIn(store.sources, /\.(whl|gz|zip)$/)) {
      copyFileSync(file, join(links, basename(file)));
    }
    const [manifest = ''] = manifests(store, normalizeName(nameOf(line)));
    const { buildRequirements } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      readonly buildRequirements: readonly string[];
    };
    const ready = place.newPath('ready');
    await place.makeFresh(ready);
    const pip = [join(ready, 'bin', 'python'), '-m', 'pip', 'install', '--quiet'];
    await place.say([...pip, '--no-index', '--find-links', links, ...buildRequirements]);
    const sdist = readdirSync(links).find((name) => !name.endsWith('.whl'));
    if (sdist === undefined) throw new Error(`no sdist of ${line} was downloaded`);
    const source = await unpacked(place, join(links, sdist));
    const semantics = buildSemantics(pipVersion, { setuptools: false, wheel: false });
    const system = await readBuildSystem(source, semantics);
    if (typeof system === 'string') throw new Error(`${line}: ${system}`);
    return new Project(place, { line, links, sdist: join(links, sdist), system, ready });
  }

  get backend(): string {
    const { isSetupPy, backend } = this.#parts.system;
    return isSetupPy ? 'setup.py' : backend;
  }

  entrant(tool: Tool): Entrant {
    return tool === 'hooks' ? this.#byHand() : this.#installed(tool);
  }

  #installed(tool: 'pip-accel' | 'pip'): Entrant {
    const environment = this.#place.newPath('env');
    const [store, cache] = [this.#place.newPath('store'), this.#place.newPath('pip-cache')];
    const { links } = this.#parts;
    const name = nameOf(this.line);
    const program =
      tool === 'pip' ? [join(environment, 'bin', 'python'), '-m', 'pip'] : [executables.node];
    const words = ['install', '--no-deps', '--no-index', `--find-links=${links}`];
    return {
      id: tool,
      prepare: async () => {
        await this.#place.makeFresh(environment);
        forgetBuild(store, normalizeName(name));
        // Where pip keeps what it built; the wheels of build requirements are in the folder.
        rmSync(join(cache, 'wheels'), { recursive: true, force: true });
        return {
          argv: [...program, ...words, `--no-binary=${name}`, this.line],
          variables: this.#place.variables({
            VIRTUAL_ENV: environment,
            PIP_ACCEL_CACHE: store,
            PIP_CACHE_DIR: cache,
          }),
          cwd: this.#place.folder,
        };
      },
      finish: () => {
        const installed = this.#place.countInstalled(environment);
        if (installed !== 1) throw new Error(`${tool} installed ${installed} distributions`);
        rmSync(environment, { recursive: true });
        return Promise.resolve();
      },
    };
  }

  #byHand(): Entrant {
    const folder = this.#place.newPath('by-hand');
    /** The folder that prepared metadata has, once that is known. */
    let metadata: string | null = null;
    let source = '';
    return {
      id: 'hooks',
      prepare: async () => {
        rmSync(folder, { recursive: true, force: true });
        for (const name of ['wheels', 'metadata'])
          mkdirSync(join(folder, name), { recursive: true });
        source = await unpacked(this.#place, this.#parts.sdist);
        return this.#hookCommand(folder, source, metadata);
      },
      finish: () => {
        if (readdirSync(join(folder, 'wheels')).length === 0) throw new Error('no wheel was built');
        const [prepared] = readdirSync(join(folder, 'metadata'));
        metadata = prepared === undefined ? null : join(folder, 'metadata', prepared);
        rmSync(source, { recursive: true });
        return Promise.resolve();
      },
    };
  }

  #hookCommand(folder: string, cwd: string, prepared: string | null): Command {
    const { backend, backendPath } = this.#parts.system;
    const values = {
      get_requires_for_build_wheel: {},
      prepare_metadata_for_build_wheel: { metadata_directory: join(folder, 'metadata') },
      build_wheel: { wheel_directory: join(folder, 'wheels'), metadata_directory: prepared },
    };
    const script = join(import.meta.dirname, '../src/python/scripts/build_hook.py');
    const lines = hooks.map((hook) => {
      const call = join(folder, `${hook}.json`);
      const settings = { config_settings: null };
      const words = { backend, backendPath, hook, arguments: { ...values[hook], ...settings } };
      writeFileSync(call, JSON.stringify(words));
      return `python '${script}' '${call}' '${call}.result'`;
    });
    const path = `${join(this.#parts.ready, 'bin')}:${this.#place.variables()['PATH']}`;
    const variables = this.#place.variables({ PATH: path });
    return { argv: ['/bin/sh', '-ec', lines.join('\n')], variables, cwd };
  }
}

function nameOf(line: string): string {
  return line.replace(/==.*/, '');
}

/** A path below which the sources lie, as a build finds them. */
async function unpacked(place: Place, sdist: string): Promise<string> {
  const folder = place.newPath('source');
  mkdirSync(folder);
  await place.say(['tar', '-xf', sdist, '-C', folder]);
  return join(folder, readdirSync(folder)[0] ?? '');
}

/** Takes from a store what came of a project's build, and leaves what built it. */
function forgetBuild(root: string, key: string): void {
  const store = openStore(root);
  for (const manifest of manifests(store, key)) {
    const { archive } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      readonly archive: { readonly sha256: string };
    };
    const made = [
      ...pathsIn(store.images, new RegExp(`^${archive.sha256}-[^/]*$`)),
      join(store.metadata, `${archive.sha256}.json`),
      manifest.replace(/json$/, 'tar.gz'),
      manifest,
    ];
    for (const path of made) rmSync(path, { recursive: true, force: true });
  }
  for (const file of pathsIn(store.decisions, /\.json$/)) {
    const { items } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly items: readonly { readonly decided: { readonly key: string } }[];
    };
    if (items.some(({ decided }) => decided.key === key)) rmSync(file);
  }
}

function manifests(store: Store, key: string): readonly string[] {
  return pathsIn(store.binaries, new RegExp(`^${key}:.*\\.json$`));
}

/** The paths below a folder whose part below it is like the pattern. */
function pathsIn(folder: string, pattern: RegExp): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path))
    .map((path) => join(folder, path));
}
