import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createPlainServer, type IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect, type Server as Listening } from 'node:net';
import { join } from 'node:path';
import { type Identity, identify } from '../gateway/identity.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Fixtures } from './fixtures.ts';
import { executable, Sandbox } from './sandbox.ts';

/** The fixtures as an index over TLS, which asks for a password where it has one. */
class Index {
  readonly asked: { readonly path: string; readonly range: string | undefined }[] = [];
  readonly #server: Server;
  password: string | null = null;
  /** Archives of which the first answer to pip-accel breaks in the middle. */
  breaking = new Set<string>();

  constructor(folder: string) {
    const { key, cert } = identity;
    this.#server = createServer({ key, cert }, (request, response) => {
      const path = request.url ?? '';
      const range = request.headers.range;
      this.asked.push({ path, range });
      if (this.password !== null && !isAuthorized(request, this.password)) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="index"' }).end();
      } else if (path.startsWith('/simple/')) {
        const key = path.slice('/simple/'.length).replace(/\/$/, '').replaceAll('-', '_');
        const names = readdirSync(folder).filter((name) => name.startsWith(`${key}-`));
        const links = names.map((name) => `<a href="/files/${name}">${name}</a>`);
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(`<!DOCTYPE html><html><body>${links.join('')}</body></html>`);
      } else {
        const name = path.slice('/files/'.length);
        const bytes = readFileSync(join(folder, name));
        const from = /^bytes=(\d+)-$/.exec(range ?? '')?.[1];
        const start = Number(from ?? 0);
        // No other than from somewhere to the end.
        const isWhole = from === undefined;
        response.writeHead(isWhole ? 200 : 206, {
          'content-length': bytes.length - start,
          ...(isWhole
            ? {}
            : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
        });
        if (isWhole && this.breaking.delete(name)) {
          response.write(bytes.subarray(0, 100), () => response.destroy());
        } else response.end(bytes.subarray(start));
      }
    });
  }

  async start(): Promise<void> {
    await listen(this.#server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function isAuthorized({ headers }: IncomingMessage, password: string): boolean {
  return headers.authorization === `Basic ${Buffer.from(password).toString('base64')}`;
}

async function listen(server: Listening): Promise<void> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
}

let fixtures: Fixtures;
let sandbox: Sandbox;
let index: Index;
/** An authority of its own, for the time of the tests. */
let identity: Identity;
beforeAll(async () => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  identity = await identify(sandbox.root);
  sandbox.keepEnvironment();
});
beforeEach(async () => {
  sandbox.resetEnvironment();
  sandbox.run(['rm', '-rf', sandbox.cache]);
  index = new Index(fixtures.index);
  await index.start();
  return () => index.close();
});
afterAll(() => {
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

/** Not in step, for the server is in this process. */
async function install(words: readonly string[], variables: Readonly<Record<string, string>>) {
  const child = spawn(executable, ['install', '--retries=0', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: sandbox.root,
    env: {
      ...sandbox.environment,
      PIP_ACCEL_CACHE: sandbox.cache,
      PIP_NO_INDEX: '',
      PIP_NO_CACHE_DIR: '1',
      ...variables,
    },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output, exitCode };
}

const requirement = 'fx-many==3';
const archive = 'fx_many-3-py2.py3-none-any.whl';
const url = (user = '') => `https://${user}127.0.0.1:${index.port}/simple`;

test('an archive is fetched over TLS with the certificate that pip was told of', async () => {
  const { output, exitCode } = await install([requirement], {
    PIP_INDEX_URL: url(),
    PIP_CERT: identity.certificate,
  });
  expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
  expect(output).toContain('Successfully installed fx-many-3');
});

test('an index whose certificate nobody knows is not trusted, unless pip was told to', async () => {
  const distrusted = await install([requirement], { PIP_INDEX_URL: url() });
  expect(distrusted).toMatchObject({ exitCode: 1 });
  const trusted = await install(['--trusted-host', '127.0.0.1', requirement], {
    PIP_INDEX_URL: url(),
  });
  expect(trusted).toMatchObject({ exitCode: 0 });
});

test('a password in the URL of the index is used for the archives', async () => {
  index.password = 'somebody:secret';
  const { output, exitCode } = await install([requirement], {
    PIP_INDEX_URL: url('somebody:secret@'),
    PIP_CERT: identity.certificate,
  });
  expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
});

test('an archive whose transfer breaks is gone on with where it broke', async () => {
  index.breaking.add(archive);
  const { output, exitCode } = await install([requirement], {
    PIP_INDEX_URL: url(),
    PIP_CERT: identity.certificate,
  });
  expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
  const asked = index.asked.filter(({ path }) => path === `/files/${archive}`);
  expect(asked.at(-1)?.range).toBe('bytes=100-');
});

test('archives are fetched through the proxy that pip was told of', async () => {
  let connections = 0;
  const proxy = createPlainServer();
  proxy.on('connect', ({ url = '' }, client) => {
    connections += 1;
    const [host = '', port] = url.split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [upstream, client]) {
      socket.on('error', () => [upstream, client].forEach((each) => each.destroy()));
    }
  });
  await listen(proxy);
  try {
    const { port } = proxy.address() as AddressInfo;
    const { output, exitCode } = await install([requirement], {
      PIP_INDEX_URL: url(),
      PIP_CERT: identity.certificate,
      PIP_PROXY: `http://127.0.0.1:${port}`,
    });
    expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
    // Page and archive come on the same, for to open one takes several round trips.
    expect(connections).toBe(1);
  } finally {
    proxy.close();
  }
});
