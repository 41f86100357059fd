import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { executable, type Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const wheelName = 'fx_wheel-1.0-py2.py3-none-any.whl';

const { fixtures, sandbox } = setUp();

function accel(line: string, environment: Record<string, string> = {}): Finished {
  const words = line.split(' ');
  return sandbox.accel(words, { environment: { PIP_FIND_LINKS: fixtures.index, ...environment } });
}

function pip(line: string): Finished {
  return sandbox.pip(line.split(' '), { environment: { PIP_FIND_LINKS: fixtures.index } });
}

describe('a failure is pip’s own, and leaves the environment as it was', () => {
  test.each([
    ['an unknown project', 'install fx-wheel fx-no-such-project'],
    ['an impossible pin', 'install fx-wheel fx-many==99'],
    ['contradicting pins', 'install fx-wheel fx-many==1 fx-many==2'],
    ['a requirements file that is not there', 'install -r absent.txt'],
    ['a requirements file that is a folder', 'install -r venv'],
    ['a wrong hash', 'install -r wrong-hash.txt'],
    ['a missing hash', 'install --require-hashes -r no-hash.txt'],
    ['a broken requirement', 'install -r broken.txt'],
  ])('%s', (_name, line) => {
    writeFileSync(
      join(sandbox.root, 'wrong-hash.txt'),
      `fx-wheel==1.0 --hash=sha256:${'0'.repeat(64)}\n`,
    );
    writeFileSync(join(sandbox.root, 'no-hash.txt'), 'fx-wheel==1.0\n');
    writeFileSync(join(sandbox.root, 'broken.txt'), 'fx-wheel ==\n');
    const before = sandbox.snapshot();
    const expected = pip(line);
    expect(expected.exitCode).not.toBe(0);
    expect(accel(line)).toEqual(expected);
    expect(sandbox.snapshot()).toEqual(before);
  });
});

describe('a failing build names the requirement, what went wrong and the log, and changes nothing', () => {
  test.each([
    ['fx-broken-compile', /error/],
    ['fx-broken-header', /fx_missing\.h/],
    ['fx-broken-backend', /fx-broken-backend/],
  ])('%s', (name, telling) => {
    const before = sandbox.snapshot();
    const { stderr, exitCode } = accel(`install fx-wheel ${name}`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(name);
    expect(stderr).toMatch(telling);
    const log = /(\/\S+\.log)/.exec(stderr)?.[1];
    if (log) expect(readFileSync(log, 'utf8')).toMatch(telling);
    expect(sandbox.snapshot()).toEqual(before);
  });

  test('and a hint where it is known what to do', () => {
    const { stderr } = accel('install fx-broken-import==1.0');
    expect(stderr).toContain('fx_nowhere');
    const built = accel('install fx-needs-broken');
    expect(built.stderr).toMatch(
      /^hint: Its C code was made by a Cython that is older than Python [\d.]+\. /m,
    );
    expect(built.stderr).toContain('It is required by fx-needs-broken 1.0.\n');
    expect(built.exitCode).toBe(1);
  });

  test('fx-broken-compile keeps its log', () => {
    const log = /(\/\S+\.log)/.exec(accel('install fx-broken-compile').stderr)?.[1] ?? '';
    expect(log).toContain(join('logs', 'fx-broken-compile-1.0-'));
    expect(readFileSync(log, 'utf8')).toContain('#error');
  });
});

test('what a build writes outside of its tree is in no binary distribution', () => {
  const outside = join(sandbox.root, 'outside.txt');
  const { exitCode } = accel('install fx-broken-outside fx-broken-escape', { FX_OUTSIDE: outside });
  expect(exitCode).toBe(0);
  const archives = sandbox.binaries().filter(({ name }) => name.startsWith('fx-broken-'));
  expect(archives.map(({ name }) => name.split(':')[0])).toEqual([
    'fx-broken-escape',
    'fx-broken-outside',
  ]);
  for (const { members } of archives) {
    for (const member of members) expect(member).not.toMatch(/^\/|(^|\/)\.\.(\/|$)|outside\.txt/);
  }
});

describe('a damaged archive is refused, and nothing is installed', () => {
  test.each(['truncated_wheel', 'flipped', 'parent', 'absolute', 'no_metadata'])(
    'fx-bad-%s',
    (name) => {
      const folder = join(sandbox.root, 'broken-links');
      mkdirSync(folder, { recursive: true });
      const wheel = `fx_bad_${name}-1.0-py2.py3-none-any.whl`;
      copyFileSync(join(fixtures.broken, wheel), join(folder, wheel));
      const before = sandbox.snapshot();
      const line = `install --no-index --find-links ${folder} fx-bad-${name.replaceAll('_', '-')}`;
      const { stderr, exitCode } = accel(line);
      expect(exitCode).not.toBe(0);
      expect(stderr).not.toContain('node:internal');
      expect(sandbox.snapshot()).toEqual(before);
    },
  );
});

test('a Python that does not exist is named, with where it was named', () => {
  const { stderr, exitCode } = sandbox.accel([
    '--python',
    '/no/such/python',
    'install',
    'fx-wheel',
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('Could not locate Python interpreter /no/such/python (from --python)');
});

test('a Python that does not work is named', () => {
  const broken = join(sandbox.root, 'python-broken');
  writeFileSync(broken, '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  const { stderr, exitCode } = sandbox.accel(['--python', broken, 'list']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`${broken} does not work as a Python interpreter`);
});

test.each([
  ['PIP_ACCEL_MAX_RETRIES', 'many', 'max-retries'],
  ['PIP_ACCEL_LINK_MODE', 'symlink', 'link-mode'],
  ['PIP_ACCEL_OFFLINE', 'perhaps', 'offline'],
  ['PIP_ACCEL_INDEX_MAX_AGE', '-1', 'index-max-age'],
])('a wrong %s is named, with what is allowed', (variable, value, option) => {
  const { stderr, exitCode } = accel('install fx-wheel', { [variable]: value });
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`Invalid value "${value}" for option ${option} (from ${variable})`);
  expect(stderr).toContain('Allowed: ');
});

test('a configuration file that is named has to be there', () => {
  const { stderr, exitCode } = accel('install fx-wheel', { PIP_ACCEL_CONFIG: '/no/such/file' });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('/no/such/file');
});

test('a data directory that cannot be used costs one warning, and pip installs', () => {
  const { stdout, stderr, exitCode } = accel('install fx-wheel', {
    PIP_ACCEL_CACHE: '/dev/null/cache',
  });
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Successfully installed fx-wheel-1.0');
  expect(stderr.match(/WARNING: /g)).toHaveLength(1);
  expect(stderr).toContain('/dev/null/cache');
});

const mounts = sandboxedMounts();
test.skipIf(mounts === null).each([
  ['full', 'size=16k'],
  ['read-only', 'ro'],
])('a %s data directory costs one warning, and pip installs', (_name, option) => {
  const folder = join(sandbox.root, 'small');
  mkdirSync(folder, { recursive: true });
  const script = `mount -t tmpfs -o ${option} tmpfs ${folder} && exec "$0" install fx-wheel`;
  const command = [...(mounts ?? []), 'sh', '-c', script, executable];
  const environment = { PIP_ACCEL_CACHE: folder, PIP_FIND_LINKS: fixtures.index };
  const { stdout, stderr, exitCode } = sandbox.run(command, { environment });
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Successfully installed fx-wheel-1.0');
  expect(stderr.match(/WARNING: /g)).toHaveLength(1);
});

test.skipIf(mounts === null)('an environment that cannot be written is pip’s to refuse', () => {
  const inReadOnlyEnvironment = (program: string): Finished => {
    const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"';
    const line = [program, 'install', '--find-links', fixtures.index, 'fx-wheel'];
    return sandbox.run([...(mounts ?? []), 'sh', '-c', script, 'sh', sandbox.venv, ...line]);
  };
  const expected = inReadOnlyEnvironment(join(sandbox.venv, 'bin', 'pip'));
  expect(expected.exitCode).toBe(1);
  expect(expected.stderr).toContain('Read-only file system');
  expect(inReadOnlyEnvironment(executable)).toEqual(expected);
});

/** How to run with mounts of one's own: as root, or as root of a user namespace; null where neither works. */
function sandboxedMounts(): readonly string[] | null {
  const candidates = [
    ['unshare', '-m'],
    ['unshare', '-rm'],
  ];
  return (
    candidates.find(
      ([file = '', ...words]) =>
        spawnSync(file, [...words, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0,
    ) ?? null
  );
}

test('an archive of the store that was replaced by another of its size is fetched again', () => {
  expect(accel('install fx-wheel').exitCode).toBe(0);
  const [folder = ''] = readdirSync(join(sandbox.cache, 'sources')).filter((name) =>
    existsSync(join(sandbox.cache, 'sources', name, wheelName)),
  );
  const archive = join(sandbox.cache, 'sources', folder, wheelName);
  const right = readFileSync(archive);
  writeFileSync(archive, Buffer.alloc(right.length, 'x'));
  rmSync(join(sandbox.cache, 'images'), { recursive: true });
  sandbox.resetEnvironment();
  expect(accel('install fx-wheel').exitCode).toBe(0);
  expect(readFileSync(archive)).toEqual(right);
});
