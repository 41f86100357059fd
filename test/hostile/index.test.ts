import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fetchPage } from '../../src/obtain/cold/index/client.ts';
import { followRedirects, type Network } from '../../src/obtain/cold/request.ts';
import { normalizeName } from '../../src/python/names.ts';
import { executable, type Finished, Sandbox } from '../cli/sandbox.ts';
import { identify } from '../gateway/identity.ts';
import { differences } from '../install/site.ts';
import { wheelBytes } from './zip-bytes.ts';

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A server that answers what a test tells it to. */
class Origin {
  answers: Readonly<Record<string, Answer>> = {};
  /** Without it, a 401. */
  authorization: string | null = null;
  readonly asked: { readonly path: string; readonly authorization: string | undefined }[] = [];
  readonly #server: Server = createServer((request: IncomingMessage, response) => {
    const path = request.url ?? '';
    const { authorization } = request.headers;
    this.asked.push({ path, authorization });
    const refused: Answer = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
    const isRefused = this.authorization !== null && authorization !== this.authorization;
    const answer = isRefused ? refused : (this.answers[path] ?? { status: 404 });
    response.writeHead(answer.status ?? 200, { 'content-type': 'text/html', ...answer.headers });
    response.end(answer.body);
  });

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const sandbox = new Sandbox();
sandbox.keepEnvironment();
const index = new Origin();
const other = new Origin();
beforeAll(async () => {
  await index.start();
  await other.start();
});
afterAll(() => {
  index.stop();
  other.stop();
  sandbox[Symbol.dispose]();
});

const canary = join(sandbox.root, 'outside', 'canary.py');
const good = 'good-1.0-py3-none-any.whl';
const wheel = wheelBytes({ name: 'good' });

beforeEach(() => {
  sandbox.resetEnvironment();
  rmSync(sandbox.cache, { recursive: true, force: true });
  mkdirSync(dirname(canary), { recursive: true });
  writeFileSync(canary, 'alive\n');
  for (const origin of [index, other]) {
    origin.answers = {};
    origin.authorization = null;
    origin.asked.length = 0;
  }
});

/** Not waited for in this thread, which is the servers'. */
async function run(
  command: readonly string[],
  environment: Record<string, string>,
): Promise<Finished> {
  const [file = '', ...words] = command;
  const child = spawn(file, words, {
    cwd: sandbox.root,
    env: {
      ...sandbox.environment,
      PIP_NO_INDEX: '',
      PIP_RETRIES: '0',
      PIP_NO_CACHE_DIR: '1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { stdout, stderr, exitCode };
}

const accel = (words: readonly string[], environment: Record<string, string> = {}) =>
  run([executable, 'install', ...words], { PIP_ACCEL_CACHE: sandbox.cache, ...environment });

const simple = () => `http://${index.host}/simple`;
const page = (body: string): Answer => ({
  body: `<!DOCTYPE html><html><body>${body}</body></html>`,
});

describe('a password', () => {
  const password = 's3cr3t-w0rd';
  const basic = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;

  function shown(...outputs: readonly Finished[]): readonly string[] {
    const needles = [password, basic.slice('Basic '.length)];
    const files = readdirSync(sandbox.root, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('venv.kept'))
      .map((name) => join(sandbox.root, name))
      .filter((path) => existsSync(path) && statSync(path).isFile())
      .filter((path) => needles.some((needle) => readFileSync(path).includes(needle)));
    const said = outputs.filter(({ stdout, stderr }) =>
      needles.some((needle) => (stdout + stderr).includes(needle)),
    );
    return [...files, ...said.map(({ stdout, stderr }) => stdout + stderr)];
  }

  test('is in no output, log, record, decision or release list, whatever becomes of the installation', async () => {
    index.authorization = basic;
    index.answers = {
      '/simple/good/': page(`<a href="/files/${good}">${good}</a>`),
      '/simple/damaged/': page(
        `<a href="/files/damaged-1.0-py3-none-any.whl#sha256=${'0'.repeat(64)}">d</a>`,
      ),
      '/simple/gone/': page('<a href="/files/gone-1.0-py3-none-any.whl">g</a>'),
      [`/files/${good}`]: { body: wheel },
      '/files/damaged-1.0-py3-none-any.whl': { body: wheel },
    };
    const url = `http://me:${password}@${index.host}/simple`;
    const log = {
      PIP_ACCEL_LOG_FILE: join(sandbox.root, 'log.json'),
      PIP_ACCEL_LOG_VERBOSITY: 'debug',
    };
    const outputs = [
      await accel(['--index-url', url, 'good==1.0'], log),
      await accel(['--index-url', url, 'damaged==1.0'], log),
      await accel(['--index-url', url, 'gone==1.0'], log),
      await accel(['--index-url', url, 'absent==1.0'], log),
      await accel(['good>=1.0', '-U'], { ...log, PIP_INDEX_URL: url }),
      await accel(['-v', 'good>=0', '--force-reinstall'], {
        ...log,
        PIP_EXTRA_INDEX_URL: url,
        PIP_ACCEL_LOG_FORMAT: 'json',
      }),
      await accel(['good==1.0', '--force-reinstall'], {
        ...log,
        PIP_FIND_LINKS: `http://me:${password}@${index.host}/simple/good/`,
        PIP_NO_INDEX: '1',
      }),
    ];
    expect(outputs.map(({ exitCode }) => exitCode)).toEqual([0, 1, 1, 1, 0, 0, 0]);
    expect(shown(...outputs)).toEqual([]);
    expect(existsSync(join(sandbox.root, 'log.json'))).toBe(true);
  });

  test('goes to its own origin alone, also where that leads to another', async () => {
    index.authorization = basic;
    index.answers = {
      '/simple/good/': { status: 302, headers: { location: `http://${other.host}/moved/` } },
      [`/files/${good}`]: { status: 302, headers: { location: `http://${other.host}/${good}` } },
    };
    other.answers = {
      '/moved/': page(`<a href="http://${index.host}/files/${good}">${good}</a>`),
      [`/${good}`]: { body: wheel },
    };
    const done = await accel([
      '--index-url',
      `http://me:${password}@${index.host}/simple`,
      'good==1.0',
    ]);
    expect(done.exitCode).toBe(0);
    expect(other.asked.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/moved/', `/${good}`]),
    );
    expect(other.asked.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    expect(shown(done)).toEqual([]);
  });
});

function asking(dispatcher: Agent): Network['ask'] {
  return async (url, headers) => {
    const { statusCode, headers: said, body } = await request(url, { dispatcher, headers });
    return { status: statusCode, headers: said, body };
  };
}

test('nothing is fetched without encryption where an encrypted address leads', async () => {
  const { key, cert } = await identify(sandbox.root);
  const server = createTlsServer({ key, cert }, (_request, response) =>
    response.writeHead(302, { location: `http://${other.host}/${good}` }).end(),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const transport = { ask: asking(dispatcher) };
  const start = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/${good}`);
  await expect(followRedirects(start, transport, {})).rejects.toThrow(/not encrypted/);
  expect(other.asked).toEqual([]);
  await dispatcher.destroy();
  server.close();
});

test('a page that unpacks without end is pip’s to read', async () => {
  index.answers = {
    '/simple/good/': {
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(300 << 20)),
    },
  };
  const dispatcher = new Agent();
  const transport = { ask: asking(dispatcher) };
  const place = { kind: 'index', id: 'x', url: simple() } as const;
  const asked = fetchPage(place, normalizeName('good'), { pip: '26.3', transport });
  await expect(asked).rejects.toThrow(/larger than/);
  await dispatcher.destroy();
});

test('what a server calls a file has no say in where it goes', async () => {
  index.answers = {
    '/simple/good/': page(
      `<a href="..%2f..%2foutside%2fgood-2.0.tar.gz">x</a><a href="good-1.0-1%2f..%2f..%2foutside%2fx-py3-none-any.whl">x</a><a href="/files/${good}">../../outside/canary.py</a>`,
    ),
    [`/files/${good}`]: {
      headers: { 'content-disposition': 'attachment; filename="../../../outside/canary.py"' },
      body: wheel,
    },
  };
  const { exitCode } = await accel(['--index-url', simple(), 'good==1.0']);
  expect(exitCode).toBe(0);
  expect(readFileSync(canary, 'utf8')).toBe('alive\n');
  expect(readdirSync(dirname(canary))).toEqual(['canary.py']);
});

/** Dependency confusion: CVE-2018-20225. */
describe('a name that two indexes have', () => {
  const purelib = 'import sysconfig; print(sysconfig.get_path("purelib"))';
  const whose = join(sandbox.run([sandbox.python, '-c', purelib]).stdout.trim(), 'whose.py');
  const serve = (origin: Origin, content: string, versions: readonly string[] = ['1.0']) => {
    const names = versions.map((version) => `good-${version}-py3-none-any.whl`);
    const bytes = versions.map((version) =>
      wheelBytes({ name: 'good', version, parts: [{ name: 'whose.py', content }] }),
    );
    origin.answers = {
      '/simple/good/': page(names.map((name) => `<a href="/files/${name}">${name}</a>`).join('')),
      ...Object.fromEntries(names.map((name, at) => [`/files/${name}`, { body: bytes[at] ?? '' }])),
    };
    return createHash('sha256')
      .update(bytes[0] ?? '')
      .digest('hex');
  };
  const from = async (origin: Origin, ...words: readonly string[]) => {
    sandbox.resetEnvironment();
    const finished = await accel(['--index-url', `http://${origin.host}/simple`, ...words]);
    return { ...finished, content: existsSync(whose) ? readFileSync(whose, 'utf8') : null };
  };

  test.each(['good', 'good==1.0'])('%s is the one of the index that is asked', async (word) => {
    serve(index, 'ours\n');
    serve(other, 'theirs\n');
    expect(await from(index, word)).toMatchObject({ exitCode: 0, content: 'ours\n' });
    expect(await from(other, word)).toMatchObject({ exitCode: 0, content: 'theirs\n' });
    expect(await from(index, word)).toMatchObject({ exitCode: 0, content: 'ours\n' });
  });

  test('is not the one in the store where that came from the other', async () => {
    serve(index, 'ours\n');
    expect(await from(index, 'good==1.0')).toMatchObject({ exitCode: 0 });
    const offline = await from(other, 'good==1.0', '--offline');
    expect(offline.exitCode).not.toBe(0);
    expect(offline.content).toBe(null);
  });

  test('is what its hash says, wherever it comes from', async () => {
    const ours = serve(index, 'ours\n');
    serve(other, 'theirs\n');
    const file = join(sandbox.root, 'hashed.txt');
    writeFileSync(file, `good==1.0 --hash=sha256:${ours}\n`);
    const refused = await from(other, '-r', file);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('THESE PACKAGES DO NOT MATCH THE HASHES');
    expect(refused.content).toBe(null);
    expect(await from(index, '-r', file)).toMatchObject({ exitCode: 0, content: 'ours\n' });
  });

  test('and in a higher version in an extra one is that, as for pip, for lines that name both', async () => {
    serve(index, 'ours\n');
    serve(other, 'theirs\n', ['99.0']);
    const extra = ['--extra-index-url', `http://${other.host}/simple`];
    expect(await from(index, ...extra, 'good')).toMatchObject({ content: 'theirs\n' });
    expect(await from(index, 'good')).toMatchObject({ exitCode: 0, content: 'ours\n' });
    expect(await from(index, ...extra, 'good==1.0')).toMatchObject({ content: 'ours\n' });
  });
});

/** Each end is that of pip 23.2.1, which was asked once. */
describe('what a page offers', () => {
  const hashOf = '0'.repeat(64);
  const json = (file: object): Answer => ({
    headers: { 'content-type': 'application/vnd.pypi.simple.v1+json' },
    body: JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'good', files: [file] }),
  });
  const local = join(sandbox.root, 'elsewhere', good);
  mkdirSync(dirname(local));
  writeFileSync(local, wheel);

  test.each<[what: string, installs: boolean, page: () => Answer]>([
    [
      'files of other projects',
      false,
      () => page('<a href="/files/evil-1.0-py3-none-any.whl">good-1.0-py3-none-any.whl</a>'),
    ],
    [
      'a wheel of another project’s bytes',
      false,
      () => page('<a href="/files/good-1.0-py2.py3-none-any.whl">x</a>'),
    ],
    [
      'a hash in a link that does not match',
      false,
      () => page(`<a href="/files/${good}#sha256=${hashOf}">x</a>`),
    ],
    [
      'a hash in JSON that does not match',
      false,
      () => json({ filename: good, url: `/files/${good}`, hashes: { sha256: hashOf } }),
    ],
    [
      'metadata whose hash does not match',
      false,
      () =>
        json({
          filename: good,
          url: `/files/${good}`,
          hashes: { sha256: createHash('sha256').update(wheel).digest('hex') },
          'core-metadata': { sha256: hashOf },
        }),
    ],
    ['a link to a local file', true, () => page(`<a href="file://${local}">x</a>`)],
    ['a link that is a program', false, () => page('<a href="javascript:good-1.0.zip">x</a>')],
    [
      'a base elsewhere',
      true,
      () => page(`<base href="http://${index.host}/files/"><a href="${good}">x</a>`),
    ],
  ])('%s: installed: %s', async (_what, installs, answer) => {
    index.answers = {
      '/simple/good/': answer(),
      [`/files/${good}`]: { body: wheel },
      [`/files/${good}.metadata`]: {
        body: 'Metadata-Version: 2.1\nName: good\nVersion: 1.0\nRequires-Dist: evil\n\n',
      },
      '/files/evil-1.0-py3-none-any.whl': { body: wheelBytes() },
      '/files/good-1.0-py2.py3-none-any.whl': { body: wheelBytes() },
    };
    const before = sandbox.snapshot();
    const { exitCode, stderr } = await accel(['--index-url', simple(), 'good==1.0']);
    expect(exitCode).toBe(installs ? 0 : 1);
    expect(stderr.includes('ERROR')).toBe(!installs);
    const added = differences(sandbox.snapshot(), before);
    if (installs) expect(added.some((name) => name.endsWith('good.py'))).toBe(true);
    else expect(added).toEqual([]);
  });
});
