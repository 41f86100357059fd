import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Interpreter } from '../../src/core/types.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { recallInterpreter } from '../../src/python/interpreter.ts';
import { openStore } from '../../src/store/layout.ts';
import { Sandbox } from './sandbox.ts';

/** `a` and `b` are alike, `open` and `shut` see the packages of the Python behind them, or not. */
const sandbox = new Sandbox();
const store = openStore(sandbox.cache);
const venv = (name: string) => join(sandbox.root, 'w', name);
const python = (name: string) => join(venv(name), 'bin', 'python');
const library = execFileSync(
  sandbox.python,
  ['-c', 'import sys; print("lib/python%d.%d/site-packages" % sys.version_info[:2])'],
  { encoding: 'utf8' },
).trim();
const home = join(sandbox.root, 'home');
const plain = { PATH: process.env['PATH'] ?? '', HOME: home };
const cwd = process.cwd();

beforeAll(() => {
  for (const name of ['a', 'b']) {
    sandbox.run([sandbox.python, '-m', 'venv', '--without-pip', venv(name)]);
  }
  const options = ['--without-pip', '--system-site-packages'];
  sandbox.run([sandbox.python, '-m', 'venv', ...options, venv('open')]);
  cpSync(join(sandbox.root, 'w'), join(sandbox.root, 'kept'), {
    recursive: true,
    verbatimSymlinks: true,
  });
});
beforeEach(() => {
  process.chdir(cwd);
  for (const folder of [sandbox.cache, join(sandbox.root, 'w'), home]) {
    rmSync(folder, { recursive: true, force: true });
  }
  cpSync(join(sandbox.root, 'kept'), join(sandbox.root, 'w'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  mkdirSync(home);
});
afterAll(() => {
  process.chdir(cwd);
  sandbox[Symbol.dispose]();
});

const recall = (name: string, variables = {}) =>
  recallInterpreter(store, python(name), { ...plain, ...variables });
const ask = async (name: string, variables = {}): Promise<Interpreter> =>
  await askInterpreter(store, python(name), { ...plain, ...variables });

/** A folder of the sandbox, with these files. */
function folder(name: string, files: Readonly<Record<string, string>> = {}): string {
  const path = join(sandbox.root, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

const pth = (name: string, text: string) =>
  writeFileSync(join(venv(name), library, 'more.pth'), text);

describe('facts are those of an environment that is made alike', () => {
  test('wherever it lies, and whoever asks', async () => {
    const known = await ask('a');
    expect(recall('a')).toEqual(known);
    expect(recall('b', { HOME: '/elsewhere' })).toEqual(await ask('b'));
  });

  test('with folders of its own on the path', async () => {
    for (const name of ['a', 'b']) {
      mkdirSync(join(venv(name), 'src'));
      pth(name, `${venv(name)}/src\n`);
    }
    await ask('a', { PYTHONPATH: `${venv('a')}/shared:/opt/more` });
    const variables = { PYTHONPATH: `${venv('b')}/shared:/opt/more` };
    const recalled = recall('b', variables);
    expect(recalled?.sitePackages).toContain(join(venv('b'), 'src'));
    expect(recalled).toEqual(await ask('b', variables));
  });

  test('but not of one that names the same folder, which is that of another', async () => {
    const variables = { PYTHONPATH: `${venv('a')}/shared` };
    await ask('a', variables);
    expect(recall('b', variables)).toBeNull();
  });

  test('and a name that another one begins with is another name', async () => {
    for (const name of ['a', 'b']) mkdirSync(`${venv(name)}-src`);
    pth('a', `${venv('a')}-src\n`);
    await ask('a');
    pth('b', `${venv('b')}-src\n`);
    expect(recall('b')).toBeNull();
  });
});

describe('facts are asked anew', () => {
  test.each(['.', 'sub', ':/opt/more', '/opt/more:'])(
    'in another folder where PYTHONPATH is %s',
    async (PYTHONPATH) => {
      process.chdir(folder('one'));
      const known = await ask('a', { PYTHONPATH });
      expect(recall('a', { PYTHONPATH })).toEqual(known);
      process.chdir(folder('two'));
      expect(recall('a', { PYTHONPATH })).toBeNull();
      expect(recall('a')).toBeNull();
    },
  );

  test('but not in another folder where it is empty', async () => {
    process.chdir(folder('one'));
    const known = await ask('a', { PYTHONPATH: '' });
    process.chdir(folder('two'));
    expect(recall('a', { PYTHONPATH: '' })).toEqual(known);
  });

  test.each(['HOME', 'PYTHONUSERBASE'])(
    'for another %s where user packages are seen',
    async (name) => {
      await ask('open', { [name]: folder('one') });
      expect(recall('open', { [name]: folder('two') })).toBeNull();
    },
  );

  test('for another PYTHONPLATLIBDIR', async () => {
    await ask('a');
    expect(recall('a', { PYTHONPLATLIBDIR: 'lib64' })).toBeNull();
  });

  test('where there are user packages since, or more of them on the path', async () => {
    const { userSite } = await ask('open');
    expect(userSite).not.toBeNull();
    mkdirSync(userSite ?? '', { recursive: true });
    expect(recall('open')).toBeNull();
    expect((await ask('open')).sitePackages).toContain(userSite);
    expect(recall('open')).not.toBeNull();
    writeFileSync(join(userSite ?? '', 'more.pth'), `${folder('more')}\n`);
    expect(recall('open')).toBeNull();
  });

  test.each(['sitecustomize.py', 'usercustomize.py', 'sitecustomize/__init__.py'])(
    'where %s changes',
    async (file) => {
      const shared = folder('shared/sitecustomize').replace(/\/sitecustomize$/, '');
      for (const place of [shared, join(venv('a'), library)]) {
        mkdirSync(join(place, 'sitecustomize'), { recursive: true });
        writeFileSync(join(place, file), 'first = 1\n');
        const variables = { PYTHONPATH: shared };
        await ask('a', variables);
        expect(recall('a', variables)).not.toBeNull();
        appendFileSync(join(place, file), 'import sys\n');
        expect(recall('a', variables)).toBeNull();
      }
    },
  );

  test('where the environment changed while it was asked', async () => {
    const change = folder('change', {
      'sitecustomize.py': `open(${JSON.stringify(join(venv('a'), library, 'late.pth'))}, 'w').write('/opt\\n')\n`,
    });
    await ask('a', { PYTHONPATH: change });
    expect(readFileSync(join(venv('a'), library, 'late.pth'), 'utf8')).toBe('/opt\n');
    expect(recall('a', { PYTHONPATH: change })).toBeNull();
  });
});
