import type { Verdict } from './acceptance.ts';
import { drawChart, duration, type Group } from './chart.ts';
import { type ContestantId, titles } from './contestants.ts';
import {
  type CallCount,
  medianOf,
  type Result,
  type Results,
  type Scenario,
  scenarios,
} from './results.ts';
import { readSet } from './sets.ts';

const charted: readonly ContestantId[] = ['standalone', 'node', 'uv', 'cp', 'uv-compile', 'pip'];

/** Times of the scenario that the chart shows. */
export function chartOf({ results }: Results, filesystem: string): string | null {
  const groups: Group[] = sizesOf(results, 'warm', filesystem).map((size) => ({
    title: setTitle(size),
    bars: charted.flatMap((id) => {
      const key = { filesystem, scenario: 'warm', size, contestant: id } as const;
      const milliseconds = medianOf(results, key);
      return milliseconds === null ? [] : [{ id, milliseconds }];
    }),
  }));
  return groups.length > 0 ? drawChart(groups) : null;
}

/** docs/benchmarks.md */
export function document(results: Results, verdicts: readonly Verdict[]): string {
  const filesystems = [...new Set(results.results.map(({ filesystem }) => filesystem))];
  return [
    '# Benchmarks',
    'Written by `npm run bench`; every number is of that run. It takes half an hour and a network. `npm run bench -- --help` tells how to run parts of it.',
    '![Time to fill a fresh environment](benchmarks.svg)',
    '## What was promised',
    verdictTable(verdicts),
    '## Times',
    'Medians of the wall time, in milliseconds.',
    ...filesystems.flatMap((filesystem) => [
      ...(filesystems.length > 1 ? [`### On ${filesystem}`] : []),
      ...scenarioTables(results.results, filesystem),
    ]),
    '## Memory and processor',
    'Fresh environment at a new path, everything known: peak of the largest process in MB / processor time of all processes in milliseconds.',
    table(results.results, { scenario: 'warm', filesystem: filesystems[0] ?? '' }, loadOf),
    ...callSections(results.calls),
    '## How it is measured',
    ...method(results),
    '## The machine',
    Object.entries(results.machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    ...(results.notes.length > 0
      ? ['## To know of this run', results.notes.map((note) => `- ${note}`).join('\n')]
      : []),
    '',
  ].join('\n\n');
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => {
    const { row, scenario, size, form, ours, theirs, against, ratio, atMost, unit } = verdict;
    const amount = (value: number) =>
      unit === 'ms' ? duration(value) : `${value.toFixed(0)} ${unit}`;
    const opponent = titles[against as ContestantId] ?? against;
    return [
      row,
      scenario,
      size === 1 ? '' : String(size),
      `${titles[form]}: ${amount(ours)}`,
      `${opponent}${opponent === amount(theirs) ? '' : `: ${amount(theirs)}`}`,
      Number.isNaN(ratio) ? '' : precise(ratio),
      String(atMost),
      kept(ratio, atMost),
    ];
  });
  return markdown(['', 'Scenario', 'Set', 'Ours', 'Against', 'Ratio', 'At most', 'Kept'], rows);
}

/** What is lost in the noise of the machine is neither kept nor broken. */
export function kept(ratio: number, atMost: number): string {
  if (Number.isNaN(ratio)) return 'not measurable';
  return ratio <= atMost ? 'yes' : '**no**';
}

function scenarioTables(results: readonly Result[], filesystem: string): readonly string[] {
  return (Object.keys(scenarios) as Scenario[]).flatMap((scenario) => {
    const drawn = table(results, { scenario, filesystem });
    if (drawn === '') return [];
    const sentence = scenarios[scenario].replace(/^[a-z]/, (letter) => letter.toUpperCase());
    const unpinned = scenario === 'online' ? ', with the network up' : '';
    return [`${sentence}${unpinned}:`, drawn];
  });
}

function table(
  results: readonly Result[],
  where: { readonly scenario: Scenario; readonly filesystem: string },
  cell: typeof timeOf = timeOf,
): string {
  const sizes = sizesOf(results, where.scenario, where.filesystem);
  const ids = (Object.keys(titles) as ContestantId[]).filter((id) =>
    sizes.some((size) => medianOf(results, { ...where, size, contestant: id }) !== null),
  );
  if (ids.length === 0) return '';
  const head = ['', ...sizes.map((size) => (size === 1 ? 'time' : setTitle(size)))];
  const rows = ids.map((id) => [
    titles[id],
    ...sizes.map((size) => cell(results, { ...where, size, contestant: id })),
  ]);
  return markdown(head, rows);
}

function timeOf(results: readonly Result[], key: Parameters<typeof medianOf>[1]): string {
  const value = medianOf(results, key);
  return value === null ? '' : precise(value);
}

function loadOf(results: readonly Result[], key: Parameters<typeof medianOf>[1]): string {
  const peak = medianOf(results, key, ({ peakMegabytes }) => peakMegabytes);
  const processor = medianOf(
    results,
    key,
    ({ userMilliseconds, systemMilliseconds }) => userMilliseconds + systemMilliseconds,
  );
  return peak === null || processor === null ? '' : `${peak.toFixed(0)} / ${precise(processor)}`;
}

function callSections(counts: readonly CallCount[]): readonly string[] {
  if (counts.length === 0) return [];
  const names = [
    'linkat',
    'link',
    'mkdir',
    'openat',
    'statx',
    'newfstatat',
    'getdents64',
    'execve',
  ];
  const totals = counts.map(({ what, contestant, distributions, calls }) => [
    what,
    titles[contestant as ContestantId],
    String(distributions),
    ...names.map((name) => String(calls[name] ?? 0)),
    String(sum(calls)),
    precise(sum(calls) / distributions),
  ]);
  const head = ['', '', 'Distributions', ...names, 'all', 'all, per distribution'];
  return [
    '## System calls',
    'Counted by `strace -f -c`, all threads and processes. A few more or less come from run to run where threads wait for each other.',
    markdown(head, totals),
  ];
}

function sum(calls: Readonly<Record<string, number>>): number {
  return Object.values(calls).reduce((total, count) => total + count, 0);
}

function method({ rounds }: Results): readonly string[] {
  return [
    [
      `The contestants of a scenario run in turn, one after the other, each round beginning with the next of them: one round that does not count, then ${rounds}. Who takes longer than 8 s runs in three. A time is from the start of a process to its end (\`bench/stopwatch.py\`), a ratio that of two medians.`,
      'All caches are warm but in the scenarios that say that nothing is known. Not in the times: making environments (copies of one that `python3 -m venv` made, with the paths in its scripts set right), filling caches, removing what was made. After each run the distributions in the environment are counted.',
      'All of a scenario lies on one file system, but for “another volume”, which is a second one in memory where that can be mounted. `cp -al` copies the environment that pip made, pip itself and bytecode included.',
      'pip-accel and pip put bytecode in place, uv does not unless told to; rows say which. pip-accel takes it out of its store, where pip and `uv --compile-bytecode` compile it each time.',
      'pip and pip-accel ask an index on loopback that passes on what the real one has, at once and with the headers that let pip keep it. uv runs `--offline` but where it says that its pages are out of date: these are put back before each run, and it asks the index itself.',
      'Commands get nothing of the settings of the machine but how to reach an index. `NODE_EXTRA_CA_CERTS` is left out: with it Node 20 reads certificates at each start.',
      'Nothing to do: the environment was filled some seconds ago, and asked once since.',
      'The sets are lock files in `bench/sets/`, all wheels; the generated distributions come from `bench/generate_wheels.py`.',
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
  ];
}

function sizesOf(
  results: readonly Result[],
  scenario: Scenario,
  filesystem: string,
): readonly number[] {
  const sizes = results
    .filter((result) => result.scenario === scenario && result.filesystem === filesystem)
    .map(({ size }) => size);
  return [...new Set(sizes)].sort((left, right) => left - right);
}

function setTitle(size: number): string {
  return `${size}: ${readSet(size).title}`;
}

export function precise(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
