/**
 * `npm run bench`: pip-accel beside pip, uv and `cp -al`, measured in turn. Writes
 * docs/benchmarks.md and docs/benchmarks.svg. `npm run bench -- --help` tells how to run parts.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { judge } from './acceptance.ts';
import { presentForms } from './contestants.ts';
import { measure } from './campaign.ts';
import { type Options, readOptions } from './options.ts';
import { withOwnMounts } from './own-mounts.ts';
import { chartOf, document, verdictTable } from './report.ts';
import { type Results, withLater } from './results.ts';

const repository = dirname(import.meta.dirname);

const options = readOptions(process.argv.slice(3));
const exitCode = options && !options.from ? await withOwnMounts() : null;
if (exitCode !== null) process.exitCode = exitCode;
else if (options) {
  const results = options.from
    ? readResults(options.from)
    : await measure(options, presentForms(), (measured) => keep(options, measured));
  const notes = options.note ? [options.note, ...results.notes] : results.notes;
  write(options, { ...keep(options, results), notes });
}

/** Writes what was measured; tells it together with what the file had. */
function keep({ json }: Options, measured: Results): Results {
  if (!json) return measured;
  const results = existsSync(json) ? withLater(readResults(json), measured) : measured;
  writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
  return results;
}

function readResults(file: string): Results {
  return JSON.parse(readFileSync(file, 'utf8')) as Results;
}

function write({ docs }: Options, results: Results): void {
  const filesystem = results.results[0]?.filesystem ?? '';
  const verdicts = judge(results, filesystem);
  console.log(`\n${verdictTable(verdicts)}\n`);
  for (const note of results.notes) console.log(note);
  if (!docs) return;
  const folder = join(repository, docs);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'benchmarks.md'), document(results, verdicts));
  const chart = chartOf(results, filesystem);
  if (chart) writeFileSync(join(folder, 'benchmarks.svg'), chart);
  else rmSync(join(folder, 'benchmarks.svg'), { force: true });
}
