import { parseArgs } from 'node:util';
import { scenarios, type Scenario } from './results.ts';
import { knownSizes } from './sets.ts';

export interface Options {
  readonly sizes: readonly number[];
  /** `calls` counts system calls, and is timed nowhere. */
  readonly scenarios: readonly (Scenario | 'calls')[];
  readonly rounds: number;
  readonly filesystems: readonly FileSystem[];
  readonly withPip: boolean;
  /** Where the raw results go. */
  readonly json: string | null;
  /** Where benchmarks.md and benchmarks.svg go. */
  readonly docs: string | null;
  /** Results of an earlier run, to be shown instead of measuring. */
  readonly from: string | null;
  /** What a reader should know of this run. */
  readonly note: string | null;
}

/** Memory where there is one, and the volume of the repository. */
export type FileSystem = 'tmpfs' | 'disk';

const all = [...(Object.keys(scenarios) as Scenario[]), 'calls' as const];

const usage = `npm run bench -- [OPTION]...

  --sets ${knownSizes.join(',')}
      Sets to install, by the number of their distributions.
  --scenarios ${all.join(',')}
      What is done with them; \`calls\` counts system calls.
  --rounds 7
      How often each contestant runs. Growth takes three times as many.
  --filesystem tmpfs,disk
      Where: in memory, on the volume of the repository. What comes second is done for
      fresh environments and no-ops only, without pip.
  --without-pip
      Leaves out pip, which takes most of the time.
  --docs docs
      The folder for benchmarks.md and benchmarks.svg; \`none\` writes neither.
  --json FILE
      Keeps every measured time. What the file has of earlier runs stays until it
      is measured again.
  --from FILE
      Measures nothing, and shows what was written to a file by --json.
  --note TEXT
      Something to know about this run, for benchmarks.md.
  --help
`;

/** The options, or null where all that was asked for is help. @throws Error for what is no option. */
export function readOptions(words: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...words],
    options: {
      sets: { type: 'string', default: knownSizes.join(',') },
      scenarios: { type: 'string', default: all.join(',') },
      rounds: { type: 'string', default: '7' },
      filesystem: { type: 'string', default: 'tmpfs,disk' },
      'without-pip': { type: 'boolean', default: false },
      docs: { type: 'string', default: 'docs' },
      json: { type: 'string' },
      from: { type: 'string' },
      note: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return null;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number');
  return {
    sizes: choose(values.sets, knownSizes.map(String), '--sets').map(Number),
    scenarios: choose(values.scenarios, all, '--scenarios'),
    rounds,
    filesystems: choose(values.filesystem, ['tmpfs', 'disk'], '--filesystem'),
    withPip: !values['without-pip'],
    json: values.json ?? null,
    from: values.from ?? null,
    note: values.note ?? null,
    docs: values.docs === 'none' ? null : values.docs,
  };
}

export function choose<Choice extends string>(
  text: string,
  choices: readonly Choice[],
  option: string,
): readonly Choice[] {
  return text.split(',').map((word) => {
    const found = choices.find((choice) => choice === word);
    if (found === undefined) {
      throw new Error(`${option}: no ${word}; there are ${choices.join(', ')}`);
    }
    return found;
  });
}
