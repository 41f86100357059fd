import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { differences } from '../install/site.ts';
import { type WheelParts, wheelBytes } from './zip-bytes.ts';

const sandbox = new Sandbox();
sandbox.keepEnvironment();
afterAll(() => sandbox[Symbol.dispose]());

const links = join(sandbox.root, 'links');
const outside = join(sandbox.root, 'outside');
const canary = join(outside, 'canary.py');
const neighbour = join(`${sandbox.venv}-evil`, 'canary.py');
mkdirSync(links);
const site = join(
  dirname(sandbox.run([sandbox.python, '-c', 'import pip; print(pip.__path__[0])']).stdout.trim()),
);

beforeEach(() => {
  sandbox.resetEnvironment();
  for (const path of [canary, neighbour]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'alive\n');
  }
});

function isUntouched(): boolean {
  return [canary, neighbour].every((path) => readFileSync(path, 'utf8') === 'alive\n');
}

function offer(wheel: WheelParts): void {
  const { name = 'evil', version = '1.0' } = wheel;
  const file = `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`;
  writeFileSync(join(links, file), wheelBytes(wheel));
}

const line = (...words: readonly string[]) => ['install', '--find-links', links, ...words];

describe('through the command line, nothing is changed by a wheel with', () => {
  test.each<[what: string, told: RegExp, wheel: WheelParts]>([
    [
      'a path that leaves',
      /\.\.\/\.\.\/outside\/canary\.py/,
      { parts: [{ name: '../../outside/canary.py', content: 'evil' }] },
    ],
    [
      'an entry point that leaves',
      /\.\.\/\.\.\/outside/,
      { info: { 'entry_points.txt': '[console_scripts]\n../../outside/canary.py = m:f\n' } },
    ],
    [
      'a hidden member',
      /directory does not know/,
      { parts: [{ name: 'hidden.py', hidden: true }] },
    ],
    [
      'another’s metadata',
      /does not start with other/,
      { info: { METADATA: 'Metadata-Version: 2.1\nName: other\nVersion: 1.0\n\n' } },
    ],
  ])('%s', (_what, told, wheel) => {
    rmSync(links, { recursive: true });
    mkdirSync(links);
    offer(wheel);
    offer({ name: 'good' });
    const before = sandbox.snapshot();
    const { stderr, exitCode } = sandbox.accel(line('good', 'evil==1.0'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/evil-1\.0-py3-none-any\.whl|evil==1\.0/);
    expect(stderr).toMatch(told);
    expect(differences(sandbox.snapshot(), before)).toEqual([]);
    expect(isUntouched()).toBe(true);
    expect(readdirSync(join(sandbox.cache, 'tmp'))).toEqual([]);
  });
});

test('what pip takes from a wheel, however odd, pip-accel takes alike', () => {
  const injected = [
    'commented = m:f # import os',
    'next = m:f\u2028line = m:f',
    'page = m:f\u0085also = m:g',
    'dotted.name = m.n:f.g',
    'unicode-ä = mé:ü',
  ];
  const wheels: WheelParts[] = [
    { name: 'twins', parts: [{ name: 'twin/A.py' }, { name: 'twin/a.py' }] },
    { name: 'linky', parts: [{ name: 'linky/l.py', content: '/etc/passwd', mode: 0o120777 }] },
    { name: 'setid', parts: [{ name: 'setid/tool', content: '#!/bin/sh\n', mode: 0o106755 }] },
    { name: 'slashed', parts: [{ name: '..\\..\\x.py' }, { name: 'C:\\x.py' }] },
    { name: 'lines', parts: [{ name: 'lines/new\nline.py' }, { name: 'lines/tab\t.py' }] },
    { name: 'pth', parts: [{ name: 'pth_evil.pth', content: 'import os\n' }] },
    { name: 'takes-pip', parts: [{ name: 'pip/py.typed', content: 'taken\n' }] },
    {
      name: 'injected',
      info: { 'entry_points.txt': `[console_scripts]\n${injected.join('\n')}\n` },
    },
    {
      name: 'lying',
      rows: '../../../../outside/canary.py,,\n/etc/passwd,,\ntwin/A.py,sha256=x,7\n"a,b\r\nc",,\n',
    },
    { name: 'named', info: { METADATA: 'Metadata-Version: 2.1\nName: Na.med\nVersion: 1\n\n' } },
    {
      name: 'own-installer',
      info: { INSTALLER: 'evil\n', 'direct_url.json': '{}' },
    },
  ].map((wheel) => (wheel.name === 'named' ? { ...wheel, name: 'na.med' } : wheel));
  rmSync(links, { recursive: true });
  mkdirSync(links);
  for (const wheel of wheels) offer(wheel);
  const words = line('--no-deps', ...wheels.map(({ name = '' }) => `${name}==1.0`));
  const byPip = sandbox.pip(words);
  const expected = sandbox.snapshot();
  sandbox.resetEnvironment();
  const byAccel = sandbox.accel(words);
  expect([byAccel.exitCode, byAccel.stderr]).toEqual([byPip.exitCode, byPip.stderr]);
  expect(byPip.exitCode).toBe(0);
  expect(differences(sandbox.snapshot(), expected)).toEqual([]);
});

test('a RECORD removes nothing outside of the environment, and inside nothing of others', () => {
  const up = '../../../..';
  const rows = [
    `${up}/outside/canary.py`,
    canary,
    `${up}/venv-evil/canary.py`,
    neighbour,
    `${up}/venv/../outside/canary.py`,
    '../../../bin/../../outside/canary.py',
    'door/canary.py',
    'door/../outside/canary.py',
    'victim.py',
    'victim-1.0.dist-info/METADATA',
    '../../../bin/pip',
  ];
  rmSync(links, { recursive: true });
  mkdirSync(links);
  offer({ name: 'victim' });
  offer({ name: 'lying', rows: rows.map((row) => `${row},,\n`).join('') });
  offer({ name: 'lying', version: '2.0' });
  const upgraded = (upgrade: () => number | null) => {
    sandbox.resetEnvironment();
    sandbox.pip(line('victim', 'lying==1.0'));
    symlinkSync(outside, join(site, 'door'));
    symlinkSync(canary, join(site, 'way.py'));
    return { exitCode: upgrade(), tree: sandbox.snapshot() };
  };
  const byAccel = upgraded(() => sandbox.accel(line('lying==2.0')).exitCode);
  expect(isUntouched()).toBe(true);
  // After it: pips without a fix for CVE-2026-1703 take `venv-evil` for a part of `venv`.
  const byPip = upgraded(() => sandbox.pip(line('lying==2.0')).exitCode);
  expect(byPip.exitCode).toBe(0);
  expect(byAccel.exitCode).toBe(0);
  // Also what another distribution's RECORD names, which pip takes away, stays.
  const kept = differences(byAccel.tree, byPip.tree);
  expect(kept.filter((name) => !/^bin\/pip$|\/victim[.-]/.test(name))).toEqual([]);
  expect(kept.filter((name) => byPip.tree[name] !== undefined)).toEqual([]);
  expect(kept).toContain('bin/pip');
  expect(existsSync(join(site, 'lying-2.0.dist-info'))).toBe(true);
});

test.each(['.', '../../..'])('a RECORD that names %j takes no folder away', (row) => {
  rmSync(links, { recursive: true });
  mkdirSync(links);
  offer({ name: 'lying', rows: `${row},,\n` });
  offer({ name: 'lying', version: '2.0' });
  sandbox.pip(line('lying==1.0'));
  const before = sandbox.snapshot();
  expect(sandbox.accel(line('lying==2.0')).exitCode).toBe(0);
  expect(isUntouched()).toBe(true);
  const changed = differences(sandbox.snapshot(), before);
  expect(changed.filter((name) => !name.includes('lying'))).toEqual([]);
});

test.each<[what: string, content: Buffer]>([
  ['that names itself', Buffer.from('-r hostile.txt\n')],
  ['of bytes in no encoding', Buffer.from([0x67, 0xff, 0x0a])],
  ['with a NUL', Buffer.from('good\0==1.0\n')],
])('a requirement file %s ends as with pip', (_what, content) => {
  const file = join(sandbox.root, 'hostile.txt');
  writeFileSync(file, content);
  const expected = sandbox.pip(['install', '-r', file]);
  expect(expected.exitCode).not.toBe(0);
  expect(sandbox.accel(['install', '-r', file])).toEqual(expected);
});

test('nothing is written through links that lie in the place of the store’s own entries', () => {
  rmSync(links, { recursive: true });
  mkdirSync(links);
  offer({ name: 'good' });
  rmSync(sandbox.cache, { recursive: true, force: true });
  expect(sandbox.accel(line('good==1.0')).exitCode).toBe(0);
  const entries = readdirSync(sandbox.cache, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('images/') || /^images\/v\d+\/[^/]+$/.test(name))
    .filter((name) => !name.startsWith('scripts'))
    .map((name) => join(sandbox.cache, name))
    .filter((path) => lstatSync(path).isFile() || path.includes('/images/'));
  expect(entries.length).toBeGreaterThan(4);
  const planted = join(sandbox.root, 'planted');
  mkdirSync(planted);
  for (const [index, path] of entries.entries()) {
    const target = join(planted, String(index));
    const isFolder = statSync(path).isDirectory();
    renameSync(path, `${path}.kept`);
    rmSync(`${path}.kept`, { recursive: true });
    if (isFolder) mkdirSync(target);
    else writeFileSync(target, 'alive\n');
    symlinkSync(target, path);
  }
  sandbox.resetEnvironment();
  const { exitCode, stdout } = sandbox.accel(line('good==1.0'));
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Successfully installed good-1.0');
  for (const name of readdirSync(planted)) {
    const path = join(planted, name);
    if (statSync(path).isDirectory()) expect(readdirSync(path)).toEqual([]);
    else expect(readFileSync(path, 'utf8')).toBe('alive\n');
  }
});

test('nothing is changed behind links that lie among the work in progress', () => {
  rmSync(links, { recursive: true });
  mkdirSync(links);
  offer({ name: 'good' });
  rmSync(sandbox.cache, { recursive: true, force: true });
  const temporary = join(sandbox.cache, 'tmp');
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  const longAgo = new Date(Date.UTC(2020, 0));
  const planted = ['run-0123456789abcdef', 'run-', 'of-another-version'];
  for (const name of planted) {
    symlinkSync(dirname(canary), join(temporary, name));
    lutimesSync(join(temporary, name), longAgo, longAgo);
  }
  mkdirSync(join(temporary, 'run-fedcba9876543210'));
  symlinkSync(dirname(canary), join(temporary, 'run-fedcba9876543210', '1-good'));
  symlinkSync(canary, join(temporary, 'run-fedcba9876543210', '2-good'));
  chmodSync(canary, 0o640);
  expect(sandbox.accel(line('good==1.0'))).toMatchObject({ exitCode: 0, stderr: '' });
  expect(readdirSync(temporary)).toEqual([]);
  expect(isUntouched()).toBe(true);
  expect(statSync(canary).mode & 0o777).toBe(0o640);
  expect(readdirSync(dirname(canary))).toEqual(['canary.py']);
});

test('a folder for work in progress that leads elsewhere is no place to work in', () => {
  rmSync(sandbox.cache, { recursive: true, force: true });
  mkdirSync(sandbox.cache);
  chmodSync(dirname(canary), 0o777);
  symlinkSync(dirname(canary), join(sandbox.cache, 'tmp'));
  const { exitCode, stderr } = sandbox.accel(line('good==1.0'));
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  expect(stderr).toContain('can be written to by every user');
  expect(readdirSync(dirname(canary))).toEqual(['canary.py']);
  chmodSync(dirname(canary), 0o755);
});
