/**
 * `npm run bench:builds -- [--rounds 5] [--only NAME,…] [--docs docs]`: what building an sdist costs
 * beyond its backend's own work, by pip-accel and by pip. Writes docs/benchmarks-builds.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { presentForms } from './contestants.ts';
import { describeMachine } from './machine.ts';
import { median, race, Stopwatch } from './measure.ts';
import { Place } from './place.ts';
import { Project, type Tool, tools } from './project-to-build.ts';

/** Of the list that test:sdists builds: a backend of each kind, in half of them a compiler. */
const names = [
  'tomli-w',
  'attrs',
  'tomlkit',
  'findpython',
  'MarkupSafe',
  'PyYAML',
  'multidict',
  'wrapt',
  'lazy-object-proxy',
  'zope.interface',
  'mmh3',
  'docopt',
  'ply',
  'sgmllib3k',
  'termcolor',
  'langdetect',
  'antlr4-python3-runtime',
  'crcmod',
  'simplejson',
  'pycosat',
];

/** Milliseconds that a build may cost beyond the hooks, in the median over the projects. */
const mostExtra = 500;

/** Milliseconds. */
interface Extra {
  readonly wall: number;
  /** Of all processes: what else the machine does shows less in it. */
  readonly processor: number;
}

interface Row {
  readonly title: string;
  readonly backend: string;
  /** Wall times, medians, in milliseconds. */
  readonly times: Readonly<Record<Tool, number>>;
  readonly extra: Readonly<Record<'pip-accel' | 'pip', Extra>>;
}

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: names.join(',') },
    docs: { type: 'string', default: 'docs' },
  },
});

const repository = dirname(import.meta.dirname);
const memory = '/dev/shm';
using place = await Place.make(existsSync(memory) ? memory : tmpdir());
using stopwatch = new Stopwatch(place.python, place.folder);

const rows: Row[] = [];
for (const name of values.only.split(',')) {
  const row = await measured(await Project.make(place, versionOf(name)));
  console.log(cells(row).join('  '));
  rows.push(row);
}
const document = documentOf(rows, await describeMachine(place, presentForms()));
if (values.docs !== 'none')
  writeFileSync(join(repository, values.docs, 'benchmarks-builds.md'), document);
console.log(verdict(rows));

function versionOf(name: string): string {
  const list = join(repository, 'test', 'parity', 'pypi', 'sdists.txt');
  const lines = readFileSync(list, 'utf8').split('\n');
  const line = lines.find((text) => text.startsWith(`${name}==`));
  if (!line) throw new Error(`${list} has no ${name}`);
  return line.replace(/\s.*/, '');
}

async function measured(project: Project): Promise<Row> {
  const entrants = tools.map((tool) => project.entrant(tool));
  const samples = await race(entrants, { rounds: Number(values.rounds), stopwatch });
  const wall = (tool: Tool) => (samples.get(tool) ?? []).map((sample) => sample.milliseconds);
  const processor = (tool: Tool) =>
    (samples.get(tool) ?? []).map((sample) => sample.userMilliseconds + sample.systemMilliseconds);
  const extra = (tool: Tool) => ({
    wall: medianDifference(wall(tool), wall('hooks')),
    processor: medianDifference(processor(tool), processor('hooks')),
  });
  return {
    title: project.line,
    backend: project.backend,
    times: {
      hooks: median(wall('hooks')),
      'pip-accel': median(wall('pip-accel')),
      pip: median(wall('pip')),
    },
    extra: { 'pip-accel': extra('pip-accel'), pip: extra('pip') },
  };
}

/** Round by round: the runs of a round belong to the same moment of the machine. */
function medianDifference(left: readonly number[], right: readonly number[]): number {
  return median(left.map((time, round) => time - (right[round] ?? Number.NaN)));
}

function cells({ title, backend, times, extra }: Row): readonly string[] {
  const numbers = (['pip-accel', 'pip'] as const).flatMap((tool) => [
    times[tool],
    extra[tool].wall,
    extra[tool].processor,
  ]);
  return [title, backend, ...[times.hooks, ...numbers].map((time) => time.toFixed(0))];
}

function verdict(all: readonly Row[]): string {
  const extraOf = (tool: 'pip-accel' | 'pip', kind: keyof Extra) =>
    median(all.map(({ extra }) => extra[tool][kind])).toFixed(0);
  const word = Number(extraOf('pip-accel', 'wall')) <= mostExtra ? 'kept' : '**not kept**';
  return [
    `In the median over ${all.length} projects pip-accel takes ${extraOf('pip-accel', 'wall')} ms beyond the hooks`,
    `(at most ${mostExtra}: ${word}), of which ${extraOf('pip-accel', 'processor')} ms are processor time;`,
    `pip takes ${extraOf('pip', 'wall')} ms, ${extraOf('pip', 'processor')} ms of it processor time.`,
  ].join(' ');
}

function documentOf(all: readonly Row[], machine: Readonly<Record<string, string>>): string {
  const columns = (tool: string) => [tool, 'extra', 'extra, processor'];
  const head = ['Project', 'Backend', 'Hooks', ...columns('pip-accel'), ...columns('pip')];
  const table = [head, head.map((_, index) => (index < 2 ? '---' : '---:')), ...all.map(cells)];
  return [
    '# What a build costs beside its backend',
    'Written by `npm run bench:builds`, which needs a network; every number is of that run.',
    verdict(all),
    'Milliseconds of wall time, medians; the extra is the median of the differences from the hooks, round by round, in wall time and in processor time of all processes.',
    table.map((row) => `| ${row.join(' | ')} |`).join('\n'),
    '- Hooks: `get_requires_for_build_wheel`, `prepare_metadata_for_build_wheel` and `build_wheel` by hand, a process each as PEP 517 has it, in an environment that holds all they require, on sources that are unpacked.',
    '- pip-accel, pip: `install --no-deps --no-index --find-links FOLDER --no-binary NAME NAME==VERSION` into a fresh environment. The folder holds the sdist and the wheels of its build requirements. The store of pip-accel knows these and no build of the project; pip has its cache, and nothing comes out of a network.',
    '- setup.py: what names no backend. The hooks are those of the legacy backend; pip-accel runs such a setup.py in one process, and so may take less.',
    '## The machine',
    Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    '',
  ].join('\n\n');
}
