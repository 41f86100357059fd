import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { readTree } from '../install/site.ts';
import { executable, type Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
const line = ['fx-wheel', 'fx-pure'];
const day = 86_400_000;

function install(
  words: readonly string[] = line,
  environment: Readonly<Record<string, string>> = {},
): Finished {
  const finished = sandbox.accel(['install', ...words], {
    environment: { PIP_FIND_LINKS: fixtures.index, ...environment },
  });
  expect(finished.exitCode, finished.stderr).toBe(0);
  return finished;
}

function prune(...words: readonly string[]): string {
  const { stdout, stderr, exitCode } = sandbox.accel(['accel', 'prune', ...words]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout;
}

const inStore = (...names: readonly string[]): string => join(sandbox.cache, ...names);

/** Every path of the data directory, for what can be removed from it. */
function kept(): readonly string[] {
  return readdirSync(sandbox.cache, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('tmp'))
    .toSorted();
}

/** Puts a file of 300 kB into the data directory that nobody has used for a hundred days. */
function putOld(...names: readonly string[]): string {
  const path = inStore(...names);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.alloc(300_000, 'x'));
  makeOld(path);
  return path;
}

function makeOld(path: string, days = 100): void {
  const then = (Date.now() - days * day) / 1000;
  lutimesSync(path, then, then);
}

/** An image of an older format, whose folder tells when it was used. */
function putOldImage(name: string, days = 100): string {
  const path = dirname(putOld('images', 'v3', name, 'purelib', 'module.py'));
  makeOld(dirname(path), days);
  return dirname(path);
}

beforeAll(() => {
  install();
  sandbox.run(['cp', '-a', sandbox.cache, `${sandbox.cache}.kept`]);
});
beforeEach(() => {
  rmSync(sandbox.cache, { recursive: true });
  sandbox.run(['cp', '-a', `${sandbox.cache}.kept`, sandbox.cache]);
  install();
});

test('what was not used for long goes, and is said; with --dry-run it is only said', () => {
  const before = kept();
  putOldImage('aged');
  putOld('sources', 'host-00000000', 'old-1.0.tar.gz');
  putOld('sources', 'host-00000000', 'old-1.0.tar.gz.record.json');
  putOld('binaries', 'v1', 'old:1.0:abi:0.tar.gz');
  putOld('binaries', 'v1', 'old:1.0:abi:0.json');
  putOld('decisions', 'v4', 'ab', 'abcd.json');
  putOld('logs', 'old.log');
  const withOld = kept();
  const dry = prune('--older-than', '90', '--dry-run');
  expect(kept()).toEqual(withOld);
  const said = prune('--older-than', '90');
  expect(dry).toBe(said.replaceAll('Removed', 'Would remove').replace(/stay$/m, 'would stay'));
  expect(said.replaceAll(/[\d.]+ [kM]B/g, 'SIZE')).toBe(
    [
      'Removed image images/v3/aged (SIZE, unused for 100 days)',
      'Removed source sources/host-00000000/old-1.0.tar.gz (SIZE, unused for 100 days)',
      'Removed binary distribution binaries/v1/old:1.0:abi:0.tar.gz (SIZE, unused for 100 days)',
      'Removed 1 log',
      'Removed 1 decision',
      'Removed SIZE; SIZE stay',
      '',
    ].join('\n'),
  );
  const folders = ['binaries/v1', 'images/v3', 'sources/host-00000000', 'decisions/v4/ab', 'logs'];
  expect(kept().filter((path) => !folders.includes(path))).toEqual(
    before.filter((path) => !folders.includes(path)),
  );
  expect(readdirSync(inStore('tmp'))).toEqual([]);
});

test('an archive is in use for as long as its image is', () => {
  const wheel = 'fx_wheel-1.0-py2.py3-none-any.whl';
  const [folder = ''] = readdirSync(inStore('sources')).filter((name) =>
    existsSync(inStore('sources', name, wheel)),
  );
  const sdist = 'fx-pure-1.0.tar.gz';
  for (const name of [wheel, sdist]) {
    makeOld(inStore('sources', folder, name));
    makeOld(inStore('sources', folder, `${name}.record.json`));
  }
  prune('--older-than', '90d');
  expect(existsSync(inStore('sources', folder, wheel))).toBe(true);
  expect(existsSync(inStore('sources', folder, `${wheel}.record.json`))).toBe(true);
  expect(existsSync(inStore('sources', folder, sdist))).toBe(false);
  expect(existsSync(inStore('sources', folder, `${sdist}.record.json`))).toBe(false);
});

test('what is made again soonest goes first, and no more than has to', () => {
  putOldImage('newer', 30);
  putOldImage('older', 60);
  // A hundred days of these count as much as 25, and as 6, of an image.
  putOld('sources', 'host-00000000', 'old-1.0.tar.gz');
  putOld('binaries', 'v1', 'old:1.0:abi:0.tar.gz');
  const order = ['images/v3/older', 'images/v3/newer', 'sources/host', 'binaries/v1/old:1.0'];
  for (const expected of order) {
    const total = Number(
      /([\d.]+) MB would stay/.exec(prune('--older-than=999', '--dry-run'))?.[1],
    );
    const said = prune('--max-size', `${(total - 0.1).toFixed(1)}M`);
    expect(said.split('\n').slice(0, -2)).toEqual([expect.stringContaining(expected)]);
  }
});

test('what was used within the last hour stays, unless nothing else is said to run', () => {
  const before = kept();
  expect(prune('--max-size', '0', '--older-than', '0')).toContain('Removed 0.0 kB; ');
  expect(kept()).toEqual(before);
  expect(prune('--max-size=0', '--now')).toContain('Removed image of fx-wheel 1.0 (');
  expect(readdirSync(inStore('images', 'v4'))).toEqual([]);
  expect(sandbox.binaries()).toEqual([]);
  // By age alone.
  expect(readdirSync(inStore('decisions', 'v4'))).not.toEqual([]);
  prune('--older-than=0s', '--now');
  const files = readdirSync(sandbox.cache, { recursive: true, withFileTypes: true });
  expect(files.filter((entry) => !entry.isDirectory())).toEqual([]);
  sandbox.resetEnvironment();
  install(['fx-wheel']);
});

test('no link leads out of the data directory', () => {
  const outside = join(sandbox.root, 'outside');
  const file = join(outside, 'a', 'b', 'c.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'mine');
  makeOld(file);
  makeOld(outside);
  const links = [
    inStore('images', 'v4', 'link'),
    inStore('images', 'v3'),
    inStore('sources', 'link'),
    inStore('decisions', 'v4', 'aa'),
    inStore('logs', 'link.log'),
    inStore('binaries', 'v1', 'link.tar.gz'),
  ];
  mkdirSync(inStore('logs'), { recursive: true });
  for (const link of links) symlinkSync(outside, link);
  for (const link of links) makeOld(link);
  rmSync(inStore('releases'), { recursive: true, force: true });
  symlinkSync(outside, inStore('releases'));
  renameSync(inStore('metadata'), join(sandbox.root, 'metadata'));
  symlinkSync(join(sandbox.root, 'metadata'), inStore('metadata'));
  const before = readTree(join(sandbox.root, 'metadata'));
  prune('--older-than=0', '--max-size=0', '--now');
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect(readdirSync(outside)).toEqual(['a']);
  expect(readTree(join(sandbox.root, 'metadata'))).toEqual(before);
  // The links themselves went, but for those in place of a folder of entries.
  const left = links.filter((link) =>
    readdirSync(dirname(link)).includes(link.slice(dirname(link).length + 1)),
  );
  expect(left).toEqual([inStore('images', 'v3')]);
  rmSync(join(sandbox.root, 'metadata'), { recursive: true });
  rmSync(outside, { recursive: true });
});

test('max-size: who brings something new makes room for it, and nobody else', () => {
  const environment = { PIP_ACCEL_MAX_SIZE: '10k', PIP_ACCEL_LOG_FILE: join(sandbox.root, 'log') };
  putOldImage('aged');
  sandbox.resetEnvironment();
  install(line, environment);
  expect(readdirSync(inStore('images', 'v3'))).toEqual(['aged']);
  const { stderr } = install(['fx-many==2'], environment);
  expect(stderr).toBe('');
  expect(readdirSync(inStore('images', 'v3'))).toEqual([]);
  expect(readFileSync(environment.PIP_ACCEL_LOG_FILE, 'utf8')).toContain(
    '"type":"pruned","entries":1',
  );
  // Of the last hour, however large.
  expect(readdirSync(inStore('images', 'v4')).length).toBeGreaterThanOrEqual(3);
  putOldImage('aged');
  install(['fx-many==3'], { PIP_ACCEL_MAX_SIZE: '1T' });
  install(['fx-many==4']);
  expect(readdirSync(inStore('images', 'v3'))).toEqual(['aged']);
});

test('a data directory that cannot be used is said to be so', () => {
  const file = join(sandbox.root, 'file');
  writeFileSync(file, '');
  const { stderr, exitCode } = sandbox.accel(['accel', 'prune', '--older-than=90'], {
    environment: { PIP_ACCEL_CACHE: file },
  });
  expect(stderr).toMatch(/^ERROR: The data directory .*\/file cannot be used \(.*\)\n/);
  expect(exitCode).toBe(1);
});

test('something has to be said of how much is to stay', () => {
  const { stdout, stderr, exitCode } = sandbox.accel(['accel', 'prune']);
  expect(stdout).toBe('');
  expect(stderr).toContain('--max-size');
  expect(exitCode).toBe(2);
  for (const [option, value] of [
    ['--max-size', 'much'],
    ['--older-than', 'yesterday'],
  ] as const) {
    const refused = sandbox.accel(['accel', 'prune', option, value]);
    expect(refused.stderr).toContain(`'${value}' is invalid`);
    expect(refused.exitCode).not.toBe(0);
  }
  const environment = { PIP_ACCEL_MAX_SIZE: '1T' };
  expect(sandbox.accel(['accel', 'prune'], { environment }).exitCode).toBe(0);
});

test.each([
  { what: 'what is old', words: [] },
  { what: 'all that it found', words: ['--now'] },
])('an installation under way is not disturbed by a prune of $what', async ({ words }) => {
  sandbox.resetEnvironment();
  install(['fx-wheel', 'fx-described']);
  const undisturbed = readTree(sandbox.venv);
  rmSync(inStore('binaries'), { recursive: true });
  rmSync(inStore('images'), { recursive: true });
  sandbox.resetEnvironment();
  // The build waits until somebody reads what it did.
  const barrier = join(sandbox.root, 'barrier');
  spawnSync('mkfifo', [barrier]);
  const child = spawn(executable, ['install', 'fx-wheel', 'fx-described'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...sandbox.environment,
      PIP_ACCEL_CACHE: sandbox.cache,
      PIP_FIND_LINKS: fixtures.index,
      FX_BUILD_LOG: barrier,
    },
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      if (String(chunk).includes('Building fx-')) resolve();
    });
  });
  const old = putOldImage('aged');
  prune('--max-size=0', '--older-than=0', ...words);
  expect(existsSync(old)).toBe(false);
  // Open for writing too, so that it does not end with the first that builds.
  const reader = spawn('sh', ['-c', 'exec cat <> "$0"', barrier], { stdio: 'ignore' });
  expect(await ended).toBe(0);
  reader.kill();
  rmSync(barrier);
  expect(readTree(sandbox.venv)).toEqual(undisturbed);
});

test('several at once remove each entry once, and nothing else', async () => {
  const before = kept();
  for (let count = 0; count < 40; count += 1) putOldImage(`aged-${count}`);
  const pruners = Array.from({ length: 4 }, () => runPrune());
  const ends = await Promise.all(pruners);
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
  const removed = ends.flatMap(({ stdout }) => stdout.match(/aged-\d+/g) ?? []);
  expect(removed.length).toBe(40);
  expect(new Set(removed).size).toBe(40);
  expect(kept().filter((path) => path !== 'images/v3')).toEqual(before);
});

async function runPrune(): Promise<{ readonly stdout: string; readonly exitCode: number | null }> {
  const child = spawn(executable, ['accel', 'prune', '--older-than=90'], {
    env: { ...sandbox.environment, PIP_ACCEL_CACHE: sandbox.cache },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { stdout, exitCode };
}
