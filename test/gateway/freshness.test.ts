import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { executable } from '../cli/sandbox.ts';
import { setUp } from '../cli/set-up.ts';
import { until } from './ahead-run.ts';
import { identify } from './identity.ts';
import { Place } from './place.ts';
import { accel, own, start, type Variables } from './run.ts';
import { UserProxy } from './user-proxy.ts';

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

test('a proxy that leads nowhere is for pip to complain of', async () => {
  const { cert, certificate, key } = await identify(sandbox.root);
  place[Symbol.dispose]();
  place = await Place.start(fixtures.root, { key, cert });
  list('first', [1, 2], 'etag');
  await install({ PIP_CERT: certificate });
  using proxy = await UserProxy.start();
  sandbox.resetEnvironment();
  place.asked.length = 0;
  const { exitCode, stderr } = await accel(sandbox, ['install', 'fx-many'], {
    PIP_INDEX_URL: `${place.url}/first`,
    PIP_CERT: certificate,
    PIP_PROXY: proxy.address('nobody:knows'),
    PIP_RETRIES: '0',
    PIP_ACCEL_MAX_RETRIES: '0',
  });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining('No matching distribution found for fx-many') as string,
  });
  expect(stderr).not.toContain('ProxyRefusal');
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

describe('while an index is asked whether its page is as it was', () => {
  const held: ServerResponse[] = [];
  const page = () => place.answers.get('/first/fx-many/');
  /** Starts a line whose page is asked for and not answered; then what it installs is linked. */
  const begin = async () => {
    list('first', [1, 2], 'etag');
    await install();
    sandbox.resetEnvironment();
    held.length = 0;
    place.answers.set('/first/fx-many/', (_, response) => held.push(response));
    const variables = { ...own(sandbox), PIP_INDEX_URL: `${place.url}/first` };
    const run = start(sandbox, [executable, 'install', 'fx-many'], variables);
    await until(() => installed().modules);
    return run;
  };
  /** Answers all that is held with a page of these versions, as will be answered from now on. */
  const answer = (versions: readonly number[]) => {
    list('first', versions, 'etag');
    for (const response of held.splice(0)) page()?.(response.req, response);
  };
  const modules = () => {
    const lib = join(sandbox.venv, 'lib');
    return readdirSync(lib).flatMap((python) => readdirSync(join(lib, python, 'site-packages')));
  };
  const installed = () => {
    const names = modules();
    return {
      modules: names.includes('fx_many.py'),
      distInfo: names.some((name) => /^fx_many.*\.dist-info$/.test(name)),
    };
  };

  test('what it decided before is linked, and not installed', async () => {
    const { finished } = await begin();
    expect(installed().distInfo).toBe(false);
    answer([1, 2]);
    const { exitCode, stdout } = await finished;
    const said = stdout.split('\n').map((line) => line.split(' ', 1)[0]);
    expect({ exitCode, said }).toEqual({
      exitCode: 0,
      said: ['Looking', 'Collecting', 'Installing', 'Successfully', ''],
    });
    const ahead = sandbox.snapshot();
    await install();
    expect(ahead).toEqual(sandbox.snapshot());
  });

  test.each(['-U', '-I'])('what is installed stays, although %s would replace it', async (flag) => {
    list('first', [1, 2], 'etag');
    const variables = { ...own(sandbox), PIP_INDEX_URL: `${place.url}/first` };
    const line = [executable, 'install', flag, 'fx-many'];
    await install({}, 'fx-many==1');
    await start(sandbox, line, variables).finished;
    await install({}, 'fx-many==1');
    held.length = 0;
    place.answers.set('/first/fx-many/', (_, response) => held.push(response));
    const module = sandbox.snapshot();
    const { finished } = start(sandbox, line, variables);
    await until(() => held.length > 0);
    await sleep(200);
    expect(sandbox.snapshot()).toEqual(module);
    answer([1, 2]);
    expect((await finished).stdout).toContain('Successfully installed fx-many-2');
  });

  test('nothing of that is left, or was said, where it is not', async () => {
    const { finished } = await begin();
    answer([1]);
    const { exitCode, stdout } = await finished;
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).not.toContain('fx_many-2');
    expect(stdout.match(/^Installing collected packages: fx-many$/gm)).toHaveLength(1);
    const now = sandbox.snapshot();
    sandbox.resetEnvironment();
    await accel(sandbox, ['install', 'fx-many'], { PIP_INDEX_URL: `${place.url}/first` });
    expect(now).toEqual(sandbox.snapshot());
  });

  test('others get at the environment, as it was, where the answer takes its time', async () => {
    const { finished } = await begin();
    await until(() => !installed().modules);
    const other = await accel(sandbox, ['install', 'fx-wheel'], {
      PIP_FIND_LINKS: fixtures.index,
      PIP_NO_INDEX: '1',
    });
    expect(other).toMatchObject({ exitCode: 0 });
    expect(installed()).toEqual({ modules: false, distInfo: false });
    answer([1, 2]);
    const { exitCode, stdout } = await finished;
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain('Successfully installed fx-many-2');
    expect(sandbox.pip(['check']).exitCode).toBe(0);
    expect(modules()).toContain('fx_wheel-1.0.dist-info');
  });

  test('a signal puts the environment back at once', async () => {
    sandbox.resetEnvironment();
    const before = sandbox.snapshot();
    const { child, finished } = await begin();
    const interrupted = performance.now();
    child.kill('SIGINT');
    const { exitCode, stderr } = await finished;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: 'ERROR: Operation cancelled by user\n',
    });
    expect(performance.now() - interrupted).toBeLessThan(900);
    expect(sandbox.snapshot()).toEqual(before);
  });
});
