import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();

function install(...line: readonly string[]): Finished {
  const environment = { PIP_FIND_LINKS: fixtures.index };
  const finished = sandbox.accel(['install', ...line], { environment });
  expect(finished.exitCode, finished.stderr).toBe(0);
  return finished;
}

function verify(...words: readonly string[]): Finished {
  return sandbox.accel(['accel', 'verify', ...words]);
}

function inSite(name: string): string {
  const [python = ''] = readdirSync(join(sandbox.venv, 'lib'));
  return join(sandbox.venv, 'lib', python, 'site-packages', name);
}

/** The one file of the data directory whose path ends so. */
function inStore(ending: string): string {
  const found = readdirSync(sandbox.cache, { recursive: true, encoding: 'utf8' });
  const path = found.find((name) => name.endsWith(ending));
  if (path === undefined) throw new Error(`the store has no ${ending}`);
  return join(sandbox.cache, path);
}

/** Changes a byte such that neither size nor mtime tell. */
function flip(path: string): void {
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([(bytes[at] ?? 0) ^ 1]), 0, 1, at);
  closeSync(file);
  utimesSync(path, atime, mtime);
}

const line = ['fx-wheel', 'fx-pure'];

beforeAll(() => {
  install(...line);
  sandbox.run(['cp', '-a', sandbox.cache, `${sandbox.cache}.kept`]);
});
beforeEach(() => {
  rmSync(sandbox.cache, { recursive: true });
  sandbox.run(['cp', '-a', `${sandbox.cache}.kept`, sandbox.cache]);
  install(...line);
});

test('a store that is whole is said to be so', () => {
  const { stdout, stderr, exitCode } = verify();
  expect(stdout).toMatch(/^Checked \d sources, 1 binary distribution, \d images: 0 damaged\n$/);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(verify('--full').exitCode).toBe(0);
});

test('a file edited in place is found at once, and the next environment has the right one', () => {
  const original = readFileSync(inSite('fx_wheel.py'), 'utf8');
  appendFileSync(inSite('fx_wheel.py'), '# edited\n');
  const { stdout, exitCode } = verify();
  expect(stdout).toContain('purelib/fx_wheel.py was changed\n');
  expect(stdout).toContain(': 1 damaged\n');
  expect(exitCode).toBe(1);
  expect(verify().exitCode).toBe(0);
  sandbox.resetEnvironment();
  expect(install(...line).stderr).toBe('');
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original);
});

test('archives that are not what was kept are fetched and built again', () => {
  flip(inStore('fx_wheel-1.0-py2.py3-none-any.whl'));
  truncateSync(inStore('fx-pure-1.0.tar.gz.record.json'));
  const [binary] = sandbox.binaries();
  flip(join(sandbox.cache, 'binaries', 'v1', binary?.name ?? ''));
  const { stdout, exitCode } = verify();
  expect(stdout).toMatch(/source: .*fx_wheel.*\.whl: its sha256 is not the one that its record/);
  expect(stdout).toMatch(/source: .*fx-pure-1\.0\.tar\.gz: its record cannot be read/);
  expect(stdout).toMatch(/binary distribution: .*fx-pure:1\.0.*: its sha256 is not the one/);
  expect(stdout).toContain(': 3 damaged\n');
  expect(exitCode).toBe(1);
  expect(sandbox.binaries()).toEqual([]);

  rmSync(join(sandbox.cache, 'images'), { recursive: true });
  sandbox.resetEnvironment();
  install(...line);
  expect(sandbox.binaries()).toEqual([binary]);
  expect(verify().exitCode).toBe(0);
});

test('an image that tells nothing of itself is removed', () => {
  const { exitCode: before } = verify();
  const manifest = inStore('manifest.json');
  writeFileSync(manifest, '');
  expect(verify().stdout).toContain('its manifest cannot be read\n');
  expect([before, verify().exitCode]).toEqual([0, 0]);
});

test('--full reads what sizes and times do not tell', () => {
  const original = readFileSync(inSite('fx_wheel.py'), 'utf8');
  flip(inSite('fx_wheel.py'));
  expect(verify().exitCode).toBe(0);
  const { stdout, exitCode } = verify('--full');
  expect(stdout).toContain('purelib/fx_wheel.py has another sha256\n');
  expect(exitCode).toBe(1);
  sandbox.resetEnvironment();
  install(...line);
  expect(readFileSync(inSite('fx_wheel.py'), 'utf8')).toBe(original);
});

test('--full does not blame an image for a RECORD that was wrong in the wheel', () => {
  install('fx-wheel-record');
  const wrong = readFileSync(inSite('fx_wrong.py'), 'utf8');
  expect(wrong).not.toBe('');
  expect(verify('--full').exitCode).toBe(0);
  flip(inSite('fx_wrong.py'));
  expect(verify('--full').stdout).toContain('purelib/fx_wrong.py has another sha256\n');
});

test('an option that cannot be taken is said, as by every command', () => {
  const { stderr, exitCode } = sandbox.accel(['accel', 'verify'], {
    environment: { PIP_ACCEL_MAX_SIZE: 'large' },
  });
  expect(stderr).toBe(
    'ERROR: Invalid value "large" for option max-size (from PIP_ACCEL_MAX_SIZE)\nhint: Allowed: a size such as 500M or 10G, or none.\n',
  );
  expect(exitCode).toBe(2);
});
