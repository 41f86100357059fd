import type { IndexKind } from '../far-index.ts';
import { pipVersion } from '../place.ts';

export type Tool = 'pip' | 'pip-accel' | 'uv';

/** What a tool has kept when it is started. */
export type Kept =
  | 'nothing'
  /** All of the set, installed from the same index. */
  | 'all'
  /** All of the set, one distribution of it in an older version. */
  | 'all but one';

/** Work that is measured before a far index. */
export interface Row {
  readonly title: string;
  readonly index: IndexKind;
  readonly pip: string;
  readonly pinned: boolean;
  readonly entrants: readonly RowEntrant[];
}

export interface RowEntrant {
  readonly tool: Tool;
  readonly words: readonly string[];
  readonly kept: Kept;
  /** pip-accel takes at most so much of the time of this one. */
  readonly atMost?: number;
  /** Where the distributions go. */
  readonly into: 'environment' | 'folder' | 'nowhere';
}

/** The last 24.x. */
const earlierPip = '24.3.1';

const dry = ['install', '--dry-run', '--ignore-installed', '--quiet', '--report', '/dev/null'];

const rows = {
  'decide-pinned': row('a dry run', { pinned: true }, dryRun(0.2)),
  'decide-unpinned': row('a dry run', {}, dryRun(0.25)),
  'decide-bare': row(
    'a dry run, an index without PEP 658',
    { pinned: true, index: 'bare' },
    dryRun(0.2),
  ),
  'decide-pip-24': row(
    `a dry run, pip ${earlierPip}`,
    { pinned: true, pip: earlierPip },
    dryRun(0.2),
  ),
  'decide-bare-unpinned': row(
    'a dry run, an index without PEP 658',
    { index: 'bare' },
    dryRun(0.2),
  ),
  'decide-pip-24-unpinned': row(`a dry run, pip ${earlierPip}`, { pip: earlierPip }, dryRun(0.2)),
  pinned: row('cold', { pinned: true }, [ours(), pip(0.3), uv(1, '--compile-bytecode')]),
  unpinned: row('cold', {}, [ours(), pip(0.3), uv(1.2, '--compile-bytecode')]),
  'unpinned-bare': row('cold, an index without PEP 658', { index: 'bare' }, [ours(), pip(0.3)]),
  'unpinned-pip-24': row(`cold, pip ${earlierPip}`, { pip: earlierPip }, [
    ours(),
    pip(0.3),
    uv(1.2, '--compile-bytecode'),
  ]),
  'pinned-no-compile': row('cold, no bytecode', { pinned: true }, [
    ours({ words: ['install', '--no-compile'] }),
    uv(1.3),
  ]),
  'unpinned-no-compile': row('cold, no bytecode', {}, [
    ours({ words: ['install', '--no-compile'] }),
    uv(2),
  ]),
  'changed-pin': row(
    'one changed pin, the rest in the store, pages out of date',
    { pinned: true, index: 'brief' },
    [ours({ kept: 'all but one' }), { ...uv(1), kept: 'all but one' }],
  ),
  revalidated: row('the decision is out of date, nothing has changed', { index: 'brief' }, [
    ours({ kept: 'all' }),
    { ...pip(0.05), kept: 'all' },
    { ...uv(0.5, '--refresh'), kept: 'all' },
  ]),
  'handed-over': row('`--target`, archives in the store', { pinned: true }, [
    ours({ kept: 'all', into: 'folder' }),
    { ...pip(0.7), into: 'folder' },
  ]),
} as const satisfies Record<string, Row>;

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as RowName[];

export function rowOf(name: RowName): Row {
  return rows[name];
}

function row(
  title: string,
  where: Partial<Pick<Row, 'index' | 'pip' | 'pinned'>>,
  entrants: readonly RowEntrant[],
): Row {
  return { title, index: 'simple', pip: pipVersion, pinned: false, ...where, entrants };
}

function ours(others: Partial<RowEntrant> = {}): RowEntrant {
  return { tool: 'pip-accel', words: ['install'], kept: 'nothing', into: 'environment', ...others };
}

function pip(atMost: number): RowEntrant {
  return { ...ours(), tool: 'pip', atMost };
}

function uv(atMost: number, ...words: readonly string[]): RowEntrant {
  return { ...ours(), tool: 'uv', words: ['pip', 'install', ...words], atMost };
}

function dryRun(atMost: number): readonly RowEntrant[] {
  const words = { words: dry, into: 'nowhere' } as const;
  return [ours(words), { ...pip(atMost), ...words }];
}
