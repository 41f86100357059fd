import {
  chmod,
  cp,
  mkdir,
  readFile,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { differences, varyingFiles } from './harness/difference.ts';
import { temporaryFolder } from './harness/settings.ts';
import { snapshot, staleBytecode } from './harness/tree.ts';

const SITE = 'lib/python3.11/site-packages';
const RECORD = `${SITE}/demo-1.dist-info/RECORD`;

let folder: string;
let pips: string;
let other: string;

beforeEach(async () => {
  folder = temporaryFolder('harness');
  pips = path.join(folder, 'pips');
  other = path.join(folder, 'other');
  await write(`${SITE}/demo/__init__.py`, 'value = 1\n');
  await write(`${SITE}/demo/native.so`, 'built in /tmp/a');
  await write(`${SITE}/demo/__pycache__/__init__.cpython-311.pyc`, 'as pip compiled it');
  await write('bin/demo', '#!/env/bin/python\n');
  await write(
    RECORD,
    '../../../bin/demo,sha256=a,18\r\ndemo/__init__.py,sha256=b,10\r\ndemo/native.so,sha256=c,15\r\n',
  );
  await chmod(path.join(pips, 'bin/demo'), 0o755);
  await symlink('demo', path.join(pips, 'bin/alias'));
  await cp(pips, other, { recursive: true, verbatimSymlinks: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('two equal trees differ in nothing', async () => {
  expect(await compare()).toEqual([]);
});

test('the bytes of bytecode may differ, its absence may not', async () => {
  const compiled = path.join(other, SITE, 'demo/__pycache__/__init__.cpython-311.pyc');
  await writeFile(compiled, 'as another compiled it, longer');
  expect(await compare()).toEqual([]);
  await unlink(compiled);
  expect(await compare()).toEqual([expect.stringContaining('__init__.cpython-311.pyc: missing')]);
});

test.each<[string, () => Promise<unknown>, string]>([
  ['a missing file', () => unlink(at('demo/__init__.py')), 'demo/__init__.py: missing'],
  [
    'a file too many',
    () => writeFile(at('demo/more.py'), ''),
    'demo/more.py: file that pip has not',
  ],
  ['an empty folder too many', () => mkdir(at('empty')), 'empty: folder that pip has not'],
  [
    'other bytes of the same size',
    () => writeFile(at('demo/__init__.py'), 'value = 2\n'),
    'other bytes',
  ],
  ['another mode', () => chmod(path.join(other, 'bin/demo'), 0o775), 'bin/demo: mode 775'],
  ['another mode of a folder', () => chmod(at('demo'), 0o700), 'demo: mode 700'],
  ['a link that points elsewhere', () => relink('../demo'), 'bin/alias: links to ../demo'],
  ['a file in place of a link', () => relink(undefined), 'bin/alias: a file, where pip has a link'],
  [
    'another shebang',
    () => writeFile(path.join(other, 'bin/demo'), '#!/b\n'),
    'lacks "#!/env/bin/python"',
  ],
  [
    'a row of RECORD',
    () => edit(RECORD, 'sha256=b', 'sha256=x'),
    'RECORD: lacks "demo/__init__.py,sha256=b',
  ],
  ['the order of RECORD', () => edit(RECORD, /([^\n]*\n)([^\n]*\n)/, '$2$1'), 'in another order'],
])('%s is shown', async (_what, damage, shown) => {
  await damage();
  expect((await compare()).join('\n')).toContain(shown);
});

test('what two builds by pip itself do not repeat is permitted, and no more', async () => {
  const again = path.join(folder, 'again');
  await cp(pips, again, { recursive: true, verbatimSymlinks: true });
  await writeFile(path.join(again, SITE, 'demo/native.so'), 'built in /tmp/b');
  const varying = varyingFiles(await snapshot(pips), await snapshot(again));
  expect([...varying]).toEqual([`${SITE}/demo/native.so`]);

  await writeFile(at('demo/native.so'), 'built in /tmp/c');
  await edit(RECORD, 'sha256=c,15', 'sha256=z,15');
  expect(differences(await snapshot(pips), await snapshot(other), varying)).toEqual([]);

  await edit(RECORD, 'sha256=b', 'sha256=x');
  expect(differences(await snapshot(pips), await snapshot(other), varying)).not.toEqual([]);
});

test('bytecode that Python would not use is found', async () => {
  const source = at('demo/__init__.py');
  const seconds = 1_700_000_000;
  await utimes(source, seconds, seconds);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(seconds, 8);
  header.writeUInt32LE((await readFile(source)).length, 12);
  await writeFile(at('demo/__pycache__/__init__.cpython-311.pyc'), header);
  expect(await staleBytecode(other, await snapshot(other))).toEqual([]);

  await utimes(source, seconds + 1, seconds + 1);
  expect(await staleBytecode(other, await snapshot(other))).toHaveLength(1);
});

async function compare(): Promise<readonly string[]> {
  return differences(await snapshot(pips), await snapshot(other));
}

function at(name: string): string {
  return path.join(other, SITE, name);
}

async function write(name: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(pips, name)), { recursive: true });
  await writeFile(path.join(pips, name), text);
}

async function edit(name: string, from: string | RegExp, to: string): Promise<void> {
  const file = path.join(other, name);
  await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
}

async function relink(target: string | undefined): Promise<void> {
  const link = path.join(other, 'bin/alias');
  await unlink(link);
  await (target === undefined ? writeFile(link, '') : symlink(target, link));
}
