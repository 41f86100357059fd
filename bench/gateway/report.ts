import { duration } from '../chart.ts';
import { median } from '../measure.ts';
import { kept, markdown, precise } from '../report.ts';
import { readSet } from '../sets.ts';
import type { Asked, RowResult } from './results.ts';
import { type RowEntrant, rowOf, type Tool } from './rows.ts';

/** docs/benchmarks-network.md */
export function document(results: readonly RowResult[]): string {
  return [
    '# Benchmarks over a network',
    'Written by `npm run bench:gateway`. `npm run bench:gateway -- --help` tells how to run parts of it; rows that are measured again take the place of what they were.',
    verdictTable(results.filter(({ index }) => index === 'copy')),
    ...beforePyPI(results.filter(({ index }) => index === 'itself')),
    '## How it is measured',
    method.map((line) => `- ${line}`).join('\n'),
    '## The machine',
    machines(results),
    '',
  ].join('\n\n');
}

function beforePyPI(results: readonly RowResult[]): readonly string[] {
  if (results.length === 0) return [];
  return [
    '## Before PyPI itself',
    'Times depend on the day and the way to it.',
    verdictTable(results),
  ];
}

/** A line for each of those that pip-accel is measured against. */
export function verdictTable(results: readonly RowResult[]): string {
  const head = [
    'What',
    'Set',
    'Ours',
    'Against',
    'Ratio',
    'At most',
    'Kept',
    'Requests',
    'MB',
    'Spare',
  ];
  return markdown(head, results.flatMap(linesOf));
}

function linesOf(result: RowResult): readonly (readonly string[])[] {
  const { row, size, asked } = result;
  const { title, pinned, entrants } = rowOf(row);
  const ours = timeOf(result, 'pip-accel');
  return entrants.flatMap((entrant) => {
    const { tool, atMost } = entrant;
    if (atMost === undefined) return [];
    const theirs = timeOf(result, tool);
    const ratio = ours / theirs;
    return [
      [
        `${title}, ${pinned ? 'pinned' : 'unpinned'}`,
        `${size}: ${readSet(size).title}`,
        duration(ours),
        `${commandOf(entrant)}: ${duration(theirs)}`,
        precise(ratio),
        String(atMost),
        kept(ratio, atMost),
        ...(asked ? askedCells(asked) : ['', '', '']),
      ],
    ];
  });
}

function askedCells({ count, bytes, spare }: Asked): readonly string[] {
  const share = spare === null || bytes === 0 ? '' : `${((spare / bytes) * 100).toFixed(1)} %`;
  return [String(count), (bytes / 1e6).toFixed(1), share];
}

/** The median, in milliseconds. */
function timeOf({ samples }: RowResult, tool: Tool): number {
  return median((samples[tool] ?? []).map(({ milliseconds }) => milliseconds));
}

function commandOf({ tool, words }: RowEntrant): string {
  if (tool !== 'uv') return tool;
  return `\`${['uv', ...words].join(' ')}\``;
}

const method = [
  'The index is on loopback and has the files of PyPI, with pages in JSON and metadata beside wheels; it seems to be 50 ms away there and back, two round trips until a connection is open, with 20 MB/s on each (`bench/distance.ts`).',
  'The tools run in turn, as in [benchmarks.md](benchmarks.md); times are medians of the wall time. pip-accel is the standalone executable.',
  'Cold: nothing is kept, and the environment is new. Making environments and filling what is kept beforehand is not in the times; after each run the distributions are counted. All lies on one file system, temporary files too: in memory, where `/dev/shm` is there.',
  'Pinned: every distribution of the set with its version (`bench/sets/*.txt`). Unpinned: what somebody asks for who wants them, without versions (`bench/sets/*.in`): of jupyter’s 97 one line.',
  'Pages out of date: the index says that they hold for a second, and each run begins later than that, as with pages that hold for ten minutes after these.',
  'One changed pin: all of the set was installed with an older version of one distribution; each run begins with a copy of what was kept then.',
  'Requests and MB are what the index was asked by the last run of pip-accel; spare are the bytes of archives and metadata of what was not installed then.',
];

/** Rows that were measured apart may be of another tree, or another day. */
function machines(results: readonly RowResult[]): string {
  const described = results.map(({ machine }) =>
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join('; '),
  );
  return [...new Set(described)]
    .map((text) => {
      const rows = results.filter((_result, at) => described[at] === text);
      return `- ${text}; ${rows.map(({ row, size }) => `${row} ${size}`).join(', ')}`;
    })
    .join('\n');
}
