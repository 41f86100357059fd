import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixtures } from '../cli/fixtures.ts';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { differences, type Tree } from '../install/site.ts';
import {
  countKinds,
  type Fault,
  Faults,
  type Outcome,
  type Point,
  type Run,
  samplePoints,
  State,
} from './faults.ts';
import { faultsOf, leftoversOf } from './wholeness.ts';

const isLong = process.env['FAULT_POINTS'] === 'all';

let fixtures: Fixtures;
let sandbox: Sandbox;
let faults: Faults;
let store: State;
beforeAll(() => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  // What every build needs is there, as on a machine that has built before.
  const { exitCode } = sandbox.accel(['install', '--find-links', fixtures.index, 'fx-pyproject']);
  expect(exitCode).toBe(0);
  sandbox.run([join(sandbox.venv, 'bin', 'pip'), 'uninstall', '-qy', 'fx-pyproject', 'fx-pure']);
  for (const folder of ['decisions', 'tmp', 'locks']) {
    rmSync(join(sandbox.cache, folder), { recursive: true, force: true });
  }
  sandbox.keepEnvironment();
  store = new State(sandbox.cache);
  faults = new Faults([sandbox.cache]);
});
afterAll(() => {
  faults[Symbol.dispose]();
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

function startOver(): void {
  store.restore();
  sandbox.resetEnvironment();
}

const runOf = (name: string): Run => ({
  command: [executable, 'install', '--find-links', fixtures.index, name],
  environment: { ...sandbox.environment, PIP_ACCEL_CACHE: sandbox.cache },
  cwd: sandbox.root,
});

interface Undisturbed {
  readonly points: readonly Point[];
  readonly tree: Tree;
}

const recorded = new Map<string, Undisturbed>();

async function undisturbed(name: string): Promise<Undisturbed> {
  const known = recorded.get(name);
  if (known) return known;
  startOver();
  const { exitCode, points } = await faults.record(runOf(name));
  expect(exitCode).toBe(0);
  const made = { points, tree: sandbox.snapshot() };
  recorded.set(name, made);
  return made;
}

/** What is wrong after a run that did not end well: the store has to be whole, and the next run to end as if nothing had been. */
async function harmOf(run: Run, tree: Tree): Promise<string[]> {
  const broken = faultsOf(sandbox.cache);
  sandbox.resetEnvironment();
  const { exitCode, stderr } = await faults.record(run);
  return [
    ...broken,
    ...(exitCode === 0 && stderr === '' ? [] : [`exit code ${exitCode}: ${stderr}`]),
    ...differences(sandbox.snapshot(), tree),
    ...faultsOf(sandbox.cache),
    ...leftoversOf(sandbox.cache),
  ];
}

/** What is wrong with what a run that met an error said and did. */
function wrongsOf({ exitCode, stderr }: Outcome, tree: Tree): string[] {
  const isTrace = /^\s+at /m.test(stderr);
  const warnings = stderr.match(/^WARNING: /gm)?.length ?? 0;
  const isSilent = exitCode !== 0 && !/^ERROR: .+/m.test(stderr);
  return [
    ...(isTrace || warnings > 1 || isSilent ? [`exit code ${exitCode}: ${stderr}`] : []),
    ...(exitCode === 0 ? differences(sandbox.snapshot(), tree) : []),
  ];
}

const nameOf = ({ ordinal, call, path }: Point) => `${ordinal} ${call} ${path}`;

/** With how many points of each matrix a bounded run does, and a long one. */
const archives = [
  ['a wheel', 'fx-own-a==1.0', { kills: { some: 16, most: 400 }, faults: { some: 3, most: 60 } }],
  [
    'an sdist',
    'fx-src-layout==1.0',
    { kills: { some: 8, most: 400 }, faults: { some: 1, most: 20 } },
  ],
] as const;

describe.each(archives)('killed while %s is published', (_kind, name, bounds) => {
  test('at any change of the data directory, it stays whole and the next run finishes', async () => {
    const run = runOf(name);
    const { points, tree } = await undisturbed(name);
    const tried: Point[] = [];
    const failures: Record<string, readonly string[]> = {};
    for (const ordinal of samplePoints(points, bounds.kills.some, bounds.kills.most)) {
      startOver();
      const { hit, signal } = await faults.killAt(ordinal, run);
      // The order of threads may make a run a little shorter.
      if (hit === null || signal !== 'SIGKILL') continue;
      tried.push(hit);
      const harm = await harmOf(run, tree);
      if (harm.length > 0) failures[nameOf(hit)] = harm;
    }
    console.log(`${tried.length} of ${points.length} points: ${JSON.stringify(countKinds(tried))}`);
    expect(failures).toEqual({});
    expect(tried.length).toBeGreaterThan(bounds.kills.some / 2);
  });
});

const errors = ['ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EMLINK', 'EXDEV'] as const;

/** Which calls can fail so (`man 2`). */
const failing: Readonly<Record<Fault['errno'], readonly string[]>> = {
  ENOSPC: ['open', 'write', 'mkdir', 'rename', 'fsync', 'symlink', 'truncate', 'link'],
  EDQUOT: ['open', 'write', 'mkdir', 'rename', 'fsync', 'symlink', 'truncate', 'link'],
  EIO: ['open', 'write', 'fsync', 'rename', 'unlink', 'mkdir', 'chmod', 'utimens'],
  EROFS: ['open', 'mkdir', 'rename', 'unlink', 'rmdir', 'chmod', 'utimens', 'symlink', 'truncate'],
  EACCES: ['open', 'mkdir', 'rename', 'unlink', 'rmdir', 'chmod', 'utimens', 'symlink'],
  EMLINK: ['mkdir', 'rename', 'link'],
  EXDEV: ['rename', 'link'],
};

describe.each(archives)('while %s is published', (_kind, name, bounds) => {
  test.each(errors)(
    '%s at any change is no more than a warning, or a clear error',
    async (errno) => {
      const run = runOf(name);
      const { points, tree } = await undisturbed(name);
      const calls = failing[errno];
      const candidates = points.filter(({ call }) => calls.includes(call));
      const tried: Point[] = [];
      const failures: Record<string, readonly string[]> = {};
      for (const at of samplePoints(candidates, bounds.faults.some, bounds.faults.most)) {
        for (const lasts of isLong ? [false, true] : [at % 2 === 0]) {
          startOver();
          const outcome = await faults.failAt({ errno, at, lasts, calls }, run);
          if (outcome.hit === null) continue;
          tried.push(outcome.hit);
          const wrongs = [...wrongsOf(outcome, tree), ...(await harmOf(run, tree))];
          if (wrongs.length > 0) failures[`${nameOf(outcome.hit)}, lasts: ${lasts}`] = wrongs;
        }
      }
      console.log(`${errno}: ${tried.length} points: ${JSON.stringify(countKinds(tried))}`);
      expect(failures).toEqual({});
      expect(tried.length).toBeGreaterThan(0);
    },
  );
});
