import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Gateway } from '../../src/gateway/cold/gateway.ts';
import { get, open, tunnel } from './open.ts';
import { type Identity, identify } from './identity.ts';
import { Place } from './place.ts';
import { UserProxy } from './user-proxy.ts';

let folder: string;
let identity: Identity;
let plain: Place;
let secure: Place;
const opened: Gateway[] = [];
const openHere = async (...given: Parameters<typeof open>): Promise<Gateway> => {
  const gateway = await open(...given);
  opened.push(gateway);
  return gateway;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pip-accel-test-'));
  identity = await identify(folder);
});
beforeEach(async () => {
  plain = await Place.start(folder);
  secure = await Place.start(folder, identity);
});
afterEach(async () => {
  for (const gateway of opened.splice(0)) await gateway.close();
  plain[Symbol.dispose]();
  secure[Symbol.dispose]();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ['HTTP', () => plain],
  ['TLS', () => secure],
] as const)('an answer over %s is passed on as it is', (_name, placeOf) => {
  const body = gzipSync('a page');
  const fields = [
    ['Content-Type', 'text/html; charset=latin-1'],
    ['Content-Encoding', 'gzip'],
    ['ETag', 'W/"é"'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['Content-Length', String(body.length)],
  ] as const;
  const headers = fields.flat();
  const lower = (names: readonly string[]) =>
    names.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));

  test.each([200, 403, 404, 429, 500, 503])(
    'status %i with its headers and bytes',
    async (status) => {
      const place = placeOf();
      place.answers.set('*', (_request, response) => {
        response.sendDate = false;
        response.writeHead(status, 'In Its Own Words', headers).end(body);
      });
      const gateway = await openHere(['--cert', identity.certificate]);
      const answered = await get(gateway, `${place.url}/simple/x/`);
      expect(answered).toMatchObject({ status, reason: 'In Its Own Words', body });
      const kept = lower(answered.headers).join('\n');
      for (const line of lower(headers)) expect(kept).toContain(line);
      expect(kept).not.toContain('date');
    },
  );

  test('what pip sends reaches the server, and nothing of the proxy does', async () => {
    const place = placeOf();
    place.answers.set('*', (_request, response) => response.writeHead(304, { etag: '"1"' }).end());
    const gateway = await openHere(['--cert', identity.certificate]);
    const sent = { 'user-agent': 'pip/1', 'if-none-match': '"1"', authorization: 'Basic eDp5' };
    const answered = await get(gateway, `${place.url}/a%20b?c=d`, {
      headers: sent,
    });
    expect(answered.status).toBe(304);
    expect(place.asked).toHaveLength(1);
    expect(place.asked[0]).toMatchObject({ method: 'GET', path: '/a%20b?c=d', headers: sent });
    expect(Object.keys(place.asked[0]?.headers ?? {}).join()).not.toMatch(/proxy|via|forwarded/);
    expect(place.asked[0]?.headers.host).toBe(new URL(place.url).host);
  });

  test('a redirect is pip’s to follow', async () => {
    const place = placeOf();
    place.answers.set('*', (_request, response) =>
      response.writeHead(302, { location: '/elsewhere' }).end(),
    );
    const gateway = await openHere(['--cert', identity.certificate]);
    const answered = await get(gateway, `${place.url}/`);
    expect(answered.status).toBe(302);
    expect(answered.headers).toContain('/elsewhere');
    expect(place.asked).toHaveLength(1);
  });

  test.each(Array.from({ length: 10 }, (_, tenth) => tenth))(
    'an answer that breaks off after %i tenths is none for pip',
    async (tenth) => {
      const place = placeOf();
      const whole = Buffer.alloc(100_000, 'x');
      place.answers.set('*', (_request, response) => {
        response.writeHead(200, { 'content-length': whole.length });
        const part = whole.subarray(0, (tenth * whole.length) / 10);
        response.write(part, () => response.socket?.destroy());
      });
      const gateway = await openHere(['--cert', identity.certificate]);
      await expect(get(gateway, `${place.url}/`)).rejects.toThrow();
    },
  );

  test('HEAD has no body, whatever the length that is told', async () => {
    const place = placeOf();
    place.answers.set('*', (_request, response) =>
      response.writeHead(200, { 'content-length': 1000 }).end(),
    );
    const gateway = await openHere(['--cert', identity.certificate]);
    const answered = await get(gateway, `${place.url}/`, { method: 'HEAD' });
    expect(answered).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(answered.headers).toContain('1000');
  });
});

describe('through the user’s proxy', () => {
  let proxy: UserProxy;
  beforeEach(async () => {
    proxy = await UserProxy.start();
    for (const place of [plain, secure]) {
      place.answers.set('*', (_request, response) => response.end('a page'));
    }
    return () => proxy[Symbol.dispose]();
  });
  const address = () => proxy.address();
  const cert = () => ['--cert', identity.certificate];

  test.each<[string, () => Promise<Gateway>]>([
    ['--proxy', () => openHere([...cert(), '--proxy', address()])],
    ['variables', () => openHere(cert(), { HTTP_PROXY: address(), https_proxy: address() })],
    ['ALL_PROXY', () => openHere(cert(), { ALL_PROXY: address() })],
    [
      '--proxy before NO_PROXY',
      () => openHere([...cert(), '--proxy', address()], { NO_PROXY: '*' }),
    ],
  ])('named by %s', async (_name, gatewayOf) => {
    const gateway = await gatewayOf();
    expect((await get(gateway, `${plain.url}/a`)).body.toString()).toBe('a page');
    expect((await get(gateway, `${secure.url}/b`)).body.toString()).toBe('a page');
    expect(proxy.lines).toEqual([`GET ${plain.url}/a`, `CONNECT 127.0.0.1:${secure.port}`]);
    expect(plain.asked[0]?.headers.host).toBe(new URL(plain.url).host);
  });

  test.each<[string, Record<string, string>, readonly string[]]>([
    ['an address in NO_PROXY', { NO_PROXY: 'elsewhere, 127.0.0.1' }, []],
    ['a network in NO_PROXY', { no_proxy: '127.0.0.0/8' }, []],
    ['everything in NO_PROXY', { no_proxy: '*' }, []],
    ['--no-proxy-env', {}, ['--no-proxy-env']],
  ])('not to what is excepted by %s', async (_name, variables, words) => {
    const gateway = await openHere([...cert(), ...words], { ALL_PROXY: address(), ...variables });
    expect((await get(gateway, `${plain.url}/a`)).status).toBe(200);
    expect((await get(gateway, `${secure.url}/b`)).status).toBe(200);
    expect(proxy.lines).toEqual([]);
  });

  test('which refuses a password as it would refuse pip', async () => {
    const gateway = await openHere([...cert(), '--proxy', proxy.address('somebody:wrong')]);
    expect((await get(gateway, `${plain.url}/a`)).status).toBe(407);
    await expect(get(gateway, `${secure.url}/b`)).rejects.toThrow(
      'HTTP/1.1 407 Proxy Authentication Required',
    );
  });
});

describe('certificates', () => {
  test.each<[string, () => Promise<Gateway>]>([
    ['--cert', () => openHere(['--cert', identity.certificate])],
    ['REQUESTS_CA_BUNDLE', () => openHere([], { REQUESTS_CA_BUNDLE: identity.certificate })],
    ['CURL_CA_BUNDLE', () => openHere([], { CURL_CA_BUNDLE: identity.certificate })],
    ['--trusted-host', () => openHere(['--trusted-host', '127.0.0.1'])],
  ])('a server is trusted by %s', async (_name, gatewayOf) => {
    secure.answers.set('*', (_request, response) => response.end('a page'));
    const gateway = await gatewayOf();
    expect((await get(gateway, `${secure.url}/`)).body.toString()).toBe('a page');
  });

  test('a server that nobody trusts is pip’s to look at, with its own certificate', async () => {
    const gateway = await openHere();
    await expect(get(gateway, `${secure.url}/`)).rejects.toThrow(/self.signed/);
    expect(secure.asked).toEqual([]);
  });

  test('the client’s certificate is shown to a server that wants one', async () => {
    const wanting = await Place.start(folder, {
      key: identity.key,
      cert: identity.cert,
      ca: identity.cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    try {
      wanting.answers.set('*', (_request, response) => response.end('a page'));
      const both = join(folder, 'client.pem');
      writeFileSync(both, `${identity.key}\n${identity.cert}`);
      const gateway = await openHere(['--cert', identity.certificate, '--client-cert', both]);
      expect((await get(gateway, `${wanting.url}/`)).body.toString()).toBe('a page');
      const without = await openHere(['--cert', identity.certificate]);
      await expect(get(without, `${wanting.url}/`)).rejects.toThrow();
    } finally {
      wanting[Symbol.dispose]();
    }
  });
});

test('what names itself in a tunnel is not pip, and sees the server’s own certificate', async () => {
  const gateway = await openHere(['--cert', identity.certificate]);
  expect((await certificateOf(gateway)).issuer.CN).toBe('pip-accel, for one run');
  const own = await certificateOf(gateway, 'User-Agent: git/2.39.5\r\n');
  expect(own.issuer.CN).toBe('loopback of the tests');
});

async function certificateOf({ variables }: Gateway, line = ''): Promise<PeerCertificate> {
  const { socket, head } = await tunnel(variables, new URL(secure.url).host, { line });
  expect(head).toMatch(/^HTTP\/1\.1 200/);
  const secured = connectTls({ socket, rejectUnauthorized: false });
  await once(secured, 'secureConnect');
  const found = secured.getPeerCertificate();
  secured.destroy();
  return found;
}

test('told to use no network, it asks nobody', async () => {
  const gateway = await openHere(['--cert', identity.certificate], {}, { isOffline: true });
  await expect(get(gateway, `${plain.url}/`)).rejects.toThrow();
  await expect(get(gateway, `${secure.url}/`)).rejects.toThrow(/offline/);
  expect([...plain.asked, ...secure.asked]).toEqual([]);
});

test('one connection serves many requests', async () => {
  plain.answers.set('*', (_request, response) => response.end('a page'));
  let connections = 0;
  plain.server.on('connection', () => (connections += 1));
  const gateway = await openHere();
  for (let count = 0; count < 5; count += 1) await get(gateway, `${plain.url}/${count}`);
  expect(connections).toBe(1);
});
