import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { start } from '../gateway/run.ts';
import { until } from '../gateway/ahead-run.ts';
import { IndexServer } from './index-server.ts';
import { executable } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
const file = join(sandbox.root, 'timings.json');
let server: IndexServer;
beforeAll(async () => {
  server = await IndexServer.start(fixtures);
});
afterAll(() => server[Symbol.dispose]());
beforeEach(() => {
  rmSync(sandbox.cache, { recursive: true, force: true });
  rmSync(file, { force: true });
  server.delay({});
  // Else the facts of the Python would be asked for by the run that is looked at.
  sandbox.accel(['install', 'pip']);
});

interface Timed {
  readonly phase: string;
  readonly distribution: string | null;
  readonly version: string | null;
  readonly began: number;
  readonly ended: number;
}

interface Timings {
  readonly format: number;
  readonly began: string;
  readonly started: number;
  readonly ended: number;
  readonly exitCode: number | null;
  readonly phases: readonly Timed[];
}

function variables(others: Readonly<Record<string, string>> = {}): Record<string, string> {
  const index = { PIP_NO_INDEX: '', PIP_INDEX_URL: `${server.url}/json/` };
  return { ...index, PIP_CONFIG_FILE: '/dev/null', PIP_NO_CACHE_DIR: '1', ...others };
}

function install(...words: readonly string[]) {
  const line = ['install', '--timings', file, ...words];
  return sandbox.accel(line, { environment: variables() });
}

function read(): Timings {
  return JSON.parse(readFileSync(file, 'utf8')) as Timings;
}

/** The share of the time after the start in which some phase was under way. */
function coverage({ started, ended, phases }: Timings): number {
  let [covered, at] = [0, started];
  for (const stretch of phases.toSorted((left, right) => left.began - right.began)) {
    covered += Math.max(0, stretch.ended - Math.max(at, stretch.began));
    at = Math.max(at, stretch.ended);
  }
  return covered / (ended - started);
}

/** Milliseconds of each phase of each distribution. */
function totals({ phases }: Timings): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { phase, distribution, began, ended } of phases) {
    const name = `${phase} ${distribution ?? ''}`.trimEnd();
    sums[name] = (sums[name] ?? 0) + ended - began;
  }
  return sums;
}

function phasesOf({ phases }: Timings, distribution: string | null): readonly string[] {
  const own = phases.filter((timed) => timed.distribution === distribution);
  return [...new Set(own.map(({ phase }) => phase))];
}

function expectSound(timings: Timings): void {
  const { format, began, started, ended, phases } = timings;
  expect({ format, isDate: began === new Date(began).toISOString() }).toEqual({
    format: 1,
    isDate: true,
  });
  for (const timed of phases) {
    expect(timed.began).toBeGreaterThanOrEqual(started);
    expect(timed.ended).toBeGreaterThanOrEqual(timed.began);
    expect(timed.ended).toBeLessThanOrEqual(ended);
  }
  expect(phases.map((timed) => timed.began)).toEqual(
    phases.map((timed) => timed.began).toSorted((left, right) => left - right),
  );
  expect(coverage(timings)).toBeGreaterThan(0.95);
}

test('a cold installation tells when each phase of each distribution began and ended', () => {
  expect(install('fx-wheel-entry-points', 'fx-pure').exitCode).toBe(0);
  const timings = read();
  expectSound(timings);
  expect(timings.exitCode).toBe(0);

  const wheel = phasesOf(timings, 'fx-wheel-entry-points');
  const order = ['index', 'metadata', 'download', 'unpack', 'compile', 'link'];
  expect(wheel.filter((phase) => order.includes(phase))).toEqual(order);
  const sdist = phasesOf(timings, 'fx-pure');
  const orderOfSdist = ['index', 'download', 'build', 'unpack', 'compile', 'link'];
  expect(sdist.filter((phase) => orderOfSdist.includes(phase))).toEqual(orderOfSdist);
  // Of the build's environment.
  expect(phasesOf(timings, 'setuptools')).toEqual(
    expect.arrayContaining(['download', 'unpack', 'link']),
  );
  expect(phasesOf(timings, null)).toEqual(
    expect.arrayContaining(['read', 'decide', 'prepare', 'check', 'wait', 'place', 'commit']),
  );
  for (const { phase, distribution, version } of timings.phases) {
    if (distribution === 'fx-pure' && phase !== 'index') expect(version).toBe('1.0');
  }
  expectNoOverlap(timings, 'fx-pure', ['download', 'build', 'unpack', 'compile', 'link']);
  expectNoOverlap(timings, 'fx-wheel-entry-points', ['download', 'unpack', 'compile', 'link']);
});

/** What has to follow each other does. */
function expectNoOverlap({ phases }: Timings, name: string, some: readonly string[]): void {
  const own = phases.filter(
    ({ distribution, phase }) => distribution === name && some.includes(phase),
  );
  for (const [at, timed] of own.entries()) {
    const next = own[at + 1];
    if (next) expect(next.began).toBeGreaterThanOrEqual(timed.ended);
  }
}

test('a warm installation links, and does nothing else for a distribution', () => {
  const line = ['fx-wheel-entry-points==1.0', 'fx-pure==1.0'];
  expect(install(...line).exitCode).toBe(0);
  sandbox.resetEnvironment();
  expect(install(...line).exitCode).toBe(0);
  const timings = read();
  expectSound(timings);
  expect(phasesOf(timings, 'fx-wheel-entry-points')).toEqual(['link']);
  expect(phasesOf(timings, 'fx-pure')).toEqual(['link']);
});

const pinned = ['fx-wheel-entry-points==1.0', 'fx-extras==1.0', 'fx-own-a==1.0'];
/** Milliseconds. */
const delay = 3_000;

test.each([
  ['index fx-extras', '/fx-extras/'],
  ['metadata fx-extras', '/fx_extras-1.0-py2.py3-none-any.whl.metadata'],
  ['download fx-extras', '/fx_extras-1.0-py2.py3-none-any.whl'],
])('what is slow shows as %s, and nowhere else', (name, path) => {
  server.delay({ [path]: delay / 1000 });
  expect(install(...pinned).exitCode).toBe(0);
  const timings = read();
  expectSound(timings);
  const { [name]: slow, ...others } = totals(timings);
  expect(slow).toBeGreaterThan(delay * 0.98);
  for (const [other, sum] of Object.entries(others)) {
    expect({ other, isShort: sum < delay / 2 }).toEqual({ other, isShort: true });
  }
});

test('a page that pip waits for is not the time of pip', () => {
  expect(install('fx-wheel-entry-points').exitCode).toBe(0);
  const { decide: without = 0 } = totals(read());
  rmSync(join(sandbox.cache, 'decisions'), { recursive: true });
  sandbox.resetEnvironment();

  server.delay({ '/fx-wheel-entry-points/': 6 });
  expect(install('fx-wheel-entry-points').exitCode).toBe(0);
  const timings = read();
  expectSound(timings);
  const { decide = 0, 'index fx-wheel-entry-points': index = 0 } = totals(timings);
  expect(index).toBeGreaterThan(5_900);
  expect(decide).toBeLessThan(without + 3_000);
});

test('a slow build shows as that, and what waits for its turn does not', () => {
  const line = ['--timings', file, 'fx-slow==1.0', 'fx-wheel==1.0'];
  const environment = variables({ FX_SLOW_SECONDS: '5' });
  expect(sandbox.accel(['install', ...line], { environment }).exitCode).toBe(0);
  const timings = read();
  expectSound(timings);
  const sums = totals(timings);
  expect(sums['build fx-slow']).toBeGreaterThan(4_900);
  for (const name of ['download fx-slow', 'unpack fx-slow', 'link fx-slow', 'unpack fx-wheel']) {
    expect({ name, isShort: (sums[name] ?? Infinity) < 2_500 }).toEqual({ name, isShort: true });
  }
});

test('a download that waits for its turn has not begun', () => {
  const names = readdirSync(fixtures.index).filter((name) => /^fx_wheel\w*-1\.0-py2/.test(name));
  const wheels = names.map((name) => name.split('-')[0]?.replaceAll('_', '-') ?? '');
  expect(wheels.length).toBeGreaterThan(10);
  server.delay({ '.whl': delay / 1000 });
  const line = ['--no-deps', ...wheels.map((name) => `${name}==1.0`)];
  expect(install(...line).exitCode).toBe(0);
  const sums = totals(read());
  for (const name of wheels) {
    expect(sums[`download ${name}`]).toBeGreaterThan(delay * 0.98);
    expect(sums[`download ${name}`]).toBeLessThan(delay * 1.6);
  }
});

test('what pip does by itself is told, and what it was given meanwhile', () => {
  const target = join(sandbox.root, 'target');
  server.delay({ '/fx_extras-1.0-py2.py3-none-any.whl': delay / 1000 });
  expect(install('--target', target, 'fx-extras', 'fx-wheel').exitCode).toBe(0);
  expect(existsSync(join(target, 'fx_wheel-1.0.dist-info'))).toBe(true);
  const timings = read();
  expectSound(timings);
  const { pip = 0, 'download fx-extras': slow } = totals(timings);
  expect(slow).toBeGreaterThan(delay * 0.98);
  expect(pip).toBeGreaterThan(0);
  expect(pip).toBeLessThan(timings.ended - delay * 0.9);
});

test.each([
  // The page of the other one is late; so is pip's decision.
  [['fx-extras', 'fx-wheel'], '/json/fx-wheel/', 'index'],
  // What it requires is late; what is pinned is wanted all the same.
  [
    [...pinned, 'fx-wheel-tree==1.0', 'fx-wheel==1.0'],
    'fx_wheel-1.0-py2.py3-none-any.whl.metadata',
    'metadata',
  ],
  // The page of one is late; those of the others lead to their archives at once.
  [[...pinned, 'fx-wheel-tree==1.0', 'fx-wheel==1.0'], '/json/fx-wheel/', 'index'],
] as const)('of %s archives come and are unpacked while it is decided', (lines, late, phase) => {
  server.delay({ [late]: 2 });
  expect(install('--no-deps', ...lines)).toMatchObject({ exitCode: 0 });
  const { phases } = read();
  const decided = phases.find((one) => one.phase === phase && one.distribution === 'fx-wheel');
  expect((decided?.ended ?? 0) - (decided?.began ?? 0)).toBeGreaterThan(1900);
  const unpacked = phases.findLast(
    (one) => one.phase === 'unpack' && one.distribution === 'fx-extras',
  );
  expect(unpacked?.ended).toBeLessThan(decided?.ended ?? 0);
});

test('a run that fails tells how far it came', () => {
  expect(install('fx-wheel', 'fx-absent').exitCode).toBe(1);
  expect(read().exitCode).toBe(1);
  expect(phasesOf(read(), 'fx-wheel')).toContain('index');

  expect(install('fx-broken-compile==1.0').exitCode).toBe(1);
  const timings = read();
  expectSound(timings);
  expect(timings.exitCode).toBe(1);
  expect(phasesOf(timings, 'fx-broken-compile')).toContain('build');
});

test('a run that is interrupted tells how far it came', async () => {
  server.delay({ '/fx_extras-1.0-py2.py3-none-any.whl': 30 });
  server.takeRequests();
  const line = [executable, 'install', '--timings', file, ...pinned];
  const { child, finished } = start(sandbox, line, {
    ...variables(),
    PIP_ACCEL_CACHE: sandbox.cache,
  });
  await until(() => server.takeRequests().some((path) => path.endsWith('.whl')));
  child.kill('SIGINT');
  expect((await finished).exitCode).toBe(1);
  expect(read().exitCode).toBe(1);
  // The answer that it waits for comes later.
  expect(read().ended).toBeLessThan(20_000);
  expect(phasesOf(read(), 'fx-extras')).toContain('download');
});

test('a run that a signal ends at once tells how far it came', async () => {
  const holder = ['flock', '--no-fork', sitePackages(), 'sh', '-c', 'echo; exec sleep 60'];
  const locked = start(sandbox, holder, {});
  await new Promise((resolve) => locked.child.stdout?.once('data', resolve));
  const { child, finished } = start(
    sandbox,
    [executable, 'install', '--timings', file, 'fx-wheel'],
    { ...variables(), PIP_ACCEL_CACHE: sandbox.cache },
  );
  let said = '';
  child.stderr?.on('data', (text) => (said += String(text)));
  await until(() => said.includes('waiting for'));
  child.kill('SIGTERM');
  expect((await finished).exitCode).toBe(null);
  locked.child.kill();
  await locked.finished;
  const timings = read();
  expectSound(timings);
  expect(timings.exitCode).toBe(null);
  expect(phasesOf(timings, null).at(-1)).toBe('wait');
});

function sitePackages(): string {
  const lib = join(sandbox.venv, 'lib');
  return join(lib, readdirSync(lib)[0] ?? '', 'site-packages');
}

test('a file that cannot be written is an error before anything is done', () => {
  server.takeRequests();
  const absent = join(sandbox.root, 'absent', 'timings.json');
  const before = sandbox.snapshot();
  rmSync(sandbox.cache, { recursive: true });
  const line = ['install', `--timings=${absent}`, 'fx-wheel'];
  const { exitCode, stdout, stderr } = sandbox.accel(line, { environment: variables() });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(`ERROR: Cannot write the timings: ENOENT`);
  expect(stderr).toContain(absent);
  expect(server.takeRequests()).toEqual([]);
  expect(sandbox.snapshot()).toEqual(before);
  expect(existsSync(sandbox.cache)).toBe(false);
});

test('the variable and the configuration name the file, too, and without them there is none', () => {
  const folder = join(sandbox.root, 'here');
  mkdirSync(folder);
  const names = (environment: Readonly<Record<string, string>>) => {
    const options = { cwd: folder, environment: variables(environment) };
    expect(sandbox.accel(['install', 'pip'], options).exitCode).toBe(0);
    return readdirSync(folder);
  };
  expect(names({})).toEqual([]);
  expect(names({ PIP_ACCEL_TIMINGS: 'one.json' })).toEqual(['one.json']);
  const configuration = join(sandbox.root, 'timings.conf');
  writeFileSync(configuration, '[pip-accel]\ntimings = two.json\n');
  expect(names({ PIP_ACCEL_CONFIG: configuration })).toEqual(['one.json', 'two.json']);
});
