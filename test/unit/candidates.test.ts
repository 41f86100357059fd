import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Interpreter, NormalizedName } from '../../src/core/types.ts';
import { foreignTo, metBy, spareSdists, takenFiles } from '../../src/gateway/cold/ahead/choice.ts';
import { briefPage } from '../../src/gateway/cold/ahead/edited-page.ts';
import { linksOf, parsePage, readPage } from '../../src/obtain/cold/index/page.ts';
import { chooseFile, type FileRules } from '../../src/plan/pinned/candidates.ts';
import { plainNameOf, readArchiveName } from '../../src/plan/pinned/filename.ts';
import { folderFiles, sortLocal } from '../../src/plan/pinned/folder.ts';
import { addFormatControl, type FormatControl } from '../../src/plan/pinned/format-control.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { parseSpecifiers, parseVersion } from '../../src/python/pep440.ts';
import { openStore } from '../../src/store/layout.ts';
import type { ReleaseFile } from '../../src/store/releases.ts';

const key = 'fx-any' as NormalizedName;
const python = process.env['PYTHON'] ?? 'python3';
const root = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-candidates-')));
let interpreter: Interpreter;

beforeAll(async () => {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: root };
  const executable = execFileSync(python, ['-c', 'import sys; print(sys.executable)']);
  const path = executable.toString().trim();
  interpreter = await askInterpreter(openStore(join(root, 'store')), path, environment);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Mulberry32: the same cases at every run. */
function random(seed: number): <T>(values: readonly T[]) => T {
  let state = seed;
  return (values) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const place = ((mixed ^ (mixed >>> 14)) >>> 0) % values.length;
    return values[place] as (typeof values)[number];
  };
}

const versions = ['1.0', '1', '1.0.0', '1.0+cpu', '1.0+local.1', '1.0.post1', '1.0rc1', '1.1'];
const specifiers = ['==1.0', '==1', '===1.0', '==1.0+cpu', '==1.0,!=1.0+cpu', '==1.0rc1', '==1.1'];
const digests = ['a', 'b', 'c'].map((digit) => digit.repeat(64));

function fileName(pick: ReturnType<typeof random>): string {
  const version = pick(versions);
  const [major, minor] = interpreter.versionInfo;
  const own = `cp${major}${minor}`;
  const names = [
    `fx_any-${version}.tar.gz`,
    `fx-any-${version}.zip`,
    `fx.any-${version}.tar.bz2`,
    `fx_any-${version}-py${major}.${minor}.tar.gz`,
    `fx_any-${version}-py2.7.tar.gz`,
    `fx_any-${version}-py3-none-any.whl`,
    `fx_any-${version}-1-py3-none-any.whl`,
    `fx_any-${version}-10x-py2.py3-none-any.whl`,
    `fx_any-${version}-2-${own}-none-any.whl`,
    `fx_any-${version}-${own}-abi3-any.whl`,
    `fx_any-${version}-${own}.py3-none-any.whl`,
    `fx_any-${version}-cp27-cp27m-win_amd64.whl`,
    `fx_any-${version}-${own}-${own}-manylinux_2_5_x86_64.manylinux1_x86_64.whl`,
    `fx_any-${version}-py3-none-manylinux2014_x86_64.whl`,
    `Fx_Any-${version}-py3-none-any.whl`,
    `fx_any_more-${version}-py3-none-any.whl`,
    `fx_any-${version}.whl`,
    'fx_any-latest.tar.gz',
    `fx_any-${version}.exe`,
    `fx_any-${version}-py2.7.egg`,
    `fx_any-${version}.noarch.rpm`,
    `fx_any-${version}.EGG`,
    `fx_any-${version}.egg.zip`,
    `other-${version}.tar.gz`,
  ];
  return pick(names);
}

function link(pick: ReturnType<typeof random>): string {
  const fragment = pick(['', `#sha256=${pick(digests)}`, `#sha256=${pick(digests)}`]);
  const requires = pick(['', '', '', '&gt;=3.6', '<3', '>=3.6.*', '!=3.0.*, &gt;=2.7', 'nonsense']);
  const yanked = pick(['', '', '', '', ' data-yanked=""', ' data-yanked="broken &amp; gone"']);
  // What comes behind a question mark is no part of a file's name.
  const query = pick(['', '', '', '', '', '?of=/fx_any-1.0-cp27-cp27m-win32.whl']);
  const href = encodeURI(`https://files.test/${pick(['a', 'b c', 'd'])}/${fileName(pick)}${query}`);
  const python = requires === '' ? '' : ` data-requires-python="${requires}"`;
  const metadata = pick(['', ' data-core-metadata="true"', ' data-core-metadata="true"']);
  return `<a${yanked} href="${href}${fragment}"${python}${metadata}>x</a><br />`;
}

/** A wheel and an sdist of one release. */
function release(pick: ReturnType<typeof random>): string {
  const start = `https://files.test/e/fx_any-${pick(['1.0', '1.1', '2.0', '2.1'])}`;
  const said = pick(['', ' data-requires-python="&gt;=2"', ' data-yanked=""']);
  const wheel = `<a href="${start}-py2.py3-none-any.whl"${said} data-core-metadata="true">x</a>`;
  return `${wheel}\n<a href="${start}.tar.gz"${pick([said, said, ''])}>x</a>`;
}

function makeCase(seed: number) {
  const pick = random(seed);
  const many = <T>(make: () => T): T[] => Array.from({ length: pick([0, 1, 3, 8, 20]) }, make);
  const folder = join(root, `${seed}`);
  const pages = ['first', 'second'].map((name) => {
    const html = `<!DOCTYPE html><html><head><title>x</title></head><body>\n${many(() => pick([link, link, release])(pick)).join('\n')}</body></html>`;
    mkdirSync(join(folder, name, 'fx-any'), { recursive: true });
    writeFileSync(join(folder, name, 'fx-any', 'index.html'), html);
    return { url: `file://${folder}/${name}/fx-any/index.html`, html };
  });
  const wheels = join(folder, 'wheels');
  mkdirSync(wheels);
  for (const name of many(() => fileName(pick)).slice(0, 5)) writeFileSync(join(wheels, name), '');
  return {
    pages,
    folder: wheels,
    links: [wheels],
    indexes: [`file://${folder}/first`, `file://${folder}/second`],
    specifier: pick(specifiers),
    hashes: pick([
      null,
      null,
      { sha256: [pick(digests)] },
      { sha256: [pick(digests), pick(digests)] },
    ]),
    formats: pick([
      [],
      [],
      [],
      [['no-binary', 'fx.any']],
      [['only-binary', ':all:']],
      [
        ['no-binary', ':all:'],
        ['only-binary', 'Fx_Any'],
      ],
      [['only-binary', 'a,fx-any,:none:']],
    ] as readonly (readonly (readonly ['no-binary' | 'only-binary', string])[])[]),
    preferBinary: pick([false, false, true]),
    ignoreRequiresPython: pick([false, false, false, true]),
  };
}

const environment = { PATH: process.env['PATH'], PYTHONPATH: process.env['PIP_ORACLE'] ?? '' };

interface Found {
  /** Of the file that it takes. */
  readonly url: string | null;
  readonly versions: readonly string[];
}

/** What pip's own finder finds. */
function askFinder(cases: readonly unknown[]): readonly Found[] {
  const output = execFileSync(python, [join(import.meta.dirname, 'finder.py')], {
    input: JSON.stringify(cases),
    env: environment,
    maxBuffer: 1 << 26,
  });
  return JSON.parse(output.toString()) as readonly Found[];
}

test('of a release’s files the one is taken that pip takes', () => {
  const cases = Array.from({ length: 250 }, (_, seed) => makeCase(seed + 1));
  const pip = execFileSync(python, ['-c', 'import pip; print(pip.__version__)'], {
    env: environment,
  });
  const expected = askFinder(cases);
  const version = pip.toString().trim();
  const found = cases.map((one) => choose(one, version));
  const unclear = found.filter((url) => url === 'unclear').length;
  expect(unclear).toBeLessThan(cases.length / 3);
  expect(found.filter((url) => url !== null && url !== 'unclear').length).toBeGreaterThan(40);
  for (const [index, url] of found.entries()) {
    if (url !== 'unclear') expect({ index, url }).toEqual({ index, url: expected[index]?.url });
  }
});

function rulesOf(one: ReturnType<typeof makeCase>, pip: string): FileRules {
  const formats: FormatControl = { noBinary: new Set(), onlyBinary: new Set() };
  for (const [option, value] of one.formats) addFormatControl(formats, option, value);
  const { preferBinary, ignoreRequiresPython } = one;
  return { interpreter, pip, formats, preferBinary, ignoreRequiresPython };
}

function choose(one: ReturnType<typeof makeCase>, pip: string): string | null {
  const pages = one.pages.flatMap(({ url, html }): readonly ReleaseFile[] =>
    readPage({ url, contentType: 'text/html', body: Buffer.from(html) }),
  );
  const local = folderFiles(readdirSync(one.folder), one.folder, { key, pip }) ?? [];
  const choice = chooseFile([...sortLocal(local), ...pages], {
    key,
    specifiers: parseSpecifiers(one.specifier) ?? [],
    hashes: one.hashes ?? {},
    rules: rulesOf(one, pip),
  });
  if (choice.outcome === 'chosen') return choice.candidate.file.url;
  return /two ways|alike/.test(choice.reason) ? 'unclear' : null;
}

test('pip takes the same of pages without the wheels of other systems, and of terse ones', () => {
  const cases = Array.from({ length: 250 }, (_, seed) => ({
    ...makeCase(seed + 1001),
    hashes: null,
  }));
  const isForeign = foreignTo(interpreter);
  const whole = askFinder(cases);
  const leftOut = { foreign: 0, spare: 0 };
  for (const one of cases) {
    for (const { url, html } of one.pages) {
      const body = Buffer.from(html);
      const page = parsePage({ url, contentType: 'text/html', body });
      const { links, passedOver } = linksOf(page, (address) => !isForeign(address));
      const files = links.map(({ file }) => file);
      const spare = spareSdists(links, takenFiles(files, key, rulesOf(one, '26.3')));
      leftOut.foreign += passedOver.size;
      leftOut.spare += spare.length;
      const kept = { url, asked: {}, status: 200, reason: undefined, headers: {}, body };
      const places = new Set([...passedOver, ...spare]);
      writeFileSync(new URL(url), briefPage(kept, page, { places, isMet: null }).body);
    }
  }
  expect(leftOut.foreign).toBeGreaterThan(50);
  expect(leftOut.spare).toBeGreaterThan(30);
  expect(askFinder(cases)).toEqual(whole);
});

test('what is taken for met by this Python, pip takes for met', () => {
  const pick = random(7);
  const operators = ['>=', '<=', '>', '<', '==', '!=', '~=', '===', ''];
  const pythons = [
    '2.7',
    '3',
    '3.11.7',
    '3.6.*',
    '3.8',
    '3.99',
    '4',
    '3.12.0rc1',
    '3.8c1',
    'v3.8',
    'v3.*',
    '0!3.8',
    '3.x',
    '',
  ];
  const clause = () => `${pick(operators)}${pick(['', ' '])}${pick(pythons)}`;
  const texts = Array.from({ length: 1600 }, () =>
    Array.from({ length: pick([1, 1, 2, 3]) }, clause).join(pick([',', ', ', ' '])),
  );
  const isMet = metBy({ interpreter, pip: '24.3.1' });
  const met = texts.filter((text) => isMet?.(text));
  expect(met.length).toBeGreaterThan(100);
  const script = `import json, sys
from pip._internal.utils.packaging import check_requires_python
json.dump([check_requires_python(text, sys.version_info[:3]) for text in json.load(sys.stdin)], sys.stdout)`;
  const output = execFileSync(python, ['-c', script], {
    input: JSON.stringify(met),
    env: environment,
  });
  expect(JSON.parse(output.toString())).toEqual(met.map(() => true));
});

test('a glance at a name tells what pip reads in it', () => {
  const pick = random(1);
  let known = 0;
  for (let count = 0; count < 2000; count += 1) {
    const filename = fileName(pick);
    const plain = plainNameOf(`https://files.test/a/${filename}`);
    const name = readArchiveName(filename, key, '26.3');
    if (plain === null || name === null || name === 'unclear') continue;
    known += 1;
    expect(parseVersion(plain.version)).toEqual(name.version);
    expect(plain.tags === null).toBe(name.wheel === null);
  }
  expect(known).toBeGreaterThan(500);
});
