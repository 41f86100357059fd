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
import { stringify } from 'smol-toml';
import { beforeEach, describe, expect, test } from 'vitest';
import { essence, setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
beforeEach(() => rmSync(sandbox.cache, { recursive: true, force: true }));

interface Project {
  readonly name?: string;
  readonly requires?: readonly string[];
  /** What the extra `more` requires. */
  readonly more?: readonly string[];
  /** Fields of `[project]` that are to be dynamic. */
  readonly dynamic?: readonly string[];
  readonly code?: string;
}

/** A project with a backend that requires nothing, and takes the metadata out of PKG-INFO; its folder. */
function project(about: Project = {}): string {
  const { name = 'local-one', requires = [], more = [], dynamic = [], code = '' } = about;
  const folder = join(sandbox.root, name);
  const source = join(folder, 'src');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, `${name.replaceAll('-', '_')}.py`), code);
  const fields = Object.entries({
    name,
    version: '1.0',
    dependencies: requires,
    'optional-dependencies': { more },
    'requires-python': '>=3.6',
  }).filter(([field]) => !dynamic.includes(field));
  const table = Object.fromEntries([...fields, ['dynamic', dynamic]]);
  const buildSystem = { requires: ['fx-backend'], 'build-backend': 'fx_backend' };
  writeFileSync(
    join(folder, 'pyproject.toml'),
    stringify({ 'build-system': buildSystem, project: table }),
  );
  const metadata = [
    `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\nProvides-Extra: more`,
    ...requires.map((requirement) => `Requires-Dist: ${requirement}`),
    ...more.map((requirement) => `Requires-Dist: ${requirement} ; extra == 'more'`),
  ];
  writeFileSync(join(folder, 'PKG-INFO'), `${metadata.join('\n')}\n`);
  return folder;
}

interface Outcome {
  /** pip was asked what it would install. */
  readonly asked: boolean;
  readonly linked: number | null;
  readonly handedOver: string | null;
  /** All but pip itself and its tools. */
  readonly installed: string;
  readonly stdout: string;
}

/** Runs `pip-accel install …`, and tells what became of it. */
function install(
  line: readonly string[],
  options: { cwd?: string; environment?: Record<string, string> } = {},
): Outcome {
  const [log, pipLog] = [join(sandbox.root, 'log.jsonl'), join(sandbox.root, 'pip.log')];
  for (const path of [log, pipLog]) rmSync(path, { force: true });
  const finished = sandbox.accel(['install', ...line], {
    ...options,
    environment: {
      PIP_FIND_LINKS: fixtures.index,
      PIP_ACCEL_LOG_FILE: log,
      PIP_LOG: pipLog,
      ...options.environment,
    },
  });
  expect(finished.exitCode, finished.stderr).toBe(0);
  const events = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  const done = events.find(({ type }) => type === 'installed');
  const given = events.find(({ type }) => type === 'handed-over');
  return {
    asked: existsSync(pipLog) && readFileSync(pipLog, 'utf8').includes('Would install'),
    linked: done ? Number(done['linked']) : null,
    handedOver: given ? String(given['reason']) : null,
    installed: installed(),
    stdout: essence(finished).stdout,
  };
}

function installed(): string {
  const [folder = ''] = readdirSync(join(sandbox.venv, 'lib'));
  return readdirSync(join(sandbox.venv, 'lib', folder, 'site-packages'))
    .flatMap((name) => /^((?:fx|local)_.*)\.dist-info$/.exec(name)?.[1] ?? [])
    .map((stem) => stem.replace('-', '==').replaceAll('_', '-'))
    .sort()
    .join(' ');
}

/** The same line in a fresh environment. */
function installAnew(...given: Parameters<typeof install>): Outcome {
  sandbox.resetEnvironment();
  return install(...given);
}

describe('a line with a project whose metadata is static is remembered', () => {
  test.each([
    ['-e .', 1],
    ['.[more] -r requirements.txt', 2],
  ])('install %s', (words, linked) => {
    const line = words.split(' ');
    const cwd = project({ requires: ['fx-many==2'], more: ['fx-wheel'] });
    writeFileSync(join(cwd, 'requirements.txt'), 'fx-many\n');
    const environment = { PIP_FIND_LINKS: fixtures.index, PIP_NO_CACHE_DIR: '1' };
    const { stdout } = essence(sandbox.pip(['install', ...line], { environment, cwd }));
    const pips = { stdout, installed: installed() };
    const first = installAnew(line, { cwd, environment });
    const second = installAnew(line, { cwd, environment });
    expect(first).toMatchObject({ ...pips, asked: true, linked });
    expect(second).toEqual({ ...first, asked: false });
  });

  test('for as long as its pyproject.toml is the same, whatever becomes of its code', () => {
    const cwd = project({ requires: ['fx-many==2'], code: 'state = 1\n' });
    expect(install(['.'], { cwd }).asked).toBe(true);
    writeFileSync(join(cwd, 'src', 'local_one.py'), 'state = 2\n');
    expect(installAnew(['.'], { cwd })).toMatchObject({ asked: false, linked: 1 });
    const show = 'import local_one; print(local_one.state)';
    expect(sandbox.run([sandbox.python, '-c', show]).stdout).toBe('2\n');
    project({ requires: ['fx-many==1'] });
    expect(installAnew(['.'], { cwd })).toMatchObject({
      asked: true,
      installed: 'fx-many==1 local-one==1.0',
    });
  });

  test('but not with other extras', () => {
    const cwd = project({ requires: ['fx-many'], more: ['fx-wheel'] });
    expect(install(['.'], { cwd })).toMatchObject({ asked: true, linked: 1 });
    expect(installAnew(['.[more]'], { cwd })).toMatchObject({ asked: true, linked: 2 });
  });

  test('beside another project, until either changes', () => {
    const cwd = project({ requires: ['local-two', 'fx-wheel'] });
    project({ name: 'local-two', requires: ['fx-many==1'] });
    const line = ['-e', '.', '-e', '../local-two'];
    expect(install(line, { cwd })).toMatchObject({ asked: true, linked: 2 });
    expect(installAnew(line, { cwd })).toMatchObject({ asked: false, linked: 2 });
    project({ name: 'local-two', requires: ['fx-many==2'] });
    expect(installAnew(line, { cwd })).toMatchObject({
      asked: true,
      installed: 'fx-many==2 fx-wheel==1.0 local-one==1.0 local-two==1.0',
    });
  });

  test('until its backend makes other metadata all the same: then pip does the line', () => {
    const cwd = project({ requires: ['fx-many==2'] });
    install(['-e', '.'], { cwd });
    const path = join(cwd, 'PKG-INFO');
    writeFileSync(path, readFileSync(path, 'utf8').replace('fx-many==2', 'fx-wheel'));
    expect(installAnew(['-e', '.'], { cwd })).toMatchObject({
      asked: false,
      handedOver: 'metadata other than remembered',
      installed: 'fx-wheel==1.0 local-one==1.0',
    });
    expect(installAnew(['-e', '.'], { cwd })).toMatchObject({ asked: true, linked: 1 });
  });
});

describe('a line with a project is asked of pip each time', () => {
  test.each<readonly [string, () => string]>([
    [
      'where its dependencies are dynamic',
      () => project({ requires: ['fx-many==2'], dynamic: ['dependencies'] }),
    ],
    [
      'where setup.cfg may add to what it leaves out',
      () => {
        const folder = project({ requires: ['fx-many==2'] });
        const path = join(folder, 'pyproject.toml');
        writeFileSync(path, readFileSync(path, 'utf8').replace(/^requires-python.*$/m, ''));
        writeFileSync(join(folder, 'setup.cfg'), '[options]\npython_requires = >=3.7\n');
        return folder;
      },
    ],
    [
      'where one of its requirements lies elsewhere',
      () =>
        project({
          requires: [
            `fx-many @ file://${fixtures.index}/fx_many-2-py2.py3-none-any.whl`,
            'fx-wheel',
          ],
        }),
    ],
  ])('%s', (_name, make) => {
    const cwd = make();
    const first = install(['.', 'fx-stray'], { cwd });
    expect(first.asked).toBe(true);
    expect(installAnew(['.', 'fx-stray'], { cwd })).toEqual(first);
  });
});

describe('pip does a line at once where nothing is to be linked', () => {
  const reason = 'nothing to link beside what pip installs itself';

  test('for the project requires nothing', () => {
    const cwd = project();
    expect(install(['-e', '.'], { cwd })).toMatchObject({
      asked: false,
      handedOver: reason,
      installed: 'local-one==1.0',
    });
  });

  test('for all that it requires is there', () => {
    const requires = ['fx-needs-range', "fx-stray ; python_version < '3'"];
    const cwd = project({ requires, more: ['fx-wheel'] });
    install(['fx-needs-range']);
    const done = { asked: false, handedOver: reason };
    expect(install(['-e', '.', 'fx-many'], { cwd })).toMatchObject(done);
    expect(install(['-e', '.[more]'], { cwd })).toMatchObject({ asked: true, linked: 1 });
    expect(install(['-e', '.[more]'], { cwd })).toMatchObject(done);
  });

  test('but not where a constraint wants another version of it', () => {
    const cwd = project({ requires: ['fx-many'] });
    install(['fx-many==3']);
    writeFileSync(join(cwd, 'constraints.txt'), 'fx-many==2\n');
    expect(install(['-e', '.', '-c', 'constraints.txt'], { cwd })).toMatchObject({
      asked: true,
      linked: 1,
      installed: 'fx-many==2 local-one==1.0',
    });
  });

  test('for a wheel at a path requires nothing', () => {
    expect(install([join(fixtures.index, 'fx_wheel-1.0-py2.py3-none-any.whl')])).toMatchObject({
      asked: false,
      handedOver: reason,
      installed: 'fx-wheel==1.0',
    });
  });
});

describe('an archive at a path', () => {
  const wheel = () => join(sandbox.root, 'fx_many-1-py2.py3-none-any.whl');

  test('is remembered, and what is said of it', () => {
    copyFileSync(join(fixtures.index, 'fx_many-1-py2.py3-none-any.whl'), wheel());
    for (const path of [`file://${wheel()}`, './fx_many-1-py2.py3-none-any.whl']) {
      const line = [path, 'fx-wheel'];
      const first = installAnew(line);
      expect(first).toMatchObject({
        asked: true,
        linked: 1,
        installed: 'fx-many==1 fx-wheel==1.0',
      });
      expect(installAnew(line)).toEqual({ ...first, asked: false });
      // pip leaves a wheel of the same version alone, and says so.
      const again = install(line);
      expect(again.stdout).toContain('fx-many is already installed with the same version');
      expect(install(line).stdout).toBe(again.stdout);
    }
  });

  test('may be an sdist', () => {
    const line = [join(fixtures.index, 'fx-described-1.0.tar.gz'), 'fx-wheel'];
    const first = install(line);
    expect(first).toMatchObject({
      asked: true,
      linked: 1,
      installed: 'fx-described==1.0 fx-wheel==1.0',
    });
    expect(installAnew(line)).toEqual({ ...first, asked: false });
  });

  test('is another one when other bytes have its name', () => {
    copyFileSync(join(fixtures.index, 'fx_many-1-py2.py3-none-any.whl'), wheel());
    expect(install([wheel(), 'fx-wheel']).asked).toBe(true);
    sandbox.run([sandbox.python, '-c', repack, wheel()]);
    expect(installAnew([wheel(), 'fx-wheel'])).toMatchObject({
      asked: true,
      installed: 'fx-many==1 fx-pure==1.0 fx-wheel==1.0',
    });
  });
});

/** Adds a requirement to the wheel that it is given. */
const repack = `
import shutil, sys, zipfile
path = sys.argv[1]
with zipfile.ZipFile(path) as old, zipfile.ZipFile(path + '.new', 'w') as new:
    for entry in old.infolist():
        data = old.read(entry)
        if entry.filename.endswith('/METADATA'):
            data = data.replace(b'Version: 1\\n', b'Version: 1\\nRequires-Dist: fx-pure\\n')
        new.writestr(entry, data)
shutil.move(path + '.new', path)
`;

describe('a decision is remembered with all that its requirement files say', () => {
  test('variables that stand in them', () => {
    const file = join(sandbox.root, 'variables.txt');
    writeFileSync(file, 'fx-many<=${FX_VERSION}\n');
    for (const [version, asked] of [
      ['1', true],
      ['2', true],
      ['1', false],
    ] as const) {
      const outcome = installAnew(['-r', file], { environment: { FX_VERSION: version } });
      expect(outcome).toMatchObject({ asked, installed: `fx-many==${version}` });
    }
  });

  test('files that they name', () => {
    const nested = join(sandbox.root, 'nested');
    mkdirSync(nested, { recursive: true });
    const file = join(sandbox.root, 'outer.txt');
    writeFileSync(file, '-r nested/inner.txt\n');
    writeFileSync(join(nested, 'inner.txt'), '-c constraints.txt\nfx-many\n');
    for (const [version, asked] of [
      ['1', true],
      ['2', true],
      ['1', false],
    ] as const) {
      writeFileSync(join(nested, 'constraints.txt'), `fx-many<=${version}\n`);
      expect(installAnew(['-r', file])).toMatchObject({ asked, installed: `fx-many==${version}` });
    }
  });
});

test('what a project requires by its URL is not marked as asked for', () => {
  const wheel = readdirSync(fixtures.index).find((name) => /^fx_wheel-.*\.whl$/.test(name)) ?? '';
  const cwd = project({
    requires: ['fx-many', `fx-wheel @ file://${join(fixtures.index, wheel)}`],
  });
  const environment = { PIP_FIND_LINKS: fixtures.index };
  const marks = () =>
    Object.entries(sandbox.snapshot()).filter(([name]) => /REQUESTED|RECORD/.test(name));
  expect(sandbox.pip(['install', '.'], { environment, cwd }).exitCode).toBe(0);
  const expected = marks();
  installAnew(['.'], { cwd, environment });
  expect(marks()).toEqual(expected);
});
