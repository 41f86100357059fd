/**
 * `npm run bench`: pip-accel beside pip, uv and `cp -al`, measured in turn. Writes
 * docs/benchmarks.md and docs/benchmarks.svg. `npm run bench -- --help` tells how to run parts.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { judge } from './acceptance.ts';
import { presentForms } from './contestants.ts';
import { measure } from './campaign.ts';
import { type Options, readOptions } from './options.ts';
import { chartOf, document, verdictTable } from './report.ts';
import type { Results } from './results.ts';

const repository = dirname(import.meta.dirname);

const options = readOptions(process.argv.slice(3));
if (options) {
  const results = options.from
    ? (JSON.parse(readFileSync(options.from, 'utf8')) as Results)
    : await measure(options, presentForms(), (results) => keep(options, results));
  const notes = options.note ? [options.note, ...results.notes] : results.notes;
  keep(options, results);
  write(options, { ...results, notes });
}

function keep({ json }: Options, results: Results): void {
  if (json) writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
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
