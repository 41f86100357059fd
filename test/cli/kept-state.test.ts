import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KeptState } from '../../src/plan/installed-state.ts';
import { type Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
const options = { environment: { PIP_FIND_LINKS: fixtures.index } };

function install(...words: readonly string[]): Finished {
  const finished = sandbox.accel(['install', ...words], options);
  expect(finished.exitCode, finished.stderr).toBe(0);
  return finished;
}

/** What is kept of the environment; null where nothing is. */
function keptState(): KeptState | null {
  const folder = join(sandbox.cache, 'environments', 'v2');
  try {
    const [name = ''] = readdirSync(folder);
    return JSON.parse(readFileSync(join(folder, name), 'utf8')) as KeptState;
  } catch {
    return null;
  }
}

function sitePackages(): string {
  const [python = ''] = readdirSync(join(sandbox.venv, 'lib'));
  return join(sandbox.venv, 'lib', python, 'site-packages');
}

/** Milliseconds; folders have to rest for 2 s, which are many runs of what starts fast. */
const patience = 30_000;

/** Runs a line for which there is nothing to do until the state is kept. */
function installUntilKept(...line: readonly string[]): void {
  const end = Date.now() + patience;
  while (keptState() === null && Date.now() < end) install(...line);
  expect(keptState()).not.toBeNull();
}

const wheel = 'fx_wheel-1.0-py2.py3-none-any.whl';
const added = 'Requires-Dist: fx-many\n';

test('what is installed is read anew when pip has changed it, and only then', () => {
  install('fx-many==2', 'fx-wheel');
  let kept = keptState();
  // Only what has not changed for a while is kept.
  expect(kept).toBeNull();
  const line = ['fx-many', 'fx-wheel'];
  const first = install(...line);
  const end = Date.now() + patience;
  while (kept === null && Date.now() < end) {
    expect(install(...line)).toEqual(first);
    kept = keptState();
  }
  // However many distributions there are.
  const own = kept?.watched.flatMap(([path]) => (path.startsWith(sandbox.venv) ? [path] : []));
  const links = readdirSync(sitePackages()).filter((name) => name.endsWith('.pth'));
  const expected = [sitePackages(), ...links.map((name) => join(sitePackages(), name))];
  expect(own?.toSorted()).toEqual(expected.toSorted());
  expect(install(...line)).toEqual(first);

  sandbox.pip(['uninstall', '-y', 'fx-wheel']);
  expect(install(...line).stdout).toContain('Successfully installed fx-wheel-1.0');
  sandbox.pip(['install', 'fx-many==1'], options);
  expect(install('fx-many').stdout).toContain('Requirement already satisfied: fx-many in');
  expect(install('fx-many').stdout).toContain('(1)');
});

test('the requirements of what came from a path may change where it lies', () => {
  rmSync(sandbox.cache, { recursive: true, force: true });
  sandbox.pip(['install', '--no-deps', join(fixtures.index, wheel)]);
  const line = ['--index-max-age=forever', 'fx-wheel'];
  installUntilKept(...line);
  const path = join(sitePackages(), 'fx_wheel-1.0.dist-info', 'METADATA');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^(Version: .*\n)/m, `$1${added}`));
  expect(install(...line).stdout).toContain('Successfully installed fx-many');
});

test('a version may be installed again with other requirements', () => {
  install('fx-wheel');
  const line = ['--index-max-age=forever', 'fx-wheel'];
  expect(install(...line).stdout).not.toContain('Successfully installed');
  copyFileSync(join(fixtures.index, wheel), join(sandbox.root, wheel));
  sandbox.run([sandbox.python, '-c', rebuild, join(sandbox.root, wheel), added]);
  const words = ['--force-reinstall', '--no-deps', '--find-links', sandbox.root];
  expect(sandbox.pip(['install', ...words, 'fx-wheel']).exitCode).toBe(0);
  expect(install(...line).stdout).toContain('Successfully installed fx-many');
});

/** Adds a line to the metadata of the wheel that it is given. */
const rebuild = `
import shutil, sys, zipfile
path, line = sys.argv[1:]
with zipfile.ZipFile(path) as old, zipfile.ZipFile(path + '.new', 'w') as new:
    for entry in old.infolist():
        data = old.read(entry)
        if entry.filename.endswith('/METADATA'):
            data = data.replace(b'Version: 1.0\\n', b'Version: 1.0\\n' + line.encode())
        new.writestr(entry, data)
shutil.move(path + '.new', path)
`;

test('the requirements of an egg may change where it lies', () => {
  const project = join(sandbox.root, 'project');
  const egg = join(project, 'local_egg.egg-info');
  mkdirSync(egg, { recursive: true });
  writeFileSync(join(egg, 'PKG-INFO'), 'Metadata-Version: 1.2\nName: local-egg\nVersion: 1.0\n');
  writeFileSync(join(sitePackages(), 'easy-install.pth'), `${project}\n`);
  writeFileSync(join(sitePackages(), 'local-egg.egg-link'), `${project}\n.`);
  expect(install('local-egg').stdout).not.toContain('Successfully installed');
  writeFileSync(join(egg, 'requires.txt'), 'fx-wheel\n');
  expect(install('local-egg').stdout).toContain('Successfully installed fx-wheel-1.0');
});
