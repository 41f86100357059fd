import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/argv.ts';
import { SaidBefore } from '../../src/commands/cold/said-before.ts';
import { TersePages } from '../../src/commands/cold/terse-pages.ts';
import type { InstallJob } from '../../src/commands/job.ts';
import { effectiveOptions } from '../../src/config/pip-config.ts';
import type { OutputLine } from '../../src/process/cold/run.ts';
import { readRequest } from '../../src/plan/request/request.ts';
import type { Finished } from '../cli/sandbox.ts';
import { setUp } from '../cli/set-up.ts';
import { AheadPlace } from './ahead-run.ts';
import { accel, lasting, pip } from './run.ts';
import { makeWheel, WheelIndex } from './wheel-index.ts';

const { fixtures, sandbox } = setUp();
let index: WheelIndex;
let place: AheadPlace;
beforeAll(async () => {
  place = await AheadPlace.open();
});
afterAll(() => place[Symbol.dispose]());
beforeEach(async () => {
  sandbox.run(['rm', '-rf', sandbox.cache]);
  index = await WheelIndex.start();
});
afterEach(() => index[Symbol.dispose]());

/** What pip says, and pip-accel of the same line into the same environment. */
async function both(...words: readonly string[]): Promise<readonly [Finished, Finished]> {
  const line = ['install', '--index-url', index.url, ...words];
  const alone = lasting(await pip(sandbox, line));
  sandbox.resetEnvironment();
  index.answered.length = 0;
  return [alone, lasting(await accel(sandbox, line))];
}

test('where a wheel contradicts its name, the sdist of its release is built, as by pip', async () => {
  const wheel = makeWheel('fx-backend-pure', '1.0');
  const filename = 'fx-backend-pure-1.0.tar.gz';
  const bytes = readFileSync(join(fixtures.index, filename));
  const metadata = wheel.metadata.replace('Version: 1.0', 'Version: 1.5');
  index.wheels.push(
    { ...wheel, metadata },
    { filename, bytes, metadata: '' },
    makeWheel('fx-backend-pure', '0.9'),
  );
  const [alone, ours] = await both('fx-backend-pure');
  const told = ({ stdout }: Finished) =>
    stdout.split('\n').filter((line) => /^\s*(?:Collecting|Discarding|Successfully i)/.test(line));
  expect(told(alone)).toEqual([
    'Collecting fx-backend-pure',
    expect.stringContaining("metadata has '1.5'"),
    expect.stringContaining('Successfully installed fx-backend-pure-1.0'),
  ]);
  expect(told(ours)).toEqual(told(alone));
  expect(ours.stderr).toBe(alone.stderr);
  const sources = index.answered.filter(({ path }) => path.endsWith(filename));
  expect(sources.length).toBeGreaterThan(0);
});

test('a link that pip shows has what it requires of Python', async () => {
  const yanked = { requiresPython: '>=2.7', yanked: 'broken' };
  index.wheels.push({ ...makeWheel('fx-leaf', '1.0'), ...yanked }, makeWheel('fx-leaf', '0.9'));
  const [alone, ours] = await both('fx-leaf==1.0');
  expect(alone.stderr).toContain('(requires-python:>=2.7)');
  expect(ours.stderr).toBe(alone.stderr);
  expect(ours.exitCode).toBe(0);
});

test('what comes of many archives is told in pip’s words alone', async () => {
  const names = Array.from({ length: 24 }, (_, at) => `fx-part${at}`);
  const parts = names.map((name) => makeWheel(name, '1.0', { padding: 200_000 }));
  index.wheels.push(makeWheel('fx-whole', '1.0', { requires: names }), ...parts);
  // So that they all come at once.
  index.manners.delay = 1000;
  const [alone, ours] = await both('fx-whole');
  expect(ours).toMatchObject({ exitCode: 0, stderr: '' });
  expect(ours.stdout.split('\n').at(-2)).toBe(alone.stdout.split('\n').at(-2));
});

describe('whether pages are terse', () => {
  const hash = `fx-leaf --hash=sha256:${'0'.repeat(64)}`;
  test.each([
    ['26.3', ['fx-leaf'], true],
    ['23.2', ['fx-leaf'], true],
    ['23.1.2', ['fx-leaf'], false],
    ['26.3', ['fx-leaf', '-q'], false],
    ['26.3', ['fx-leaf', '--use-deprecated=legacy-resolver'], false],
    ['26.3', ['fx-leaf', '--use-feature=fast-deps'], false],
    ['26.3', ['-r', 'hashes.txt'], false],
    ['26.3', ['fx-leaf', '-c', 'hashes.txt'], false],
    ['26.3', ['-r', 'https://host.test/requirements.txt'], false],
    ['26.3', ['-r', 'odd.txt'], false],
  ] as const)('pip %s, %j: %s', (version, words, are) => {
    writeFileSync(join(sandbox.root, 'hashes.txt'), hash);
    writeFileSync(join(sandbox.root, 'odd.txt'), 'fx-leaf --no-binary fx-leaf\n');
    expect(pagesOf(version, words).areGiven()).toBe(are);
  });

  test('a pip within pip, which nobody hears, is shown all', () => {
    const lines = [
      '  Installing build dependencies: started',
      '  Installing backend dependencies: started',
      '  Getting requirements to build wheel: started',
      '  Preparing metadata (setup.py): started',
    ];
    for (const line of lines) {
      const pages = pagesOf('26.3');
      pages.hear({ line: 'Collecting fx-leaf', end: '\n' });
      expect(pages.areGiven()).toBe(true);
      pages.hear({ line, end: '\n' });
      expect(pages.areGiven()).toBe(false);
    }
  });

  const yanked = 'WARNING: The candidate … (from https://x.test/x/) (requires-python:>=3)';
  test.each([
    ['26.3', '  Discarding https://x.test/x.whl (from https://x.test/x/): Requested x', true],
    ['26.3', yanked, false],
    ['24.3.1', yanked, true],
    [
      '24.3.1',
      'Collecting x (from y@ https://x.test/y.whl->-r https://x.test/r.txt (line 1))',
      false,
    ],
  ] as const)('pip %s needs more where it says %j: %s', (version, line, isMissed) => {
    const pages = pagesOf(version);
    pages.hear({ line, end: '\n' });
    // It has not been given any: it came from a folder.
    expect(pages.missed.aborted).toBe(false);
    pages.areGiven();
    pages.hear({ line, end: '\n' });
    expect(pages.missed.aborted).toBe(isMissed);
  });

  test('nobody is asked for a password twice', () => {
    const pages = pagesOf('24.3.1');
    pages.hear({ line: 'User for index.test: ', end: '' });
    expect(pages.areGiven()).toBe(false);
  });
});

function pagesOf(version: string, words: readonly string[] = ['fx-leaf']): TersePages {
  const parsed = parseArguments(
    words.map((word) => word.replace(/^(?:hashes|odd)/, `${sandbox.root}/$&`)),
  );
  if (!parsed) throw new Error('a line that is not understood');
  const configuration = new Map<string, string>();
  const interpreter = { ...place.interpreter, pip: { script: null, module: '', version } };
  const { environment } = sandbox;
  const request = readRequest(parsed, configuration, { environment, interpreter });
  const options = effectiveOptions(configuration, parsed.options);
  return new TersePages({ context: { interpreter }, options, request } as unknown as InstallJob);
}

describe('what was said before', () => {
  const lines = (text: string): OutputLine[] =>
    text.split('\n').map((line) => ({ stream: 'stdout', line, end: '\n' }));
  const anew = (before: string, now: string): string => {
    const said = new SaidBefore();
    for (const output of lines(before)) said.add(output);
    return lines(now)
      .filter((output) => !said.take(output))
      .map(({ line }) => line)
      .join('\n');
  };
  test.each([
    ['is not said again', 'a\nb', 'a\nb\nc', 'c'],
    ['counts once', 'a\na', 'a\na\na', 'a'],
    [
      'may be a file that is in pip’s cache by now',
      'Downloading x.whl (2 kB)\n  ━━━━ 2/2',
      'Using cached x.whl (2 kB)\nc',
      'c',
    ],
    [
      'may be a file of which only the metadata came',
      '  Downloading x.whl.metadata (2 kB)\na',
      '  Downloading x.whl (2 MB)\n  ━━━━ 2/2\na\nc',
      'c',
    ],
    ['does not hide what was not', 'Retrying\nb', 'b\nc\nb', 'c\nb'],
  ])('%s', (_name, before, now, expected) => {
    expect(anew(before, now)).toBe(expected);
  });

  test('is a question, which is asked again', () => {
    const said = new SaidBefore();
    const question = { stream: 'stdout', line: 'User for index.test: ', end: '' } as const;
    said.add(question);
    expect(said.take(question)).toBe(false);
  });
});
