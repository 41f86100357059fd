import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { choose } from '../options.ts';
import { knownSizes } from '../sets.ts';
import type { RowResult } from './results.ts';
import { type RowName, rowNames, rowOf } from './rows.ts';

export interface GatewayOptions {
  readonly sizes: readonly number[];
  readonly rows: readonly RowName[];
  readonly rounds: number;
  /** Before a copy of the index that seems to be far away, or the index itself. */
  readonly index: RowResult['index'];
  /** What is kept of the other index, for later runs. */
  readonly cache: string;
  /** Where the measured times are, and go; like all paths here as seen from the repository. */
  readonly json: string;
  /** Where benchmarks-network.md goes; null for nowhere. */
  readonly docs: string | null;
  /** Shows what was measured before. */
  readonly isShown: boolean;
}

const usage = `npm run bench:gateway -- [OPTION]...

  --sets 40,97
      Sets to install, by the number of their distributions.
  --scenarios ${rowNames.join(',')}
      What is done with them.
  --rounds 5
      How often each tool runs; who takes longer than 8 s runs three times.
  --itself
      Before the index itself, as far away as it is, what can be measured there.
  --json .tmp/bench-gateway.json
      Keeps every measured time, after each row. Rows that it has of earlier runs
      stay until they are measured again.
  --docs docs
      The folder for benchmarks-network.md; \`none\` writes none.
  --cache FOLDER
      Keeps what the other index has.
  --show
      Measures nothing, and shows what --json has.
  --help
`;

/** The options, or null where all that was asked for is help. @throws Error for what is no option. */
export function readOptions(words: readonly string[]): GatewayOptions | null {
  const { values } = parseArgs({
    args: [...words],
    options: {
      sets: { type: 'string', default: '40,97' },
      scenarios: { type: 'string', default: rowNames.join(',') },
      rounds: { type: 'string', default: '5' },
      json: { type: 'string', default: join('.tmp', 'bench-gateway.json') },
      docs: { type: 'string', default: 'docs' },
      cache: { type: 'string', default: join(homedir(), '.cache', 'pip-accel-bench') },
      itself: { type: 'boolean', default: false },
      show: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return null;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number');
  const rows = choose(values.scenarios, rowNames, '--scenarios');
  return {
    sizes: choose(values.sets, knownSizes.map(String), '--sets').map(Number),
    rows: values.itself ? rows.filter((row) => rowOf(row).index === 'simple') : rows,
    rounds,
    index: values.itself ? 'itself' : 'copy',
    cache: values.cache,
    json: values.json,
    docs: values.docs === 'none' ? null : values.docs,
    isShown: values.show,
  };
}
