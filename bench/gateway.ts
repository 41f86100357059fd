/**
 * `npm run bench:gateway -- [--sets 40,97] [--rounds 5] [--scenarios …] [--cache FOLDER]`: what is
 * cold, before an index 50 ms away, beside pip and uv; medians, their ratio, requests and bytes.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { executables, presentForms } from './contestants.ts';
import { indexOfPip } from './machine.ts';
import { type Command, type Entrant, median, race, Stopwatch } from './measure.ts';
import { Place } from './place.ts';
import { readSet } from './sets.ts';
import { FarIndex, type Traffic } from './far-index.ts';

type Tool = 'pip' | 'pip-accel' | 'uv';

interface Scenario {
  readonly title: string;
  readonly words: Readonly<Partial<Record<Tool, readonly string[]>>>;
  readonly pinned: boolean;
  readonly index: 'simple' | 'bare';
  /** At most so much of another's time. */
  readonly limits: Readonly<Partial<Record<Tool, number>>>;
}

const dry = ['install', '--dry-run', '--ignore-installed', '--quiet', '--report', '/dev/null'];
const dryRun = { pip: dry, 'pip-accel': dry };
const install = { pip: ['install'], 'pip-accel': ['install'] };
const compiled = { ...install, uv: ['pip', 'install', '--compile-bytecode'] };
const uncompiled = { 'pip-accel': ['install', '--no-compile'], uv: ['pip', 'install'] };

const scenarios: Readonly<Record<string, Scenario>> = {
  'decide-pinned': scenario('a dry run, pinned', dryRun, { pinned: true, pip: 0.2 }),
  'decide-unpinned': scenario('a dry run, unpinned', dryRun, { pip: 0.25 }),
  'decide-bare': {
    ...scenario('a dry run, no PEP 658', dryRun, { pinned: true, pip: 0.2 }),
    index: 'bare',
  },
  pinned: scenario('cold, pinned', compiled, { pinned: true, pip: 0.3, uv: 1 }),
  unpinned: scenario('cold, unpinned', compiled, { pip: 0.3, uv: 1.2 }),
  'pinned-no-compile': scenario('cold, pinned, no bytecode', uncompiled, { pinned: true, uv: 1.3 }),
  'unpinned-no-compile': scenario('cold, unpinned, no bytecode', uncompiled, { uv: 2 }),
};

function scenario(
  title: string,
  words: Scenario['words'],
  { pinned = false, ...limits }: Scenario['limits'] & { readonly pinned?: boolean },
): Scenario {
  return { title, words, pinned, index: 'simple', limits };
}

/** A tool in a scenario: each run with nothing kept, into an environment that was never used. */
class Contest {
  readonly traffic: Traffic[] = [];
  readonly #place: Place;
  readonly #index: FarIndex;
  readonly #scenario: Scenario;
  readonly #requirements: string;

  constructor(place: Place, index: FarIndex, scenario: Scenario, lines: readonly string[]) {
    this.#place = place;
    this.#index = index;
    this.#scenario = scenario;
    this.#requirements = place.newPath('requirements.txt');
    const named = scenario.pinned ? lines : lines.map((line) => line.replace(/==.*/, ''));
    writeFileSync(this.#requirements, `${named.join('\n')}\n`);
  }

  entrant(tool: Tool, words: readonly string[]): Entrant {
    const environment = this.#place.newPath('env');
    const kept = this.#place.newPath('kept');
    return {
      id: tool,
      prepare: async () => {
        await this.#place.makeFresh(environment);
        mkdirSync(kept, { recursive: true });
        await this.#index.takeTraffic();
        return this.#command(tool, [...words, '-r', this.#requirements], { environment, kept });
      },
      finish: async () => {
        if (tool === 'pip-accel') this.traffic.push(await this.#index.takeTraffic());
        rmSync(environment, { recursive: true });
        rmSync(kept, { recursive: true });
      },
    };
  }

  #command(
    tool: Tool,
    words: readonly string[],
    { environment, kept }: { readonly environment: string; readonly kept: string },
  ): Command {
    const url = this.#index.url(this.#scenario.index);
    const programs = {
      pip: [join(environment, 'bin', 'python'), '-m', 'pip'],
      'pip-accel': [
        presentForms().includes('standalone') ? executables.standalone : executables.node,
      ],
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

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    sets: { type: 'string', default: '40,97' },
    rounds: { type: 'string', default: '5' },
    scenarios: { type: 'string', default: Object.keys(scenarios).join(',') },
    cache: { type: 'string', default: join(homedir(), '.cache', 'pip-accel-bench') },
  },
});

const memory = '/dev/shm';
using place = await Place.make(existsSync(memory) ? memory : tmpdir());
using index = await FarIndex.start(await indexOfPip(place), values.cache);
using stopwatch = new Stopwatch(place.python, place.folder);

console.log('| set | what | pip-accel | pip | uv | requests | MB |\n|---|---|---|---|---|---|---|');
for (const size of values.sets.split(',').map(Number)) {
  for (const name of values.scenarios.split(',')) {
    const found = scenarios[name];
    if (!found)
      throw new Error(`no scenario ${name}; there are ${Object.keys(scenarios).join(', ')}`);
    console.log(await measured(found, size, Number(values.rounds)));
  }
}

async function measured(scenario: Scenario, size: number, rounds: number): Promise<string> {
  const contest = new Contest(place, index, scenario, readSet(size).lines);
  const entrants = Object.entries(scenario.words).map(([tool, words]) =>
    contest.entrant(tool as Tool, words),
  );
  const samples = await race(entrants, { rounds, stopwatch });
  const time = (tool: Tool) => median((samples.get(tool) ?? []).map((one) => one.milliseconds));
  const own = time('pip-accel');
  const cell = (tool: 'pip' | 'uv') => {
    if (!scenario.words[tool]) return '';
    const limit = scenario.limits[tool];
    const ratio = (own / time(tool)).toFixed(2);
    return `${Math.round(time(tool))} (${ratio}${limit === undefined ? '' : `, at most ${limit}`})`;
  };
  const { count = 0, bytes = 0 } = contest.traffic.at(-1) ?? {};
  const cells = [
    size,
    scenario.title,
    Math.round(own),
    cell('pip'),
    cell('uv'),
    count,
    bytes / 1e6,
  ];
  return `| ${cells.map((one) => (typeof one === 'number' ? Math.round(one) : one)).join(' | ')} |`;
}
