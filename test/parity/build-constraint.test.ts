import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeOutcome, type Outcome } from './harness/command.ts';
import { Bench } from './harness/environment.ts';
import { makeFixtures } from './harness/fixtures.ts';
import { interpreters, minor } from './harness/interpreters.ts';

/** pips that know --build-constraint, before and after 26.2, which keeps other constraints from builds. */
const pips = ['pip==25.3', 'pip==26.3'];
const [interpreter] = (await interpreters()).filter((found) => minor(found) >= 309).toReversed();

describe.runIf(interpreter !== undefined).each(pips)('%s', (pip) => {
  const create = [interpreter?.executable ?? '', '-m', 'venv'];
  const bench = new Bench('build-constraint', { create, tools: [pip] });
  afterAll(() => bench.dispose());
  const constraints = path.join(bench.folder, 'build-constraints.txt');
  const regular = path.join(bench.folder, 'constraints.txt');

  /** What the build got, with the words and variables of a case. */
  async function seen(by: 'pip' | 'accelerate', { words = [], variables = {} }: Case) {
    await bench.renew();
    const folder = path.join(bench.folder, 'fixtures');
    const index = await makeFixtures(folder, bench.python, bench.options);
    const line = ['install', ...words, 'fx-build-options==1.0'];
    const log = path.join(bench.folder, 'log.json');
    await writeFile(log, '');
    const how = {
      variables: { ...index, PIP_NO_CACHE_DIR: '1', PIP_ACCEL_LOG_FILE: log, ...variables },
    };
    const outcome: Outcome = await bench[by](line, how);
    expect(outcome.exitCode, describeOutcome(outcome)).toBe(0);
    expect(await readFile(log, 'utf8')).not.toContain('handed-over');
    const version = interpreter?.version ?? '';
    const package_ = path.join(bench.prefix, `lib/python${version}/site-packages/fx_build_options`);
    return JSON.parse(await readFile(path.join(package_, 'seen.txt'), 'utf8')) as unknown;
  }

  interface Case {
    readonly words?: readonly string[];
    readonly variables?: Readonly<Record<string, string>>;
  }

  test.each<[string, Case]>([
    ['--build-constraint', { words: ['--build-constraint', constraints] }],
    ['PIP_BUILD_CONSTRAINT', { variables: { PIP_BUILD_CONSTRAINT: constraints } }],
    ['PIP_CONSTRAINT', { variables: { PIP_CONSTRAINT: regular } }],
    [
      'both variables',
      { variables: { PIP_BUILD_CONSTRAINT: constraints, PIP_CONSTRAINT: regular } },
    ],
    ['-c', { words: ['-c', regular] }],
    ['nothing', {}],
  ])('%s means for a build what it means to pip', async (_name, given) => {
    await writeFile(constraints, 'fx-many<4\n');
    await writeFile(regular, 'fx-many!=3\n');
    const expected = await seen('pip', given);
    await bench.forget();
    expect(await seen('accelerate', given)).toEqual(expected);
  });
});
