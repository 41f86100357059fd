import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFixtures } from '../install/site.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
let index: string;
beforeAll(() => {
  sandbox = new Sandbox();
  makeFixtures(join(sandbox.root, 'fixtures'));
  index = join(sandbox.root, 'fixtures', 'index');
});
afterAll(() => sandbox[Symbol.dispose]());

function install(words: readonly string[], environment: Record<string, string> = {}) {
  return sandbox.accel(['install', '--find-links', index, ...words], {
    environment: { PIP_ACCEL_LOG_FORMAT: 'json', ...environment },
  });
}

const parse = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

test('with log-format=json a build is told in JSON on standard error, and pip’s lines stay pip’s', () => {
  const { stdout, stderr, exitCode } = install(['fx-pure'], { PIP_ACCEL_LOG_VERBOSITY: 'debug' });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^Looking in links: .*\nProcessing .*\n/);
  expect(stdout).toMatch(
    /\nInstalling collected packages: fx-pure\nSuccessfully installed fx-pure-1\.0\n$/,
  );
  expect(stdout).not.toContain('Building');
  const lines = parse(stderr);
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'info',
      event: 'build-start',
      name: 'fx-pure',
      version: '1.0',
    }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'debug', event: 'image-made', name: 'fx-pure' }),
  );
});

test('with log-format=json -q leaves out what it leaves out of text', () => {
  const { stdout, stderr, exitCode } = install(['-q', 'fx-src-layout']);
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 });
});

test('with log-format=json a failed build is one line with its hint, and the exit code stays', () => {
  const { stderr, exitCode } = install(['fx-broken-compile']);
  expect(exitCode).toBe(1);
  expect(parse(stderr).at(-1)).toMatchObject({
    level: 'error',
    msg: expect.stringContaining('fx-broken-compile'),
  });
});

test('with log-format=json pip’s own errors stay text', () => {
  const { stderr, exitCode } = install(['fx-no-such-project']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('ERROR: No matching distribution found for fx-no-such-project\n');
});

test('with log-format=json pip’s message about conflicts stays text', () => {
  install(['fx-needs-old']);
  const { stderr, exitCode } = install(['fx-many==3']);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(
    /^ERROR: pip's dependency resolver does not .*\nfx-needs-old 1\.0 requires /m,
  );
});

test('with log-format=json what is wrong before an installation begins is JSON too', () => {
  const missing = join(sandbox.root, 'no-such-python');
  const { stderr, exitCode } = install(['fx-pure'], { PIP_ACCEL_PYTHON: missing });
  expect(exitCode).toBe(1);
  expect(parse(stderr)).toEqual([
    expect.objectContaining({ level: 'error', msg: expect.stringContaining(missing) }),
  ]);
});

test('a log format that does not exist is refused with the names of those that do', () => {
  writeFileSync(join(sandbox.root, 'wrong.conf'), '[pip-accel]\nlog-format = xml\n');
  const { stderr, exitCode } = install(['fx-pure'], {
    PIP_ACCEL_LOG_FORMAT: '',
    PIP_ACCEL_CONFIG: join(sandbox.root, 'wrong.conf'),
  });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('hint: Allowed: text, json.');
});
