import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../src/store/layout.ts';
import { Fixtures } from '../cli/fixtures.ts';
import { executable, type Finished } from '../cli/sandbox.ts';

const [root, nobody] = [0, 65534];

let fixtures: Fixtures;
let folder: string;
let cache: string;
let index: string;
beforeAll(() => {
  fixtures = new Fixtures();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-users-')));
  chmodSync(folder, 0o755);
  cache = join(folder, 'cache');
  index = join(folder, 'index');
  run(root, ['cp', '-r', fixtures.index, index]);
  for (const user of [root, nobody]) {
    mkdirSync(home(user));
    chownSync(home(user), user, user);
    // Root's own Python may be out of others' sight.
    expect(run(user, ['/usr/bin/python3', '-m', 'venv', join(home(user), 'kept')]).exitCode).toBe(
      0,
    );
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  fixtures[Symbol.dispose]();
});
beforeEach(() => rmSync(cache, { recursive: true, force: true }));

const home = (user: number) => join(folder, `home-${user}`);

function run(user: number, command: readonly string[]): Finished {
  const words = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...command];
  const { stdout, stderr, status, error } = spawnSync('setpriv', words, {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home(user),
      LANG: 'C.UTF-8',
      VIRTUAL_ENV: join(home(user), 'venv'),
      PIP_ACCEL_CACHE: cache,
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: index,
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
    },
  });
  if (error) throw error;
  return { stdout, stderr, exitCode: status };
}

/** Into a fresh environment of the user's, at one path, so that decisions are the same. */
function install(user: number, ...requirements: readonly string[]): Finished {
  const venv = join(home(user), 'venv');
  rmSync(venv, { recursive: true, force: true });
  run(user, ['cp', '-a', join(home(user), 'kept'), venv]);
  return run(user, [executable, 'install', ...requirements]);
}

function installed(user: number, module: string): string {
  const find = `import ${module}; print(${module}.__file__)`;
  const { stdout } = run(user, [join(home(user), 'venv', 'bin', 'python'), '-c', find]);
  return stdout.trim();
}

test('a data directory that root filled serves others, who copy where they may not link', () => {
  expect(install(root, 'fx-own-a==1.0', 'fx-src-layout==1.0')).toMatchObject({ exitCode: 0 });
  const isProtected = readFileSync('/proc/sys/fs/protected_hardlinks', 'utf8').trim() === '1';
  expect(isProtected).toBe(true);
  expect(install(nobody, 'fx-own-a==1.0', 'fx-src-layout==1.0')).toMatchObject({
    stderr: '',
    exitCode: 0,
  });
  const copy = lstatSync(installed(nobody, 'fx_src_layout'));
  expect(copy).toMatchObject({ uid: nobody, nlink: 1 });
});

test('what a data directory of root’s lacks, pip installs for others', () => {
  install(root, 'fx-own-a==1.0');
  const { stderr, exitCode } = install(nobody, 'fx-ns-b==1.0');
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/^WARNING: the data directory .* cannot be used \(EACCES.*\n$/);
});

test('root takes nothing out of the data directory of another user', () => {
  mkdirSync(cache);
  chownSync(cache, nobody, nobody);
  install(nobody, 'fx-own-a==1.0');
  const { stderr, exitCode } = install(root, 'fx-own-a==1.0');
  expect(exitCode).toBe(0);
  expect(stderr).toBe(
    `WARNING: the data directory ${cache} cannot be used (${cache} belongs to user ${nobody}); pip installs instead\n`,
  );
});

test.each(['images', 'decisions', 'sources', 'tmp', 'locks'])(
  'a folder %s that another user planted is not used',
  (name) => {
    mkdirSync(join(cache, name), { recursive: true });
    chownSync(join(cache, name), nobody, nobody);
    const { stderr, exitCode } = install(root, 'fx-own-a==1.0');
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`${join(cache, name)} belongs to user ${nobody}`);
  },
);

test.each([
  ['source', 'fx-own-a==1.0', 'sources', 'fx_own_a-1.0-py2.py3-none-any.whl'],
  ['binary distribution', 'fx-src-layout==1.0', 'binaries', 'fx-src-layout:1.0:.*.tar.gz'],
])('a %s that another user planted is set aside', (kind, requirement, place, name) => {
  install(root, requirement);
  const { stdout } = run(root, ['find', join(cache, place), '-regex', `.*/${name}`]);
  const archive = stdout.trim();
  chownSync(archive, nobody, nobody);
  rmSync(openStore(cache).images, { recursive: true });
  const { stderr, exitCode } = install(root, requirement);
  expect(exitCode).toBe(0);
  expect(stderr).toBe(
    `WARNING: Set aside a damaged ${kind}: ${archive}: ${archive} belongs to user ${nobody}\n`,
  );
  expect(lstatSync(archive)).toMatchObject({ uid: root });
});

test('a folder that a group can write to is used by the user whose own group it is, and by nobody else', () => {
  mkdirSync(cache);
  chmodSync(cache, 0o775);
  expect(install(root, 'fx-own-a==1.0')).toMatchObject({ stderr: '', exitCode: 0 });
  chownSync(cache, root, nobody);
  expect(install(root, 'fx-own-a==1.0').stderr).toContain(`can be written to by group ${nobody}`);
});
