import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeOutcome, type Outcome } from './harness/command.ts';
import { differences } from './harness/difference.ts';
import { Bench } from './harness/environment.ts';
import { interpreterAt } from './harness/interpreters.ts';
import { settings } from './harness/settings.ts';
import { archivesAndLogs } from './harness/store.ts';
import { snapshot, staleBytecode, type Snapshot } from './harness/tree.ts';

/** The pip and the sets of `npm run bench`: what is measured there has to be the same tree here. */
const PIP = 'pip==26.3';
const folder = path.join(import.meta.dirname, '../../bench/sets');

const sets = readdirSync(folder).filter((file) => file.endsWith('.txt'));

describe.each(sets)('the set %s', (file) => {
  const words = ['install', '-r', path.join(folder, file)];
  let bench: Bench;
  let installedByPip: Snapshot;

  beforeAll(async () => {
    const python = await interpreterAt(settings.python);
    if (!python) throw new Error(`${settings.python} is no Python`);
    bench = new Bench(`set-${path.parse(file).name}`, {
      create: [python.executable, '-m', 'venv'],
      tools: [PIP],
    });
    await bench.renew();
    expectSuccess(await bench.pip(words));
    installedByPip = await snapshot(bench.prefix);
  });
  afterAll(() => bench.dispose());

  test('pip-accel makes the tree of pip with an empty store', async () => {
    await bench.renew();
    expectSuccess(await bench.accelerate(words));
    await expectTreeOfPip();
  });

  test('pip-accel makes the tree of pip out of what it remembers, without a network', async () => {
    await bench.renew();
    const before = await archivesAndLogs(bench.store);
    const outcome = await bench.accelerate(words, {
      offline: true,
      // Nothing may come out of what pip itself keeps.
      variables: { PIP_CACHE_DIR: path.join(bench.folder, 'empty-pip-cache') },
    });
    expectSuccess(outcome);
    console.log(`${file}: ${outcome.seconds.toFixed(2)} s out of the store`);
    await expectTreeOfPip();
    expect(await archivesAndLogs(bench.store)).toEqual(before);
  });

  async function expectTreeOfPip(): Promise<void> {
    const tree = await snapshot(bench.prefix);
    expect(differences(installedByPip, tree)).toEqual([]);
    expect(await staleBytecode(bench.prefix, tree)).toEqual([]);
  }
});

function expectSuccess(outcome: Outcome): void {
  expect(outcome.exitCode, describeOutcome(outcome)).toBe(0);
}
