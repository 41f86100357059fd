import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { differences } from '../install/site.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
const environment = { PIP_FIND_LINKS: fixtures.index };

/** What both do with a line in one environment, put up anew for each. */
function both(prepare: () => void, words: readonly string[], input = '') {
  return (['pip', 'accel'] as const).map((name) => {
    sandbox.resetEnvironment();
    prepare();
    const outcome = sandbox[name](words, { environment, input });
    return { outcome, tree: sandbox.snapshot() };
  });
}

function installed(...names: string[]): () => void {
  return () => {
    expect(sandbox.pip(['install', '-q', ...names], { environment }).stderr).toBe('');
  };
}

const editable = () => {
  const project = join(sandbox.root, 'project');
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, 'pyproject.toml'),
    '[build-system]\nrequires = []\nbuild-backend = "fx_backend"\n[project]\nname = "mine"\nversion = "1"\n',
  );
  sandbox.pip(['install', '-q', '-e', project], { environment });
};

test.each([
  ['a distribution with scripts', installed('fx-many', 'fx-ns-a'), ['fx-many']],
  ['what is not installed, beside what is', installed('fx-many'), ['fx-none', 'FX_Many']],
  ['one of two that share a namespace', installed('fx-ns-a', 'fx-ns-b'), ['fx-ns-a']],
  ['one that is named twice', installed('fx-many'), ['fx-many', 'fx.many', 'fx-many==9']],
  ['quietly', installed('fx-many'), ['-q', 'fx-many']],
  ['and says what it removes', installed('fx-many'), ['-v', 'fx-many']],
  ['nothing', installed('fx-many'), []],
  ['by an unknown option', installed('fx-many'), ['--no-such', 'fx-many']],
  ['by a folder', installed('fx-many'), ['./fx-many']],
])('%s is uninstalled as pip does it', (_what, prepare, names) => {
  const [pip, accel] = both(prepare, ['uninstall', '-y', ...names]);
  expect(accel?.outcome).toEqual(pip?.outcome);
  expect(differences(accel?.tree ?? {}, pip?.tree ?? {})).toEqual([]);
});

test('a requirements file is uninstalled as pip does it', () => {
  writeFileSync(join(sandbox.root, 'gone.txt'), 'fx-many\n# nothing\nfx-ns-a==1.0\n');
  const words = ['uninstall', '-y', '-r', 'gone.txt'];
  const [pip, accel] = both(installed('fx-many', 'fx-ns-a', 'fx-ns-b'), words);
  expect(accel?.outcome).toEqual(pip?.outcome);
  expect(differences(accel?.tree ?? {}, pip?.tree ?? {})).toEqual([]);
});

test.each(['y\n', '\n', 'n\n', 'perhaps\ny\n', 'n\ny\n', 'y\nn\n', 'y\ny\n', '', 'y\n\n'])(
  'the question is asked as pip asks it, and the answer %j does the same',
  (input) => {
    const words = ['uninstall', 'fx-many', 'fx-none', 'fx-ns-a'];
    const [pip, accel] = both(installed('fx-many', 'fx-ns-a'), words, input);
    expect(accel?.outcome.stdout).toEqual(pip?.outcome.stdout);
    expect(accel?.outcome.exitCode).toEqual(pip?.outcome.exitCode);
    expect(differences(accel?.tree ?? {}, pip?.tree ?? {})).toEqual([]);
  },
);

test('an editable project is uninstalled as pip does it', () => {
  const [pip, accel] = both(editable, ['uninstall', '-y', 'mine']);
  expect(accel?.outcome).toEqual(pip?.outcome);
  expect(differences(accel?.tree ?? {}, pip?.tree ?? {})).toEqual([]);
});

test('a file that another distribution has too is left to it', () => {
  sandbox.resetEnvironment();
  installed('fx-ns-a', 'fx-ns-b')();
  const [purelib = ''] = Object.keys(sandbox.snapshot()).filter((name) =>
    name.endsWith('site-packages'),
  );
  const record = join(sandbox.venv, purelib, 'fx_ns_b-1.0.dist-info', 'RECORD');
  const shared = join(purelib, 'fx_ns', 'a', '__init__.py');
  expect(Object.keys(sandbox.snapshot())).toContain(shared);
  writeFileSync(record, 'fx_ns/a/__init__.py,,\n', { flag: 'a' });
  expect(sandbox.accel(['uninstall', '-y', 'fx-ns-a']).exitCode).toBe(0);
  expect(Object.keys(sandbox.snapshot())).toContain(shared);
  expect(sandbox.accel(['uninstall', '-y', 'fx-ns-b']).exitCode).toBe(0);
  expect(Object.keys(sandbox.snapshot())).not.toContain(shared);
});

/** A distribution that was put there by hand. */
function place(name: string, version: string, module: string): void {
  const purelib = join(sandbox.venv, purelibOf());
  const info = `${name}-${version}.dist-info`;
  mkdirSync(join(purelib, info));
  writeFileSync(join(purelib, module), '');
  writeFileSync(
    join(purelib, info, 'METADATA'),
    `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
  );
  const rows = [module, `${info}/METADATA`, `${info}/RECORD`];
  writeFileSync(join(purelib, info, 'RECORD'), rows.map((row) => `${row},,\n`).join(''));
}

function purelibOf(): string {
  return Object.keys(sandbox.snapshot()).find((name) => /^lib\/.*site-packages$/.test(name)) ?? '';
}

test('of two names of which one begins with the other, the one is removed that was asked for', () => {
  const prepare = () => {
    place('foo', '1.0', 'foo.py');
    place('foo_1', '5.0', 'foo_1.py');
  };
  const [pip, accel] = both(prepare, ['uninstall', 'foo'], 'y\n');
  expect(accel?.outcome).toEqual(pip?.outcome);
  expect(differences(accel?.tree ?? {}, pip?.tree ?? {})).toEqual([]);
});

test('a folder of modules that is on the path by two names is one folder', () => {
  const prepare = () => {
    place('foo', '1.0', 'foo.py');
    const purelib = purelibOf();
    const other = join(sandbox.venv, purelib.replace(/^lib/, 'lib64'));
    writeFileSync(join(sandbox.venv, purelib, 'other.pth'), `${other}\n`);
  };
  const [pip, accel] = both(prepare, ['uninstall', '-y', 'foo']);
  expect(accel?.outcome).toEqual(pip?.outcome);
  expect(differences(accel?.tree ?? {}, pip?.tree ?? {})).toEqual([]);
});
