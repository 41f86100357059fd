import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { executables, presentForms } from '../contestants.ts';
import type { MeasuredIndex, Traffic } from '../far-index.ts';
import type { Command, Entrant } from '../measure.ts';
import { installedIn, listed, type Place } from '../place.ts';
import type { DistributionSet } from '../sets.ts';
import type { Asked } from './results.ts';
import type { Kept, Row, RowEntrant, Tool } from './rows.ts';

/** All sets have another version of it. */
const olderOne = 'idna==3.10';

/** Milliseconds after which pages of the index `brief` are out of date. */
const pageLifetime = 1_100;

interface Paths {
  readonly environment: string;
  /** What the tools keep, a folder for each. */
  readonly kept: string;
  /** Of `--target`. */
  readonly folder: string;
}

/** The tools of a row, each run into an environment that was never used. */
export class Contest {
  /** What the index was asked by pip-accel, run by run. */
  readonly asked: Asked[] = [];
  readonly #place: Place;
  readonly #index: MeasuredIndex;
  readonly #row: Row;
  readonly #set: DistributionSet;
  readonly #filled: string[] = [];

  constructor(place: Place, index: MeasuredIndex, row: Row, set: DistributionSet) {
    this.#place = place;
    this.#index = index;
    this.#row = row;
    this.#set = set;
  }

  /** Untimed: fills what it has kept. */
  async enter(one: RowEntrant): Promise<Entrant> {
    const { tool, kept, into } = one;
    const requirements = this.#requirements('all');
    const paths = this.#newPaths();
    const filled = kept === 'nothing' ? null : await this.#fill(tool, kept);
    const isUsedUp = kept === 'all but one';
    return {
      id: tool,
      prepare: async () => {
        await this.#place.makeFresh(paths.environment, this.#row.pip);
        if (filled && isUsedUp) await this.#place.copyTree(filled, paths.kept);
        else if (!filled) mkdirSync(paths.kept, { recursive: true });
        if (this.#row.index === 'brief') await sleep(pageLifetime);
        await this.#index.takeTraffic();
        const target = into === 'folder' ? ['--target', paths.folder] : [];
        const words = [...one.words, ...target, '-r', requirements];
        const inUse = filled && !isUsedUp ? { ...paths, kept: filled } : paths;
        return this.#command(tool, words, inUse);
      },
      finish: async () => {
        const installed = this.#installed(into, paths);
        if (tool === 'pip-accel') {
          const traffic = await this.#index.takeTraffic();
          if (traffic) this.asked.push(askedOf(traffic, installed));
        }
        for (const path of Object.values(paths)) rmSync(path, { recursive: true, force: true });
      },
    };
  }

  /** Removes what was filled. */
  dispose(): void {
    for (const path of this.#filled) rmSync(path, { recursive: true, force: true });
  }

  /** @returns the folder of what a tool then has kept. */
  async #fill(tool: Tool, kept: Exclude<Kept, 'nothing'>): Promise<string> {
    const paths = this.#newPaths();
    mkdirSync(paths.kept, { recursive: true });
    await this.#place.makeFresh(paths.environment, this.#row.pip);
    const words = tool === 'uv' ? ['pip', 'install'] : ['install'];
    const line = [...words, '-r', this.#requirements(kept)];
    const { argv, variables } = this.#command(tool, line, paths);
    await this.#place.say(argv, variables);
    rmSync(paths.environment, { recursive: true });
    this.#filled.push(paths.kept);
    return paths.kept;
  }

  #newPaths(): Paths {
    return {
      environment: this.#place.newPath('env'),
      kept: this.#place.newPath('kept'),
      folder: this.#place.newPath('target'),
    };
  }

  #requirements(kept: Exclude<Kept, 'nothing'>): string {
    const file = this.#place.newPath('requirements.txt');
    const [name = ''] = olderOne.split('==');
    const { lines, asked } = this.#set;
    const pinned = lines.map((line) => {
      return kept === 'all but one' && line.startsWith(`${name}==`) ? olderOne : line;
    });
    writeFileSync(file, `${(this.#row.pinned ? pinned : asked).join('\n')}\n`);
    return file;
  }

  /** What there is now; null where nothing was to be installed. */
  #installed(into: RowEntrant['into'], { environment, folder }: Paths): readonly string[] | null {
    if (into === 'nowhere') return null;
    const installed = into === 'folder' ? listed(folder) : installedIn(environment);
    const count = into === 'folder' ? installed.length : this.#place.countInstalled(environment);
    // What is not pinned may require more by now.
    const isAll = this.#row.pinned ? count === this.#set.size : count >= this.#set.size;
    if (!isAll) throw new Error(`${count} distributions instead of ${this.#set.size}`);
    return installed;
  }

  #command(tool: Tool, words: readonly string[], { environment, kept }: Paths): Command {
    const url = this.#index.url(this.#row.index);
    const form = presentForms().includes('standalone') ? 'standalone' : 'node';
    const programs = {
      pip: [join(environment, 'bin', 'python'), '-m', 'pip'],
      'pip-accel': [executables[form]],
      uv: [this.#place.uv],
    };
    const variables = this.#place.variables({
      VIRTUAL_ENV: environment,
      PIP_INDEX_URL: url,
      PIP_CACHE_DIR: join(kept, 'pip'),
      PIP_ACCEL_CACHE: join(kept, 'pip-accel'),
      UV_DEFAULT_INDEX: url,
      UV_CACHE_DIR: join(kept, 'uv'),
      UV_PYTHON_DOWNLOADS: 'never',
    });
    return { argv: [...programs[tool], ...words], variables, cwd: this.#place.folder };
  }
}

function askedOf({ count, bytes, files }: Traffic, installed: readonly string[] | null): Asked {
  return { count, bytes, spare: installed && bytesBeside(installed, files) };
}

/** The bytes of archives, and of metadata beside them, of what is not installed. */
function bytesBeside(
  installed: readonly string[],
  files: Readonly<Record<string, number>>,
): number {
  const wanted = new Set(installed.map(plain));
  return Object.entries(files)
    .filter(([name]) => !wanted.has(plain(releaseOf(name))))
    .reduce((sum, [, bytes]) => sum + bytes, 0);
}

/** `name-version`, of a wheel (PEP 427) or an sdist (PEP 625). */
function releaseOf(filename: string): string {
  const name = filename.replace(/\.metadata$/, '');
  return name.endsWith('.whl')
    ? name.split('-', 2).join('-')
    : name.replace(/\.(?:zip|tar\.\w+)$/, '');
}

/** Without what names are spelled with in various ways. */
function plain(release: string): string {
  return release.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
