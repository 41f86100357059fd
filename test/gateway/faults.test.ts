import type { ChildProcess } from 'node:child_process';
import { constants, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { executable, type Finished } from '../cli/sandbox.ts';
import { setUp } from '../cli/set-up.ts';
import { type Identity, identify } from './identity.ts';
import { Place } from './place.ts';
import { accel, lasting, own, pip, start, type Variables } from './run.ts';

const { fixtures, sandbox } = setUp();
let place: Place;
let identity: Identity;
beforeAll(async () => {
  identity = await identify(sandbox.root);
});
beforeEach(async () => {
  place = await Place.start(fixtures.root, identity);
});
afterEach(() => place[Symbol.dispose]());

const archive = '/index/fx_many-3-py2.py3-none-any.whl';
const line = ['download', '--no-deps', '--dest', 'got', 'fx-many==3'];
const variables = (more: Variables = {}): Variables => ({
  PIP_INDEX_URL: `${place.url}/simple`,
  PIP_CERT: identity.certificate,
  PIP_RETRIES: '1',
  ...more,
});

async function byBoth(more: Variables = {}): Promise<{ found: Finished; expected: Finished }> {
  const clear = () => rmSync(join(sandbox.root, 'got'), { recursive: true, force: true });
  clear();
  const expected = lasting(await pip(sandbox, line, variables(more)));
  clear();
  const found = lasting(await accel(sandbox, line, variables(more)));
  return { found, expected };
}

function leftovers(): readonly string[] {
  return readdirSync(sandbox.root).filter((name) => /^(?:pip-|tmp)/.test(name));
}

describe('pip says of a fault what it says by itself', () => {
  const page = '/simple/fx-many/';
  const status = (code: number) => (response: ServerResponse) => {
    response.writeHead(code, { 'content-type': 'text/html' }).end('<html>busy</html>');
  };
  test.each<[string, string, (response: ServerResponse) => void]>([
    ['429 for a page', page, status(429)],
    ['500 for a page', page, status(500)],
    ['503 for an archive', archive, status(503)],
    ['403 for an archive', archive, status(403)],
    [
      'the page of a captive portal',
      page,
      (response) => response.setHeader('content-type', 'text/html').end('<html>Pay here</html>'),
    ],
    ['other bytes than the page promises', archive, (response) => response.end('other bytes')],
  ])('%s', async (_name, path, answer) => {
    place.answers.set(path, (_request, response) => answer(response));
    const { found, expected } = await byBoth();
    expect(found).toEqual(expected);
    expect(found.exitCode).not.toBe(0);
  });

  test('an archive that breaks off in the middle', async () => {
    place.answers.set(archive, (_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => response.socket?.end());
    });
    const { found, expected } = await byBoth();
    expect(found).toEqual(expected);
    expect(found.exitCode).not.toBe(0);
  });

  test('a server that never answers: pip’s own time-out ends the wait', async () => {
    place.answers.set('*', () => {});
    const before = Date.now();
    const { found, expected } = await byBoth({ PIP_TIMEOUT: '1', PIP_RETRIES: '0' });
    expect(found).toEqual(expected);
    expect(Date.now() - before).toBeLessThan(30_000);
  });

  test('one busy moment is waited for', async () => {
    let count = 0;
    place.answers.set(page, (request, response) => {
      count += 1;
      if (count % 2 === 1) response.writeHead(503, { 'retry-after': '0' }).end();
      else {
        place.answers.delete(page);
        place.server.emit('request', request, response);
      }
    });
    const found = await accel(sandbox, line, variables());
    expect(found).toMatchObject({ exitCode: 0 });
    expect(count).toBe(2);
  });
});

test('a refused connection is told by its own cause, and nothing of a proxy', async () => {
  const given = variables();
  place[Symbol.dispose]();
  const { stdout, stderr, exitCode } = await accel(sandbox, line, given);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('Connection refused');
  expect(`${stdout}${stderr}`).not.toMatch(/proxy|gateway/i);
});

describe('nothing is left', () => {
  test('of a run that succeeds, nor of one that fails', async () => {
    expect((await accel(sandbox, line, variables())).exitCode).toBe(0);
    expect((await accel(sandbox, ['download', 'fx-absent'], variables())).exitCode).toBe(1);
    expect(leftovers()).toEqual([]);
  });

  /** Starts a download whose page never comes, and waits until it is asked for. */
  async function hanging() {
    const asked = new Promise<void>((resolve) => place.answers.set('*', () => resolve()));
    const run = start(sandbox, [executable, ...line], { ...own(sandbox), ...variables() });
    await asked;
    return run;
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('after %s', async (signal) => {
    const { child, finished } = await hanging();
    child.kill(signal);
    const { exitCode } = await finished;
    expect(exitCode).not.toBe(0);
    // pip by itself leaves its own folders on SIGTERM.
    expect(leftovers().filter((name) => name.startsWith('pip-accel'))).toEqual([]);
  });

  const pipOf = ({ pid }: ChildProcess): number =>
    Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);

  test('of the gateway in what pip reads and writes: that blocks, or `print` would fail', async () => {
    const { child, finished } = await hanging();
    const flags = [0, 1, 2].map((descriptor) => {
      const info = readFileSync(`/proc/${pipOf(child)}/fdinfo/${descriptor}`, 'utf8');
      return Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '', 8);
    });
    child.kill('SIGINT');
    await finished;
    expect(flags.map((value) => value & constants.O_NONBLOCK)).toEqual([0, 0, 0]);
  });

  test('after pip was killed', async () => {
    const { child, finished } = await hanging();
    process.kill(pipOf(child), 'SIGKILL');
    expect((await finished).exitCode).toBe(137);
    expect(leftovers().filter((name) => name.startsWith('pip-accel'))).toEqual([]);
  });
});

/** A folder for PYTHONPATH by which a pip first says which proxy it was given. */
function probe(): string {
  const folder = join(sandbox.root, 'probe');
  mkdirSync(folder, { recursive: true });
  const telling = 'sys.stderr.write("proxy: %s\\n" % os.environ.get("PIP_PROXY"))';
  writeFileSync(join(folder, 'sitecustomize.py'), `import os, sys; ${telling}`);
  return folder;
}

test('a pip that goes to the network is given a gateway', async () => {
  const { stderr } = await accel(sandbox, line, variables({ PYTHONPATH: probe() }));
  expect(stderr).toMatch(/proxy: http:\/\/pip:\w+@127\.0\.0\.1/);
});

test.each([
  ['list', []],
  ['freeze', []],
  ['install --no-index --dry-run --find-links', ['index']],
  ['install --help', []],
])('%s opens no gateway', async (words, folders) => {
  const given = folders.map((name) => join(fixtures.root, name));
  const last = folders.length > 0 ? ['fx-many==3'] : [];
  const probed = variables({ PYTHONPATH: probe() });
  const { stderr } = await accel(sandbox, [...words.split(' '), ...given, ...last], probed);
  expect(stderr).toContain('proxy: None');
});

test('an option turns it off', async () => {
  const lines: string[] = [];
  using proxy = await Place.start(fixtures.root);
  proxy.server.on('connect', (request, socket) => {
    lines.push(Object.keys(request.headers).join());
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  const off = { PIP_ACCEL_GATEWAY: 'off', PIP_PROXY: `http://user:word@127.0.0.1:${proxy.port}` };
  const by = await accel(sandbox, line, variables(off));
  expect(lines).toHaveLength(2);
  const alone = await pip(sandbox, line, variables(off));
  expect(lasting(by)).toEqual(lasting(alone));
});
