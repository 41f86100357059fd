import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeOutcome, type Outcome } from './harness/command.ts';
import { Bench } from './harness/environment.ts';
import { makeFixtures } from './harness/fixtures.ts';
import { minor } from './harness/interpreters.ts';
import { virtualEnvironmentRows, type Row } from './harness/rows.ts';
import { settings } from './harness/settings.ts';

/** The oldest that is supported, one of those whose setuptools still fetches eggs, and the newest. */
const all = await virtualEnvironmentRows();
const newest = Math.max(...all.map(({ interpreter }) => minor(interpreter)));
const rows = all.filter(
  ({ interpreter, title }) =>
    [207, 308, newest].includes(minor(interpreter)) && settings.rows.test(title),
);

describe.each(rows.map((row): [string, Row] => [row.title, row]))('%s', (_title, row) => {
  const bench = new Bench('setup-requires', row.spec);
  afterAll(() => bench.dispose());
  const log = path.join(bench.folder, 'builds');

  /** How often setup.py of the helper was run to build it, by whomsoever. */
  async function runs(): Promise<number> {
    const text = await readFile(log, 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line.startsWith('fx-build-helper ')).length;
  }

  let index: Record<string, string> = {};

  async function install(...words: readonly string[]): Promise<void> {
    await bench.renew();
    const folder = path.join(bench.folder, 'fixtures');
    // Once: a decision rests on the files of the folder as they are.
    if (!index['PIP_NO_INDEX']) index = await makeFixtures(folder, bench.python, bench.options);
    // pip's own cache of what it built would be another reason.
    const variables = { ...index, FX_BUILD_LOG: log, PIP_NO_CACHE_DIR: '1' };
    const outcome: Outcome = await bench.accelerate(['install', ...words], { variables });
    expect(outcome.exitCode, describeOutcome(outcome)).toBe(0);
  }

  test('what setup_requires names is built once, for all environments and projects', async () => {
    await install('fx-setup-requires==1.0');
    const first = await runs();
    expect(first).toBeGreaterThan(0);

    await install('--offline', 'fx-setup-requires==1.0');
    expect(await runs()).toBe(first);

    await install('--offline', 'fx-setup-requires-too==1.0');
    expect(await runs()).toBe(first);
  });
});
