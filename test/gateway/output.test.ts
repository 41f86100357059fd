import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finished } from '../cli/sandbox.ts';
import { setUp } from '../cli/set-up.ts';
import { type Identity, identify } from './identity.ts';
import { Place } from './place.ts';
import { accel, lasting, pip, type Variables } from './run.ts';
import { makeWheel, WheelIndex } from './wheel-index.ts';

const { fixtures, sandbox } = setUp();
let identity: Identity;
let plain: Place;
let secure: Place;
beforeAll(async () => {
  identity = await identify(sandbox.root);
  plain = await Place.start(fixtures.root);
  secure = await Place.start(fixtures.root, identity);
});
afterAll(() => {
  plain[Symbol.dispose]();
  secure[Symbol.dispose]();
});

/** Runs a line by pip, and by pip-accel which hands it to pip. */
async function both(words: readonly string[], variables: Variables) {
  const clear = () => rmSync(join(sandbox.root, 'got'), { recursive: true, force: true });
  clear();
  const expected = lasting(await pip(sandbox, words, variables));
  clear();
  plain.asked.length = secure.asked.length = 0;
  const found = lasting(await accel(sandbox, words, variables));
  return { expected, found };
}

const lines = {
  pages: [
    'download --dest got fx-needs-range',
    'install --dry-run fx-requires-python fx-yanked==1.1',
    'install --dry-run fx-absent',
    'install --dry-run -v fx-many==3 fx-many==2',
  ],
  json: ['install --target got --no-compile fx-wheel', 'wheel --wheel-dir got fx-needs-range'],
};

describe('what pip says through the gateway is what it says by itself', () => {
  test.each(lines.pages)('%s, of pages over HTTP', async (line) => {
    const variables = { PIP_INDEX_URL: `${plain.url}/simple` };
    const { expected, found } = await both(line.split(' '), variables);
    expect(found).toEqual(expected);
    expect(plain.asked).not.toEqual([]);
  });

  test.each(lines.json)('%s, of JSON over TLS', async (line) => {
    const variables = { PIP_INDEX_URL: `${secure.url}/json`, PIP_CERT: identity.certificate };
    const { expected, found } = await both(line.split(' '), variables);
    expect(found).toEqual(expected);
    expect(secure.asked).not.toEqual([]);
  });

  test('a server that refuses connections, of a decision', async () => {
    const gone = await Place.start(fixtures.root);
    const variables = { PIP_INDEX_URL: `${gone.url}/simple`, PIP_RETRIES: '2' };
    gone[Symbol.dispose]();
    const words = ['install', 'fx-many==3'];
    const expected = lasting(await pip(sandbox, words, variables));
    const retries = { PIP_ACCEL_MAX_RETRIES: '0' };
    expect(lasting(await accel(sandbox, words, { ...variables, ...retries }))).toEqual(expected);
    expect(expected.stderr).toContain('Connection refused');
  });

  test('a server whose certificate nobody vouches for', async () => {
    const variables = { PIP_INDEX_URL: `${secure.url}/simple`, PIP_RETRIES: '1' };
    const words = ['download', '--dest', 'got', 'fx-many==3'];
    const expected = lasting(await pip(sandbox, words, variables));
    expect(lasting(await accel(sandbox, words, variables))).toEqual(expected);
    expect(`${expected.stdout}${expected.stderr}`).toMatch(/CERTIFICATE_VERIFY_FAILED/i);
  });
});

test('what is asked for ahead of pip is asked in its words, once, and its report has the same URLs', async () => {
  const variables = { PIP_INDEX_URL: `${plain.url}/simple` };
  const report = join(sandbox.root, 'report.json');
  const words = [
    'install',
    '--dry-run',
    '--ignore-installed',
    '--report',
    report,
    'fx-needs-range',
  ];
  const inWords = () =>
    plain.asked
      .splice(0)
      // To look into a wheel from afar was tried.
      .filter(({ headers }) => headers.range === undefined)
      .map(({ method, path, headers }) => {
        const { accept, 'accept-encoding': encoding, 'cache-control': age } = headers;
        return JSON.stringify({ method, path, accept, encoding, age });
      })
      .sort();
  plain.asked.length = 0;
  await pip(sandbox, words, variables);
  const [asked, told] = [inWords(), readFileSync(report, 'utf8')];
  rmSync(join(sandbox.cache, 'sources'), { recursive: true, force: true });
  await accel(sandbox, words, variables);
  expect(inWords()).toEqual(asked);
  expect(readFileSync(report, 'utf8')).toEqual(told);
});

test('bars, which would show how fast the gateway is, are for who asks for them', async () => {
  using index = await WheelIndex.start([makeWheel('fx-big', '1.0', { padding: 2_000_000 })]);
  const line = ['--ignore-installed', '--index-url', index.url, 'fx-big'];
  const bars = ({ stdout }: Finished) => stdout.split('\n').filter((text) => /━|█/.test(text));
  const asked = await pip(sandbox, ['install', '--dry-run', ...line]);
  const install = async (words: readonly string[], variables: Variables = {}) => {
    sandbox.run(['rm', '-rf', sandbox.cache]);
    return await accel(sandbox, ['install', ...words, ...line], variables);
  };
  expect(bars(await install([]))).toEqual([]);
  expect(bars(await install(['--progress-bar', 'on']))).toHaveLength(bars(asked).length);
  const wished = await install([], { PIP_PROGRESS_BAR: 'on' });
  expect(bars(wished)).toHaveLength(bars(asked).length);
  expect(wished.stdout).toContain('Successfully installed fx-big-1.0');
});
