import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setUp } from '../cli/set-up.ts';
import { Place } from './place.ts';
import { accel, type Variables } from './run.ts';

const { fixtures, sandbox } = setUp();
let place: Place;
beforeEach(async () => {
  sandbox.run(['rm', '-rf', sandbox.cache]);
  place = await Place.start(fixtures.root);
});
afterEach(() => place[Symbol.dispose]());

/** How a server tells one state of its pages from another. */
type Kind = 'etag' | 'last-modified' | 'neither';

/** Lists these versions of fx-many below an index, as from now on. */
function list(index: string, versions: readonly number[], kind: Kind, cacheControl = ''): void {
  const links = versions.map((version) => {
    const name = `fx_many-${version}-py2.py3-none-any.whl`;
    const bytes = readFileSync(join(fixtures.index, name));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return `<a href="/index/${name}#sha256=${sha256}">${name}</a>`;
  });
  const state = `"${versions.join('-')}"`;
  const time = new Date(Date.UTC(2026, 0, versions.length)).toUTCString();
  place.answers.set(`/${index}/fx-many/`, (request, response) => {
    const fields = {
      'content-type': 'text/html',
      ...(kind === 'etag' ? { etag: state } : {}),
      ...(kind === 'last-modified' ? { 'last-modified': time } : {}),
      ...(cacheControl === '' ? {} : { 'cache-control': cacheControl }),
    };
    const { 'if-none-match': tag, 'if-modified-since': since } = request.headers;
    const isKnown = (kind === 'etag' && tag === state) || (kind !== 'neither' && since === time);
    response.writeHead(isKnown ? 304 : 200, fields).end(isKnown ? '' : links.join('\n'));
  });
}

/** Into an environment as it was at first; @returns what was said, and asked for. */
async function install(variables: Variables = {}, ...words: readonly string[]) {
  sandbox.resetEnvironment();
  place.asked.length = 0;
  const own = { PIP_INDEX_URL: `${place.url}/first`, ...variables };
  const finished = await accel(sandbox, ['install', ...words, 'fx-many'], own);
  const { exitCode, stdout, stderr } = finished;
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const version = /Successfully installed fx-many-(\d)/.exec(stdout)?.[1];
  return { version, stderr, asked: place.asked.map(({ path }) => path) };
}

test('pip’s warning of a yanked release is said again with the decision, under -q too', async () => {
  const name = 'fx_many-2-py2.py3-none-any.whl';
  const page = `<!DOCTYPE html><a href="/index/${name}" data-yanked="bad">${name}</a>`;
  place.answers.set('/first/fx-many/', (_, response) =>
    response.setHeader('content-type', 'text/html').end(page),
  );
  const warning = /WARNING: The candidate .* is a yanked version.*\nReason for being yanked: bad\n/;
  for (const words of [[], [], ['-q']]) {
    expect((await install({}, 'fx-many==2', ...words)).stderr).toMatch(warning);
  }
  expect((await install({}, 'fx-many==2', '-qq')).stderr).toBe('');
});

describe.each(['etag', 'last-modified', 'neither'] as const)('pages with %s', (kind) => {
  test('are asked for once where they are as they were, and pip is not', async () => {
    list('first', [1, 2], kind);
    expect(await install()).toMatchObject({ version: '2' });
    expect(await install()).toMatchObject({ version: '2', asked: ['/first/fx-many/'] });
    const [page] = place.asked;
    expect(page?.headers['user-agent']).toBe('pip-accel');
    expect(page?.headers['if-none-match']).toBe(kind === 'etag' ? '"1-2"' : undefined);
  });

  test('that have changed are for pip to decide by', async () => {
    list('first', [1, 2], kind);
    expect(await install()).toMatchObject({ version: '2' });
    list('first', [1, 2, 3], kind);
    expect(await install()).toMatchObject({ version: '3' });
    list('first', [1], kind);
    expect(await install()).toMatchObject({ version: '1' });
  });
});

test('what the index says to hold for a while is not asked for meanwhile, but for an upgrade', async () => {
  list('first', [1, 2], 'etag', 'public, max-age=300');
  expect(await install()).toMatchObject({ version: '2' });
  expect(await install()).toMatchObject({ version: '2', asked: [] });
  await install({}, '-U');
  list('first', [1, 2, 3], 'etag', 'public, max-age=300');
  expect(await install()).toMatchObject({ version: '2', asked: [] });
  expect(await install({}, '-U')).toMatchObject({ version: '3' });
  expect(await install({ PIP_ACCEL_INDEX_MAX_AGE: '0' })).toMatchObject({ version: '3' });
});

test('a project that comes into another index is found', async () => {
  const variables = { PIP_EXTRA_INDEX_URL: `${place.url}/second` };
  place.answers.set('/second/fx-many/', (_, response) => response.writeHead(404).end());
  list('first', [1], 'etag');
  expect(await install(variables)).toMatchObject({ version: '1' });
  const again = await install(variables);
  expect(again.asked.toSorted()).toEqual(['/first/fx-many/', '/second/fx-many/']);
  list('second', [2], 'etag');
  expect(await install(variables)).toMatchObject({ version: '2' });
});

test('where the index is out of reach, what was decided holds, with a warning', async () => {
  list('first', [1, 2], 'etag');
  await install();
  const away = `${place.url}/first`;
  place[Symbol.dispose]();
  place = await Place.start(fixtures.root);
  const found = await install({ PIP_INDEX_URL: away });
  expect(found).toMatchObject({ version: '2', asked: [] });
  expect(found.stderr).toContain('the index cannot be reached; going on with the decision');
});

test('an answer that is none is for pip to hear', async () => {
  list('first', [1, 2], 'etag');
  await install();
  place.answers.set('/first/fx-many/', (_, response) => response.writeHead(500).end());
  sandbox.resetEnvironment();
  const { exitCode, stderr } = await accel(sandbox, ['install', 'fx-many'], {
    PIP_INDEX_URL: `${place.url}/first`,
    PIP_RETRIES: '0',
    PIP_ACCEL_MAX_RETRIES: '0',
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('No matching distribution found for fx-many');
});
