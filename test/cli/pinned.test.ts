import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Decided } from '../../src/core/types.ts';
import { keptLines } from '../../src/report/cold/kept-lines.ts';
import type { RememberedDecision } from '../../src/plan/decisions.ts';
import { parseReport } from '../../src/plan/cold/ask-pip.ts';
import { Fixtures } from './fixtures.ts';
import { IndexServer } from './index-server.ts';
import { type Finished, Sandbox } from './sandbox.ts';

let fixtures: Fixtures;
let server: IndexServer;
let sandbox: Sandbox;
/** One line for each Python that is started in the environment, with its arguments. */
let starts: string;

beforeAll(async () => {
  fixtures = new Fixtures();
  server = await IndexServer.start(fixtures);
  sandbox = new Sandbox();
  starts = join(sandbox.root, 'starts.txt');
  watchStarts();
  sandbox.keepEnvironment();
});
beforeEach(() => {
  sandbox.resetEnvironment();
  rmSync(sandbox.cache, { recursive: true, force: true });
  server.takeRequests();
});
afterAll(() => {
  sandbox[Symbol.dispose]();
  server[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

function watchStarts(): void {
  const words = "' '.join(word.split(chr(10))[0] for word in getattr(sys, 'orig_argv', sys.argv))";
  const line = `import sys; open(${JSON.stringify(starts)}, 'a').write(${words} + chr(10))\n`;
  const library = join(sandbox.venv, 'lib');
  const [version = ''] = readdirSync(library);
  appendFileSync(join(library, version, 'site-packages', 'starts.pth'), line);
}

/** What Pythons were started by the work. */
function pythonStarts(work: () => unknown): readonly string[] {
  writeFileSync(starts, '');
  work();
  return readFileSync(starts, 'utf8').split('\n').filter(Boolean);
}

/** How often pip was asked; what a build needs is another question. */
function pipStarts(work: () => unknown): number {
  return pythonStarts(work).filter((line) => /pip.* -r .*requirements\.txt/.test(line)).length;
}

function lockFile(lines: readonly string[], name = 'requirements.txt'): string {
  const file = join(sandbox.root, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const online = (...places: readonly string[]) => ({
  PIP_NO_INDEX: '',
  PIP_INDEX_URL: `${server.url}/${places[0] ?? 'simple'}`,
  PIP_EXTRA_INDEX_URL: places
    .slice(1)
    .map((place) => `${server.url}/${place}`)
    .join(' '),
});

interface Install {
  readonly lines: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
}

function install({ lines, environment = online(), words = [] }: Install): Finished {
  return sandbox.accel(['install', ...words, '-r', lockFile(lines)], { environment });
}

/** The decision that this run left behind. */
function decision(): RememberedDecision & { readonly decided: readonly Decided[] } {
  const folder = join(sandbox.cache, 'decisions', 'v4');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RememberedDecision)
    .filter(({ files: named }) => named.length > 0);
  const [last] = files.sort((left, right) => right.time - left.time);
  if (!last) throw new Error('nothing was remembered');
  return { ...last, decided: last.items.map((item) => item.decided) };
}

/** This run said what pip says, in whatever order. */
function expectLines(lines: readonly string[]): void {
  const expected = keptLines(lines, new Set());
  expect((decision().lines ?? []).map(String).sort()).toEqual(expected.map(String).sort());
}

function pipDecision({ lines, environment = online(), words = [] }: Install) {
  const report = join(sandbox.root, 'report.json');
  rmSync(report, { force: true });
  const file = lockFile(lines);
  const command = ['install', '--dry-run', '--report', report, ...words, '-r', file];
  const { stdout, exitCode } = sandbox.pip(command, { environment });
  const decided = exitCode === 0 ? parseReport(readFileSync(report, 'utf8')) : [];
  return { decided, lines: stdout.split('\n').filter((line) => telling.test(line)) };
}

const telling = /^(Collecting|Processing|Looking in|Ignoring|Requirement already)/;

const byName = (decided: readonly Decided[]) =>
  [...decided].sort((left, right) => (left.key < right.key ? -1 : 1));

const closure = ['fx-needs-range==1.0', 'fx-many==3', 'fx-pair-a==2', 'fx-pair-b==2'];

describe('a pinned set is decided without pip', () => {
  const cases: readonly (Install & { readonly name: string })[] = [
    { name: 'from pages of HTML', lines: closure },
    { name: 'from pages of JSON', lines: closure, environment: {} },
    { name: 'where a dependency is what pins', lines: ['fx-pair-a==1'] },
    {
      name: 'with extras of extras',
      lines: ['fx-extras[all]==1.0', 'fx-many==2.1', 'fx-pure==1.0', 'fx-wheel==1.0'],
    },
    {
      name: 'with markers, of lines and of metadata',
      lines: [
        'fx-markers==1.0',
        'fx-py3-only==1.0',
        "fx-absent==9 ; python_version < '3'",
        "fx-py2-only ; sys_platform == 'fx'",
      ],
    },
    { name: 'with local versions', lines: ['fx-versions==1.0'] },
    { name: 'with a pre-release', lines: ['fx-pre==1.1a1'] },
    { name: 'with arbitrary equality', lines: ['fx-pre===1.1rc1'] },
    { name: 'with epochs', lines: ['fx-epoch==1!1.0'] },
    { name: 'with build numbers', lines: ['fx-tagged==1.0'] },
    { name: 'with circles', lines: ['fx-circular-a==1.0', 'fx-circular-b==1.0'] },
    { name: 'with odd names', lines: ['FX_odd.wheel-NAME==1.0', 'fx_dotted_name==1.1'] },
    { name: 'without dependencies', lines: ['fx-needs-absent==1.0'], words: ['--no-deps'] },
    { name: 'with an sdist', lines: ['fx-pure==1.0'] },
    { name: 'with no wheels allowed', lines: ['fx-both==1.0'], words: ['--no-binary', 'fx-both'] },
    {
      name: 'from several indexes',
      lines: ['fx-both==1.0', 'fx-many==2'],
      environment: { several: '' },
    },
  ];
  const environments: Readonly<Record<string, () => Record<string, string>>> = {
    'from pages of JSON': () => online('json'),
    'from several indexes': () => online('empty', 'sdists', 'simple', 'json'),
  };
  test.each(cases)('$name', ({ name, lines, words = [] }) => {
    const environment = environments[name]?.() ?? online();
    const pip = pipDecision({ lines, words, environment });
    let finished: Finished | null = null;
    const started = pipStarts(() => {
      finished = install({ lines, words, environment });
    });
    expect(finished).toMatchObject({ exitCode: 0 });
    expect(started).toBe(0);
    const { decided, pinned } = decision();
    expect(byName(decided)).toEqual(byName(pip.decided));
    expectLines(pip.lines);
    expect(pinned).toBe(true);
  });

  test('with constraints that pin', () => {
    const constraints = lockFile(['fx-many==2', 'fx-absent==7'], 'constraints.txt');
    const request = { lines: ['fx-needs-range==1.0'], words: ['-c', constraints] };
    const pip = pipDecision(request);
    expect(pipStarts(() => install(request))).toBe(0);
    expect(byName(decision().decided)).toEqual(byName(pip.decided));
  });

  test('from a folder of archives', () => {
    const environment = { PIP_FIND_LINKS: fixtures.index };
    const pip = pipDecision({ lines: closure, environment });
    expect(pipStarts(() => install({ lines: closure, environment }))).toBe(0);
    expect(byName(decision().decided)).toEqual(byName(pip.decided));
    expectLines(pip.lines);
  });

  test('with what is installed and satisfies', () => {
    install({ lines: ['fx-many==2'] });
    const lines = ['fx-needs-range==1.0', 'fx-pair-a==2', 'fx-pair-b==2'];
    const pip = pipDecision({ lines });
    expect(pipStarts(() => install({ lines }))).toBe(0);
    expect(byName(decision().decided)).toEqual(byName(pip.decided));
    expectLines(pip.lines);
  });

  test('over another version, and again by force', () => {
    install({ lines: ['fx-many==2'] });
    const upgrade = ['--upgrade'];
    for (const words of [[], upgrade, ['--force-reinstall'], ['--ignore-installed']]) {
      const request = { lines: ['fx-many==3'], words };
      const pip = pipDecision(request);
      expect(pipStarts(() => install(request))).toBe(0);
      expect(byName(decision().decided)).toEqual(byName(pip.decided));
    }
    expect(sandbox.pip(['list', '--format=freeze']).stdout).toContain('fx-many==3');
  });

  test('with hashes', () => {
    const hash = (name: string) =>
      createHash('sha256')
        .update(readFileSync(join(fixtures.index, name)))
        .digest('hex');
    const wheel = hash('fx_both-1.0-py2.py3-none-any.whl');
    const sdist = hash('fx-both-1.0.tar.gz');
    for (const hashes of [[wheel, sdist], [sdist]]) {
      sandbox.resetEnvironment();
      const lines = [`fx-both==1.0 ${hashes.map((one) => `--hash=sha256:${one}`).join(' ')}`];
      const pip = pipDecision({ lines });
      expect(pip.decided).toHaveLength(1);
      expect(pipStarts(() => install({ lines }))).toBe(0);
      expect(decision().decided).toEqual(pip.decided);
    }
  });
});

describe('a lock file that other environments have had in parts', () => {
  test('is installed without network, Python and pip, and gives pip’s tree', () => {
    install({ lines: closure.slice(0, 2) });
    sandbox.resetEnvironment();
    install({ lines: closure.slice(2) });
    sandbox.resetEnvironment();
    // The facts of the environment are another matter.
    sandbox.accel(['list']);
    server.takeRequests();
    const started = pythonStarts(() => expect(install({ lines: closure }).exitCode).toBe(0));
    expect({ started, requests: server.takeRequests() }).toEqual({ started: [], requests: [] });
    const ours = sandbox.snapshot();
    sandbox.resetEnvironment();
    sandbox.accel(['list']);
    sandbox.pip(['install', '-r', lockFile(closure)], { environment: online() });
    expect(ours).toEqual(sandbox.snapshot());
  });

  test('is installed with --offline', () => {
    install({ lines: closure.slice(0, 2) });
    install({ lines: closure.slice(2) });
    sandbox.resetEnvironment();
    expect(install({ lines: closure, words: ['--offline'] }).exitCode).toBe(0);
    sandbox.resetEnvironment();
    const unknown = install({ lines: [...closure, 'fx-wheel==1.0'], words: ['--offline'] });
    expect(unknown).toMatchObject({ exitCode: 1 });
    expect(unknown.stderr).toContain('Nothing is remembered');
  });

  test('is not asked of the index again, and each page is asked for once', () => {
    install({ lines: closure, environment: online('json') });
    const requests = server.takeRequests();
    expect(requests.filter((path) => path.startsWith('/json/'))).toHaveLength(closure.length);
    expect(requests.filter((path) => path.endsWith('.metadata'))).toHaveLength(closure.length);
    expect(requests.filter((path) => path.endsWith('.whl'))).toHaveLength(closure.length);
  });
});

test('a release whose sdist is in the store while its index has a fitting wheel gives the wheel', () => {
  const lines = ['fx-both==1.0'];
  install({ lines, words: ['--no-binary', 'fx-both'] });
  expect(decision().decided[0]?.source.filename).toBe('fx-both-1.0.tar.gz');
  expect(existsSync(join(sandbox.cache, 'binaries', 'v1'))).toBe(true);
  sandbox.resetEnvironment();
  install({ lines });
  expect(decision().decided[0]?.source.filename).toBe('fx_both-1.0-py2.py3-none-any.whl');
});

describe('what one index says of a wheel is not taken for another index’s wheel', () => {
  test.each([
    { name: 'where it has the wheel', place: 'lying', exitCode: 0 },
    { name: 'where it only says so', place: 'boasting', exitCode: 1 },
  ])('$name', ({ place, exitCode }) => {
    const lines = ['fx-many==2'];
    const told = install({ lines, words: ['--no-deps'], environment: online(place) });
    expect(told).toMatchObject({ exitCode });
    expect(server.takeRequests().filter((path) => path.endsWith('.metadata'))).toHaveLength(1);
    sandbox.resetEnvironment();
    const request = { lines, environment: online('json') };
    const pip = pipDecision(request);
    expect(pipStarts(() => expect(install(request).exitCode).toBe(0))).toBe(0);
    expect(decision().decided).toEqual(pip.decided);
  });
});

describe('an index that has changed since', () => {
  let folder: string;
  const wheel = 'fx_many-2-py2.py3-none-any.whl';
  const environment = () => online('changing');
  beforeEach(() => {
    folder = join(fixtures.root, 'changing');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  });

  function upload(name: string, as = name): void {
    copyFileSync(join(fixtures.index, name), join(folder, as));
  }

  function forget(...folders: readonly string[]): void {
    sandbox.resetEnvironment();
    for (const name of folders) {
      rmSync(join(sandbox.cache, name), { recursive: true, force: true });
    }
  }

  const changes: readonly { readonly name: string; readonly change: () => void }[] = [
    {
      name: 'a file that gave way to another',
      change: () => {
        rmSync(join(folder, wheel), { force: true });
        upload(wheel, 'fx_many-2-1-py2.py3-none-any.whl');
      },
    },
    {
      name: 'a file with other bytes than before',
      change: () => {
        const script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'a').comment = b'fx'";
        sandbox.run(['python3', '-c', script, join(folder, wheel)]);
      },
    },
  ];
  test.each(changes)(
    'gives $name, where the one that was decided is to be fetched',
    ({ change }) => {
      upload(wheel);
      const request = { lines: ['fx-many==2'], environment: environment() };
      expect(install(request).exitCode).toBe(0);
      change();
      forget('images', 'sources');
      expect(pipStarts(() => expect(install(request)).toMatchObject({ exitCode: 0 }))).toBe(0);
      const pip = pipDecision({ ...request, words: ['--force-reinstall'] });
      expect(decision().decided).toEqual(pip.decided);
      change();
      forget('images', 'sources', 'decisions');
      expect(install(request).exitCode).toBe(0);
    },
  );

  test('has pip’s words for a file that is gone', () => {
    upload(wheel);
    const request = { lines: ['fx-many==2'], environment: environment() };
    install(request);
    rmSync(join(folder, wheel));
    forget('images', 'sources');
    const { exitCode, stderr } = install(request);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('No matching distribution found for fx-many==2');
  });

  test('is asked again before an sdist is built once more, and by --upgrade', () => {
    const tools = readdirSync(fixtures.index).filter((name) => /^(setuptools|wheel)-/.test(name));
    for (const name of tools) upload(name);
    upload('fx-both-1.0.tar.gz');
    const request = { lines: ['fx-both==1.0'], environment: environment() };
    expect(install(request)).toMatchObject({ exitCode: 0 });
    upload('fx_both-1.0-py2.py3-none-any.whl');
    const filename = () => decision().decided[0]?.source.filename;
    forget();
    server.takeRequests();
    expect(install({ ...request, words: ['--no-deps'] }).exitCode).toBe(0);
    expect(filename()).toBe('fx-both-1.0.tar.gz');
    expect(server.takeRequests()).toEqual([]);
    forget();
    expect(install({ ...request, words: ['--upgrade'] }).exitCode).toBe(0);
    expect(filename()).toBe('fx_both-1.0-py2.py3-none-any.whl');
    rmSync(join(folder, 'fx_both-1.0-py2.py3-none-any.whl'));
    forget();
    expect(install({ ...request, words: ['--upgrade', '--no-deps'] }).exitCode).toBe(0);
    expect(filename()).toBe('fx-both-1.0.tar.gz');
    upload('fx_both-1.0-py2.py3-none-any.whl');
    forget('images', 'binaries', 'decisions');
    expect(install(request).exitCode).toBe(0);
    expect(filename()).toBe('fx_both-1.0-py2.py3-none-any.whl');
  });
});

test('an sdist whose requirements nobody told is built once', () => {
  const log = join(sandbox.root, 'builds.txt');
  writeFileSync(log, '');
  const environment = { ...online(), FX_BUILD_LOG: log };
  expect(install({ lines: ['fx-pure==1.0'], environment }).exitCode).toBe(0);
  expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(1);
});

describe('what an archive has to say is not asked before its hash is looked at', () => {
  const cases = [
    { name: 'where the page has another', environment: () => online() },
    { name: 'where nobody said it', environment: () => ({ PIP_FIND_LINKS: fixtures.index }) },
  ];
  test.each(cases)('$name', ({ environment: places }) => {
    const log = join(sandbox.root, 'builds.txt');
    writeFileSync(log, '');
    const environment = { ...places(), FX_BUILD_LOG: log };
    const lines = [`fx-pure==1.0 --hash=sha256:${'0'.repeat(64)}`];
    const { exitCode, stderr } = install({ lines, environment });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('DO NOT MATCH THE HASHES');
    expect(readFileSync(log, 'utf8')).toBe('');
  });
});

describe('pip decides, and says it', () => {
  const cases: readonly (Install & { readonly name: string; readonly place?: string })[] = [
    { name: 'what conflicts', lines: ['fx-pair-a==1', 'fx-pair-b==2'] },
    { name: 'what is not there', lines: ['fx-many==99'] },
    { name: 'a project that is not there', lines: ['fx-absent==1'] },
    { name: 'what is for another Python', lines: ['fx-future==1.0'] },
    { name: 'a hash that does not match', lines: [`fx-many==2 --hash=sha256:${'0'.repeat(64)}`] },
    {
      name: 'hashes for some',
      lines: [`fx-many==2 --hash=sha256:${'0'.repeat(64)}`, 'fx-pure==1.0'],
    },
    { name: 'an index that fails', lines: ['fx-many==2'], place: 'broken' },
    { name: 'two versions of one', lines: ['fx-many==2', 'fx-many==3'] },
    { name: 'a build that fails', lines: ['fx-broken-setup==1.0'] },
  ];
  test.each(cases)('$name', ({ lines, place = 'simple' }) => {
    const environment = online(place);
    const file = lockFile(lines);
    const ours = sandbox.accel(['install', '--retries=0', '-r', file], { environment });
    sandbox.resetEnvironment();
    const pips = sandbox.pip(['install', '--retries=0', '-r', file], { environment });
    expect(pips.exitCode).not.toBe(0);
    expect(ours.exitCode).toBe(pips.exitCode);
    const errors = ({ stderr }: Finished) =>
      stderr.split('\n').filter((line) => line.startsWith('ERROR'));
    expect(errors(ours)).toEqual(errors(pips));
  });

  const others: readonly (Install & { readonly name: string })[] = [
    { name: 'what is not pinned', lines: ['fx-many'] },
    { name: 'a dependency that is not pinned', lines: ['fx-needs-range==1.0'] },
    { name: 'a yanked file', lines: ['fx-yanked==1.1'] },
    { name: 'an extra that is not provided', lines: ['fx-many[none]==2'] },
  ];
  test.each(others)('$name', ({ lines }) => {
    const pip = pipDecision({ lines });
    expect(pipStarts(() => expect(install({ lines }).exitCode).toBe(0))).toBeGreaterThan(0);
    expect(byName(decision().decided)).toEqual(byName(pip.decided));
  });

  test('with an index that wants a password, and asks nobody', () => {
    const words = ['install', '--no-input', '-r', lockFile(['fx-many==2'])];
    const { exitCode, stderr } = sandbox.accel(words, { environment: online('private') });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('fx-many');
  });
});

test('under -q nothing is said', () => {
  const { stdout, stderr } = install({ lines: closure, words: ['-q'] });
  expect({ stdout, stderr }).toEqual({
    stdout: '',
    stderr: expect.not.stringContaining('Collecting') as string,
  });
});
