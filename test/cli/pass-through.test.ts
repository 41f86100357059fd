import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { executable, Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
  writeFileSync(join(sandbox.root, 'empty.txt'), '');
  writeFileSync(join(sandbox.root, 'some.txt'), 'some text\n');
});
afterAll(() => sandbox[Symbol.dispose]());

/** Lines that are not an installation of something: pip's words, byte for byte. */
const lines: readonly string[] = [
  'list',
  'list --format=json',
  'list --outdated --no-index',
  'freeze',
  'freeze --all',
  'check',
  'show pip',
  'show no-such-project',
  'config list',
  'config get global.index-url',
  'config debug',
  'help',
  'help install',
  'help no-such-command',
  'install --help',
  'install -h',
  'install',
  'install --no-such-option',
  'install --upgrade-strategy=sometimes pip',
  'install -r no-such-file.txt',
  'install -r empty.txt',
  'install --dry-run pip',
  'install --target x --user pip',
  '--version',
  '-V',
  '--no-such-general-option',
  '--python',
  '--timeout=1 list',
  'hash some.txt',
  'hash no-such-file',
  'inspect',
  'debug',
  'cache dir',
  'uninstall',
  'uninstall -y no-such-project',
  'download no-such-project',
  'wheel',
  'no-such-command',
  'lst',
  'completion --bash',
  'index',
  'search x --no-such',
  'install -q pip',
  'install pip',
  'install no-such-project',
  'install pip==0.0.1',
  'install ./no-such-folder',
  'install "pip @@"',
];

describe('what is not an installation is pip’s, byte for byte', () => {
  test.each(lines)('%s', (line) => {
    const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
    expect(sandbox.accel(words)).toEqual(sandbox.pip(words));
  });
});

test('pip-accel alone prints its usage and succeeds', () => {
  const { stdout, stderr, exitCode } = sandbox.accel([]);
  expect(stdout).toMatch(/^Usage: pip-accel /);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
});

test('variables of pip-accel are hidden from pip', () => {
  const { stdout } = sandbox.accel(['config', 'list'], {
    environment: { PIP_ACCEL_OFFLINE: 'no', PIP_TIMEOUT: '7' },
  });
  expect(stdout).toContain("timeout='7'");
  expect(stdout.toLowerCase()).not.toContain('accel');
});

test('standard input reaches pip', () => {
  const script = 'echo pip | "$0" install -r /dev/stdin';
  const { stdout } = sandbox.run(['sh', '-c', script, executable]);
  expect(stdout).toContain('Requirement already satisfied: pip');
  expect(stdout).toContain('(from -r /dev/stdin (line 1))');
});

test('descriptors above 2 reach pip', () => {
  const script = 'exec "$0" hash /dev/fd/9 9<some.txt';
  const { stdout, exitCode } = sandbox.run(['sh', '-c', script, executable]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('--hash=sha256:');
});

test('a requirements file that is a pipe is read', () => {
  const script = 'exec "$0" install -r <(echo pip)';
  const { stdout, exitCode } = sandbox.run(['bash', '-c', script, executable]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /Requirement already satisfied: pip .*\(from -r \/dev\/fd\/\d+ \(line 1\)\)/,
  );
});

test('a decision that was made quietly is not silent afterwards', () => {
  const line = ['install', 'pip'];
  expect(sandbox.accel(['install', '-q', 'pip']).stdout).toBe('');
  expect(sandbox.accel(line)).toEqual(sandbox.pip(line));
  expect(sandbox.accel(line)).toEqual(sandbox.pip(line));
});

test('a decision that is remembered is told with the file that was named this time', () => {
  for (const name of ['first.txt', 'second.txt']) {
    writeFileSync(join(sandbox.root, name), 'pip\nsetuptools; python_version < "3"\n');
    const line = ['install', '-r', name];
    expect(sandbox.accel(line)).toEqual(sandbox.pip(line));
  }
});

test('pip takes the place of pip-accel, so that signals are its own', () => {
  const probe = join(sandbox.root, 'probe.py');
  writeFileSync(probe, 'import os\nprint(os.getppid())\n');
  const script = 'echo $$; exec "$0" --version >/dev/null; exit 9';
  expect(sandbox.run(['sh', '-c', script, executable]).exitCode).toBe(0);
});
