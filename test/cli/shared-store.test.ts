import {
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/layout.ts';
import { executable } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
beforeEach(() => rmSync(sandbox.cache, { recursive: true, force: true }));

const install = (words: readonly string[] = ['fx-ns-a==1.0']) =>
  sandbox.accel(['install', '--find-links', fixtures.index, ...words]);

test('a data directory is made such that nobody else can write to it, whatever the umask', () => {
  const words = ['install', '--find-links', fixtures.index, 'fx-ns-a==1.0'];
  const { exitCode } = sandbox.run([
    'sh',
    '-c',
    'umask 0 && exec "$@"',
    'sh',
    executable,
    ...words,
  ]);
  expect(exitCode).toBe(0);
  const { stdout } = sandbox.run(['find', sandbox.cache, '-type', 'd', '-perm', '/022']);
  const outside = stdout
    .split('\n')
    .filter((path) => path !== '' && !path.includes(`${openStore('').images}/`));
  expect(outside).toEqual([]);
});

describe('what others can write to is not used, and pip installs', () => {
  test.each(['', 'images', openStore('').images, 'decisions', 'interpreters/v2', 'sources'])(
    'the folder %j of the data directory',
    (folder) => {
      install();
      sandbox.resetEnvironment();
      const path = join(sandbox.cache, folder);
      chmodSync(path, 0o777);
      const { stdout, stderr, exitCode } = install();
      expect(stderr).toBe(
        `WARNING: the data directory ${sandbox.cache} cannot be used (${path} can be written to by every user); pip installs instead\n`,
      );
      expect(stdout).toContain('Successfully installed fx-ns-a-1.0');
      expect(exitCode).toBe(0);
      chmodSync(path, 0o755);
      sandbox.resetEnvironment();
      expect(install()).toMatchObject({ stderr: '', exitCode: 0 });
    },
  );

  test('a folder that work in progress is to lie in', () => {
    mkdirSync(join(sandbox.cache, 'tmp'), { recursive: true });
    chmodSync(join(sandbox.cache, 'tmp'), 0o1777);
    const { stderr, exitCode } = install();
    expect(stderr).toContain(`${join(sandbox.cache, 'tmp')} can be written to by every user`);
    expect(exitCode).toBe(0);
    expect(readdirSync(join(sandbox.cache, 'tmp'))).toEqual([]);
  });
});

test('a folder of the data directory may be a link to one elsewhere that is as safe', () => {
  install();
  const elsewhere = join(sandbox.root, 'elsewhere');
  renameSync(join(sandbox.cache, 'images'), elsewhere);
  symlinkSync(elsewhere, join(sandbox.cache, 'images'));
  sandbox.resetEnvironment();
  expect(install()).toMatchObject({ stderr: '', exitCode: 0 });
  chmodSync(elsewhere, 0o777);
  sandbox.resetEnvironment();
  expect(install().stderr).toContain('can be written to by every user');
});

test('nothing is read from a data directory that cannot be trusted, not even by pip’s other commands', () => {
  install();
  const folder = join(sandbox.cache, 'interpreters', 'v2');
  const [file = ''] = readdirSync(folder);
  const facts = sandbox.run(['cat', join(folder, file)]).stdout;
  writeFileSync(join(folder, file), facts.replaceAll('"script":"', '"script":"/nowhere'));
  chmodSync(folder, 0o777);
  expect(sandbox.accel(['--version'])).toMatchObject({ exitCode: 0 });
  expect(sandbox.accel(['list'])).toMatchObject({ exitCode: 0 });
});
