import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeOutcome, type Outcome } from './command.ts';
import { differences, varyingFiles, type Varying } from './difference.ts';
import { Bench, forgetBuiltWheels } from './environment.ts';
import { interpreterAt } from './interpreters.ts';
import { settings } from './settings.ts';
import { archivesAndLogs, binaries } from './store.ts';
import { snapshot, staleBytecode, type Snapshot } from './tree.ts';

/** The pip whose work is the measure. */
const PIP = 'pip==26.3';

/** Distributions that are installed together. */
export interface Group {
  readonly title: string;
  /** What stands behind `install`; no path in it is relative. */
  readonly words: readonly string[];
  /** Those that have to be built: the names of `--no-binary`. */
  readonly built: readonly string[];
  /** For pip and pip-accel alike. */
  readonly variables?: Readonly<Record<string, string>>;
}

/**
 * Defines the tests by which a group is the same from pip-accel as from pip: installed, removed
 * by pip, and installed again without a network and a compiler.
 */
export function describeSameAsPip(group: Group): void {
  const { title, words, built, variables = {} } = group;
  describe(title, () => {
    const install = ['install', ...words];
    let bench: Bench;
    /** What pip makes of the group, and what its own uninstall leaves of it. */
    let installedByPip: Snapshot;
    let remainsOfPip: Snapshot;
    let varying: Varying = new Set();
    let names: readonly string[] = [];
    let uninstallSaid = '';

    beforeAll(async () => {
      const python = await interpreterAt(settings.python);
      if (!python) throw new Error(`${settings.python} is no Python`);
      const name = `pypi-${title.replaceAll(/\W+/g, '-')}`;
      bench = new Bench(name, { create: [python.executable, '-m', 'venv'], tools: [PIP] });
    });
    afterAll(() => bench.dispose());

    test('pip installs them, and uninstalls them again', async () => {
      await bench.renew();
      const caches = [bench.cache('pip-cache'), bench.cache('pip-cache-again')] as const;
      if (built.length > 0) await buildTwice(bench, group, caches);

      expectSuccess(await bench.pip(install, { variables }));
      installedByPip = await snapshot(bench.prefix);
      names = await bench.installed();
      uninstallSaid = await uninstall(bench, names);
      remainsOfPip = await snapshot(bench.prefix);

      if (built.length > 0) {
        await bench.renew();
        const other = { ...variables, PIP_CACHE_DIR: caches[1] };
        expectSuccess(await bench.pip(install, { variables: other }));
        const again = await snapshot(bench.prefix);
        varying = varyingFiles(installedByPip, again);
        console.log(`not the same when pip builds twice: ${[...varying].join(' ') || 'nothing'}`);
        expect(differences(installedByPip, again, varying)).toEqual([]);
      }
      for (const cache of caches) await forgetBuiltWheels(cache);
    });

    test('pip-accel makes the same tree', async () => {
      await bench.renew();
      const outcome = await bench.accelerate(install, { variables });
      expectSuccess(outcome);
      console.log(`${title}: ${outcome.seconds.toFixed(1)} s with an empty store`);

      const tree = await snapshot(bench.prefix);
      expect(differences(installedByPip, tree, varying)).toEqual([]);
      expect(await staleBytecode(bench.prefix, tree)).toEqual([]);
      expect(await unbuilt(bench.store, built)).toEqual([]);
    });

    test('pip uninstalls each of them, and leaves what it leaves of its own', async () => {
      expect(await bench.installed()).toEqual(names);
      const said = await uninstall(bench, names);
      expect(differences(remainsOfPip, await snapshot(bench.prefix))).toEqual([]);
      expect(said).toBe(uninstallSaid);
    });

    test('without a network and a compiler pip-accel makes the same tree again', async () => {
      await bench.renew();
      const before = await archivesAndLogs(bench.store);
      const outcome = await bench.accelerate(install, {
        offline: true,
        variables: {
          ...variables,
          CC: '/bin/false',
          CXX: '/bin/false',
          // Nothing may come out of what pip itself keeps.
          PIP_CACHE_DIR: path.join(bench.folder, 'empty-pip-cache'),
        },
      });
      expectSuccess(outcome);
      console.log(`${title}: ${outcome.seconds.toFixed(1)} s out of the store`);

      const tree = await snapshot(bench.prefix);
      expect(differences(installedByPip, tree, varying)).toEqual([]);
      expect(await staleBytecode(bench.prefix, tree)).toEqual([]);
      expect(await archivesAndLogs(bench.store)).toEqual(before);
    });
  });
}

/**
 * pip builds the sdists of the group twice, side by side to save time, into two caches of built
 * wheels: what it installs out of one and the other shows which bytes a build does not repeat.
 */
async function buildTwice(
  bench: Bench,
  { words, variables = {} }: Group,
  caches: readonly string[],
): Promise<void> {
  const outcomes = await Promise.all(
    caches.map(async (cache, index) => {
      await forgetBuiltWheels(cache);
      const folder = path.join(bench.folder, `built-${index}`);
      const args = ['wheel', '--no-deps', '--wheel-dir', folder, ...words];
      return bench.pip(args, { variables: { ...variables, PIP_CACHE_DIR: cache } });
    }),
  );
  for (const outcome of outcomes) expectSuccess(outcome);
}

/** All in one command, in the same order each time: order decides which folders are left behind. */
async function uninstall(bench: Bench, names: readonly string[]): Promise<string> {
  const outcome = await bench.pip(['uninstall', '--yes', ...names]);
  expectSuccess(outcome);
  expect(await bench.installed()).toEqual([]);
  return outcome.stdout;
}

/** The names of which the store has no build: they were not built by it. */
async function unbuilt(store: string, names: readonly string[]): Promise<readonly string[]> {
  const built = (await binaries(store)).map((name) => normalize(path.basename(name)));
  return names.filter((name) => !built.some((file) => file.startsWith(`${normalize(name)}:`)));
}

/** PEP 503. */
function normalize(name: string): string {
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}

function expectSuccess(outcome: Outcome): void {
  expect(outcome.exitCode, describeOutcome(outcome)).toBe(0);
}
