/**
 * `npm run bench:gateway`: what needs the network, before an index 50 ms away, beside pip and uv.
 * Writes docs/benchmarks-network.md after each row. `npm run bench:gateway -- --help` tells how to
 * run parts.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { presentForms } from './contestants.ts';
import { FarIndex, IndexItself, type MeasuredIndex } from './far-index.ts';
import { Contest } from './gateway/contest.ts';
import { type GatewayOptions, readOptions } from './gateway/options.ts';
import { document, verdictTable } from './gateway/report.ts';
import { readResults, type RowResult, withResult, writeResults } from './gateway/results.ts';
import { type RowName, rowOf } from './gateway/rows.ts';
import { describeMachine, indexOfPip } from './machine.ts';
import { type Entrant, race, Stopwatch } from './measure.ts';
import { Place } from './place.ts';
import { readSet } from './sets.ts';

const memory = '/dev/shm';

process.chdir(dirname(import.meta.dirname));

const options = readOptions(process.argv.slice(3));
if (options?.isShown) write(options, readResults(options.json));
else if (options) await measureAll(options);

async function measureAll(options: GatewayOptions): Promise<void> {
  using place = await Place.make(existsSync(memory) ? memory : tmpdir());
  const upstream = await indexOfPip(place);
  using index =
    options.index === 'copy'
      ? await FarIndex.start(upstream, options.cache)
      : new IndexItself(upstream);
  using stopwatch = new Stopwatch(place.python, place.folder);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const held of [stopwatch, index, place]) held[Symbol.dispose]();
      process.exit(1);
    });
  }
  const machine = await describeMachine(place, presentForms());
  const means = { place, index, stopwatch, machine, rounds: options.rounds };
  for (const size of options.sizes) {
    for (const row of options.rows) {
      console.log(`${size} distributions: ${row}`);
      const measured = await measure(row, size, means);
      const result = { ...measured, index: options.index };
      // As it is by now: other rows may be measured by another process.
      const results = withResult(readResults(options.json), result);
      writeResults(options.json, results);
      write(options, results);
    }
  }
}

interface Means {
  readonly place: Place;
  readonly index: MeasuredIndex;
  readonly stopwatch: Stopwatch;
  readonly machine: RowResult['machine'];
  readonly rounds: number;
}

async function measure(
  name: RowName,
  size: number,
  means: Means,
): Promise<Omit<RowResult, 'index'>> {
  const { place, index, machine, ...how } = means;
  const row = rowOf(name);
  const contest = new Contest(place, index, row, readSet(size));
  const entrants: Entrant[] = [];
  for (const one of row.entrants) entrants.push(await contest.enter(one));
  const samples = Object.fromEntries(await race(entrants, how));
  contest.dispose();
  const asked = contest.asked.at(-1) ?? null;
  return { row: name, size, samples, asked, machine };
}

function write({ docs }: GatewayOptions, results: readonly RowResult[]): void {
  console.log(`\n${verdictTable(results)}\n`);
  if (docs === null) return;
  mkdirSync(docs, { recursive: true });
  writeFileSync(join(docs, 'benchmarks-network.md'), document(results));
}
