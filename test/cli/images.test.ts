import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
} from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();

/** Of three distributions, one of which came from an sdist. */
const line = ['fx-wheel', 'fx-many==2', 'fx-pure'];

function install(policy: 'always' | 'hourly' | 'never', ...more: readonly string[]): Finished {
  const finished = sandbox.accel(['install', ...line, ...more], {
    environment: { PIP_FIND_LINKS: fixtures.index, PIP_ACCEL_VERIFY_IMAGES: policy },
  });
  expect(finished.exitCode, finished.stderr).toBe(0);
  return finished;
}

function inSite(name: string): string {
  const [python = ''] = readdirSync(join(sandbox.venv, 'lib'));
  return join(sandbox.venv, 'lib', python, 'site-packages', name);
}

function images(): readonly string[] {
  const folder = join(sandbox.cache, 'images', 'v4');
  return readdirSync(folder).map((name) => join(folder, name));
}

/** The one that has a file. */
function imageWith(path: string): string {
  const found = images().find((image) => existsSync(join(image, path)));
  if (found === undefined) throw new Error(`no image has ${path}`);
  return found;
}

/** Makes the last check of every image one of that time. */
function setChecked(millisecondsAgo: number): void {
  const then = (Date.now() - millisecondsAgo) / 1000;
  for (const image of images()) utimesSync(join(image, 'checked'), then, then);
}

const edit = '# edited in place\n';
const minute = 60_000;

let original: string;
beforeEach(() => {
  install('always');
  original = readFileSync(inSite('fx_wheel.py'), 'utf8');
  // One that hardlinks share: what the following tests are about.
  expect(statSync(inSite('fx_wheel.py')).nlink).toBeGreaterThan(1);
});

test('a file edited in one environment does not reach the next when images are always checked', () => {
  appendFileSync(inSite('fx_wheel.py'), edit);
  const image = imageWith('purelib/fx_wheel.py');
  sandbox.resetEnvironment();
  const { stderr } = install('always');
  expect(stderr).toBe(
    `WARNING: fx-wheel 1.0 is unpacked anew, for its image is damaged: ${image}: purelib/fx_wheel.py was changed\n`,
  );
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original);
  sandbox.resetEnvironment();
  expect(install('always').stderr).toBe('');
  expect(readdirSync(join(sandbox.cache, 'tmp'))).toEqual([]);
});

test('a file edited in one environment does not reach the next after an hour', () => {
  appendFileSync(inSite('fx_wheel.py'), edit);
  setChecked(59 * minute);
  sandbox.resetEnvironment();
  expect(install('hourly').stderr).toBe('');
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original + edit);
  setChecked(61 * minute);
  sandbox.resetEnvironment();
  expect(install('hourly').stderr).toContain('fx_wheel.py was changed');
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original);
});

test('images that are in order are good for another hour', () => {
  setChecked(61 * minute);
  const begun = Date.now();
  sandbox.resetEnvironment();
  install('hourly');
  const { mtimeMs } = statSync(join(imageWith('purelib/fx_wheel.py'), 'checked'));
  expect(mtimeMs).toBeGreaterThanOrEqual(begun - 1);
});

test('what a power cut left short is noticed after the start of the machine, whatever the option says', () => {
  const image = imageWith('purelib/fx_wheel.py');
  const list = imageWith('purelib/fx_pure.py');
  truncateSync(join(image, 'purelib', 'fx_wheel.py'));
  truncateSync(join(list, 'files.json'));
  truncateSync(join(imageWith('purelib/fx_many.py'), 'sizes.json'));
  setChecked(uptime() * 1000 + minute);
  sandbox.resetEnvironment();
  const { stderr } = install('never');
  expect(stderr).toContain('purelib/fx_wheel.py was changed');
  expect(stderr).toContain('files.json was changed');
  expect(stderr).toContain('sizes.json cannot be read');
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original);
});

test('an image is not looked at again where that is not wanted', () => {
  appendFileSync(inSite('fx_wheel.py'), edit);
  // Of this start of the machine, unless it was started just now.
  setChecked(Math.min(uptime() * 1000 - 1000, 600 * minute));
  sandbox.resetEnvironment();
  expect(install('never').stderr).toBe('');
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original + edit);
});

test('an image whose manifest was left short is made again', () => {
  truncateSync(join(imageWith('purelib/fx_wheel.py'), 'manifest.json'));
  sandbox.resetEnvironment();
  expect(install('hourly').stderr).toBe('');
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original);
});

test('permissions that were changed in one environment do not reach the next', () => {
  const { mode } = statSync(inSite('fx_wheel.py'));
  chmodSync(inSite('fx_wheel.py'), 0o777);
  sandbox.resetEnvironment();
  expect(install('always').stderr).toContain('purelib/fx_wheel.py has another mode');
  expect(statSync(inSite('fx_wheel.py')).mode).toBe(mode);
});

test('the warning names one file and counts the others', () => {
  const image = imageWith('purelib/fx_wheel.py');
  for (const name of readdirSync(join(image, 'record'))) {
    appendFileSync(join(image, 'record', name), 'x');
  }
  sandbox.resetEnvironment();
  expect(install('always').stderr).toContain('record/compiled was changed, and 3 more\n');
});

test('an image is unpacked anew also where its archive has to be fetched again', () => {
  appendFileSync(inSite('fx_wheel.py'), edit);
  const sources = join(sandbox.cache, 'sources');
  for (const folder of readdirSync(sources)) {
    for (const name of readdirSync(join(sources, folder))) {
      if (name.startsWith('fx_wheel')) truncateSync(join(sources, folder, name));
    }
  }
  sandbox.resetEnvironment();
  install('always');
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original);
});

test('what nobody wants bytecode of has none made, until somebody does', () => {
  const plain = () => images().filter((image) => image.endsWith('-plain')).length;
  const bytecode = '__pycache__';
  for (const image of images()) rmSync(image, { recursive: true });
  sandbox.resetEnvironment();
  install('hourly', '--no-compile');
  expect([plain(), images().length, existsSync(inSite(bytecode))]).toEqual([3, 3, false]);

  install('hourly', '--force-reinstall');
  expect([plain(), images().length, existsSync(inSite(bytecode))]).toEqual([3, 6, true]);

  for (const image of images().filter((one) => one.endsWith('-plain'))) {
    rmSync(image, { recursive: true });
  }
  install('hourly', '--no-compile', '--force-reinstall');
  expect([plain(), images().length, existsSync(inSite(bytecode))]).toEqual([0, 3, false]);
});
