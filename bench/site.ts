import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fetch } from 'undici';
import { cachesOf, type ContestantId, installation, type Tool } from './contestants.ts';
import type { Command, Entrant } from './measure.ts';
import type { Place } from './place.ts';
import type { Relay } from './relay.ts';
import type { DistributionSet } from './sets.ts';

export interface Indexes {
  readonly relay: Relay;
  /** The index that pip asks where nobody says otherwise. */
  readonly upstream: string;
}

/** A set on a place: its requirements file, and what each contestant keeps of it. */
export class Site {
  readonly place: Place;
  readonly set: DistributionSet;
  readonly requirements: string;
  /** The index of pip and pip-accel: on loopback, with the headers that let pip keep answers. */
  readonly index: string;
  /** The index of uv: the real one, which it asks where its pages are out of date. */
  readonly uvIndex: string;
  readonly #folder: string;
  readonly caches: string;

  /** @param caches those of another site, which are shared then. */
  constructor(place: Place, set: DistributionSet, indexes: Indexes, caches?: string) {
    this.place = place;
    this.set = set;
    this.#folder = place.newPath('site');
    this.caches = caches ?? join(this.#folder, 'caches');
    this.requirements = join(this.#folder, 'requirements.txt');
    mkdirSync(this.caches, { recursive: true });
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(this.requirements, `${set.lines.join('\n')}\n`);
    const isGenerated = set.kind === 'generated';
    this.index = indexes.relay.index(isGenerated ? 'generated' : 'simple');
    this.uvIndex = isGenerated ? this.index : indexes.upstream;
  }

  cache(name: string): string {
    return join(this.caches, name);
  }

  get words(): readonly string[] {
    return ['-r', this.requirements];
  }

  /** pip's environment with the set in it, kept as what `cp -al` copies. */
  get finished(): string {
    return join(this.#folder, 'finished');
  }

  /** Untimed: one installation each, so that the caches know all of the set. */
  async fillCaches(ids: readonly ContestantId[]): Promise<void> {
    for (const id of ids) {
      if (id === 'cp') continue;
      const environment =
        id === 'pip' ? this.finished : this.place.newPath('filling', this.#folder);
      if (existsSync(environment)) continue;
      await this.place.makeFresh(environment);
      await this.carryOut(id === 'uv' ? 'uv-online' : id, this.words, environment);
      this.expectInstalled(environment);
      if (id !== 'pip') rmSync(environment, { recursive: true });
    }
    if (!ids.includes('uv')) return;
    for (const name of this.#pagesOfUv()) {
      await this.place.copyTree(join(this.cache('uv'), name), this.cache(`kept-${name}`));
    }
  }

  /** Empties what a contestant keeps. */
  forget(id: Tool): void {
    for (const name of cachesOf(id)) rmSync(this.cache(name), { recursive: true, force: true });
  }

  async carryOut(id: Tool, words: readonly string[], environment: string): Promise<void> {
    const { argv, variables } = installation(id, words, { environment, site: this });
    await this.place.say(argv, variables);
  }

  expectInstalled(environment: string): void {
    const count = this.place.countInstalled(environment);
    if (count === this.set.size) return;
    throw new Error(`${environment} has ${count} distributions instead of ${this.set.size}`);
  }

  /** Into an environment that was never used, at a path that may or may not have been. */
  fresh(
    id: ContestantId,
    where: { readonly parent?: string; readonly path: 'new' | 'same' },
  ): Entrant {
    const parent = where.parent ?? this.#folder;
    let environment = this.place.newPath('env', parent);
    return {
      id,
      prepare: async () => {
        if (where.path === 'new') environment = this.place.newPath('env', parent);
        if (id === 'cp') return this.#copyOfFinished(environment);
        await this.place.makeFresh(environment);
        if (id === 'uv-online') await this.#bringBackPages();
        return installation(id, this.words, { environment, site: this });
      },
      finish: async () => {
        this.expectInstalled(environment);
        await this.place.say(['rm', '-rf', environment]);
      },
    };
  }

  /** Again into an environment that the same contestant filled some seconds ago, and not for the first time. */
  async noop(id: Tool): Promise<Entrant> {
    const environment = this.place.newPath('noop', this.#folder);
    await this.place.makeFresh(environment);
    await this.carryOut(id, this.words, environment);
    // pip-accel trusts the times of folders that are older than this.
    await setTimeout(2500);
    await this.carryOut(id, this.words, environment);
    return {
      id,
      prepare: () => Promise.resolve(installation(id, this.words, { environment, site: this })),
      finish: () => Promise.resolve(this.expectInstalled(environment)),
    };
  }

  /** Into an environment that has all of the set, one distribution in an older version. */
  async upgrade(id: Tool, older: string): Promise<Entrant> {
    const environment = this.place.newPath('upgrade', this.#folder);
    const kept = `${environment}-kept`;
    await this.place.makeFresh(environment);
    await this.carryOut(id, this.words, environment);
    await this.carryOut(id === 'uv' ? 'uv-online' : id, [older], environment);
    renameSync(environment, kept);
    return {
      id,
      prepare: async () => {
        await this.place.copyTree(kept, environment);
        return installation(id, this.words, { environment, site: this });
      },
      finish: async () => {
        this.expectInstalled(environment);
        await this.place.say(['rm', '-rf', environment]);
      },
    };
  }

  /** Waits until the pages that uv keeps do not hold any more by what the index said of them. */
  async waitForOldPages(since: number): Promise<void> {
    const { headers } = await fetch(`${this.uvIndex.replace(/\/$/, '')}/pip/`);
    const [, seconds = '0'] = /max-age=(\d+)/.exec(headers.get('cache-control') ?? '') ?? [];
    const old = since + (Number(seconds) + 1) * 1000;
    if (old > Date.now()) console.log('waiting until pages of the index are out of date');
    await setTimeout(Math.max(0, old - Date.now()));
  }

  /** Removes all of it. */
  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #copyOfFinished(environment: string): Command {
    return {
      argv: ['/bin/cp', '-al', this.finished, environment],
      variables: this.place.variables(),
      cwd: this.place.folder,
    };
  }

  #pagesOfUv(): readonly string[] {
    const cache = this.cache('uv');
    return existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('simple-')) : [];
  }

  /** Those that were out of date: what uv asks for is fresh afterwards. */
  async #bringBackPages(): Promise<void> {
    for (const name of this.#pagesOfUv()) {
      const pages = join(this.cache('uv'), name);
      rmSync(pages, { recursive: true });
      await this.place.copyTree(this.cache(`kept-${name}`), pages);
    }
  }
}
