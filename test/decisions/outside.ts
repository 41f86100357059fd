import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MadeWheel, type Manners, WheelIndex } from '../gateway/wheel-index.ts';
import type { Case, World } from './case.ts';
import { detailsOf, makeFiles, type Projects } from './releases.ts';

/** The indexes and folders that a case asks, and how texts name them. */
export class Outside {
  readonly #root: string;
  readonly #indexes = new Map<string, WheelIndex>();
  /** Those that were asked before the world moved. */
  readonly #left: WheelIndex[] = [];
  readonly #files = new Map<string, URL>();
  /** By index and name. */
  readonly #hashes = new Map<string, string>();

  /** @param root the folder that those of archives lie in. */
  constructor(root: string) {
    this.#root = root;
  }

  /** From now on the indexes and folders hold these files, and others than before. */
  async show(one: Case, world: World, state: 'first' | 'later'): Promise<void> {
    for (const name of Object.keys(world)) {
      if (!isFolder(name) && !this.#indexes.has(name)) {
        this.#indexes.set(name, await WheelIndex.start());
      }
    }
    for (const [name, projects] of Object.entries(world)) {
      const files = makeFiles(this.#filled(projects), `${name}/${state}`);
      const index = this.#indexes.get(name);
      if (index) {
        index.wheels.splice(0, index.wheels.length, ...files);
        Object.assign(index.manners, usualManners(one.name), one.manners);
      } else this.#fillFolder(name, files);
      for (const file of files) {
        const id = `${name}/${file.filename}`;
        const digest = createHash('sha256').update(file.bytes).digest('hex');
        if (!this.#hashes.has(id)) this.#hashes.set(id, digest);
        if (index) this.#files.set(id, index.file(file));
      }
    }
  }

  /** The indexes go away; others with their names come when they are shown. */
  move(): void {
    this.#left.push(...this.#indexes.values());
    this.#indexes.clear();
  }

  clear(): void {
    for (const index of this.#indexes.values()) index.wheels.length = 0;
    for (const index of this.#left.splice(0)) index[Symbol.dispose]();
    this.#hashes.clear();
    this.#files.clear();
  }

  /** A text of a case as it is meant now. */
  fill(text: string): string {
    return text.replaceAll(/(?<!\$)\{(?:(file|hash):)?([\w./+!-]+)\}/g, (_, kind, name: string) => {
      if (kind === 'hash') return this.#hashes.get(name) ?? unknown(name);
      if (kind === 'file') return this.#files.get(name)?.href ?? unknown(name);
      if (name === 'root') return this.#root;
      if (isFolder(name)) return join(this.#root, name);
      return this.#indexes.get(name)?.url ?? unknown(name);
    });
  }

  /** A text of a run without what another run would have otherwise. */
  lasting(text: string): string {
    const places = [...this.#indexes, ...this.#left.map((index) => ['left', index] as const)];
    return places
      .reduce((kept, [name, { origin }]) => kept.replaceAll(origin, `http://${name}`), text)
      .replaceAll(this.#root, '{root}')
      .replaceAll(/\/pip-[\w-]+?-[a-z0-9_]{8}\b/g, '/pip-temporary');
  }

  #filled(projects: Projects): Projects {
    return Object.fromEntries(
      Object.entries(projects).map(([name, releases]) => [
        name,
        Object.fromEntries(
          Object.entries(releases).map(([version, release]) => {
            const details = detailsOf(release);
            const requires = (details.requires ?? []).map((line) => this.fill(line));
            return [version, { ...details, requires }];
          }),
        ),
      ]),
    );
  }

  #fillFolder(name: string, files: readonly MadeWheel[]): void {
    const folder = join(this.#root, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const { filename, bytes } of files) writeFileSync(join(folder, filename), bytes);
  }

  [Symbol.dispose](): void {
    this.move();
    this.clear();
  }
}

function isFolder(name: string): boolean {
  return name.startsWith('folder');
}

function unknown(name: string): never {
  throw new Error(`nothing is called ${name}`);
}

/** Cases that say nothing of how their indexes answer take turns with all ways, each always with the same. */
function usualManners(name: string): Partial<Manners> {
  const [bits = 0] = createHash('sha256').update(name).digest();
  return {
    form: bits & 1 ? 'json' : 'html',
    metadata: (bits & 6) > 0,
    etags: (bits & 8) > 0,
    cacheControl: bits & 16 ? 'max-age=0' : 'no-cache',
    hash: (bytes) => createHash('sha256').update(bytes).digest('hex'),
  };
}
