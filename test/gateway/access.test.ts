import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Gateway } from '../../src/gateway/cold/gateway.ts';
import { authorizationOf, get, open, secureTunnel, tunnel } from './open.ts';
import { type Identity, identify } from './identity.ts';
import { Place } from './place.ts';

let folder: string;
let identity: Identity;
let place: Place;
let gateway: Gateway;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pip-accel-test-'));
  identity = await identify(folder);
});
beforeEach(async () => {
  place = await Place.start(folder, identity);
  place.answers.set('*', (_request, response) => response.end('a page'));
  gateway = await open(['--cert', identity.certificate]);
});
afterEach(async () => {
  await gateway.close();
  place[Symbol.dispose]();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const target = () => `127.0.0.1:${place.port}`;

describe('who does not know the password', () => {
  const right = () => authorizationOf(new URL(gateway.variables['PIP_PROXY'] ?? ''));

  test.each<[string, () => string]>([
    ['with none', () => ''],
    ['with another', () => `Basic ${Buffer.from('pip:another').toString('base64')}`],
    ['with one that begins alike', () => right().slice(0, -3)],
    ['with one that is longer', () => `${right()}x`],
  ])('gets no tunnel %s', async (_name, authorization) => {
    const { head, socket } = await tunnel(gateway.variables, target(), {
      authorization: authorization(),
    });
    expect(head).toMatch(/^HTTP\/1\.1 407 .*\r\nProxy-Authenticate: Basic/s);
    socket.destroy();
    expect(place.asked).toEqual([]);
  });

  test('gets no page either', async () => {
    const answered = await get(gateway, 'http://127.0.0.1:1/', {
      headers: { 'proxy-authorization': 'Basic cGlwOng=' },
    });
    expect(answered.status).toBe(407);
  });

  test('gets nothing by a path, as if the proxy were a server', async () => {
    const { hostname, port } = new URL(gateway.variables['PIP_PROXY'] ?? '');
    const socket = connect(Number(port), hostname);
    socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nProxy-Authorization: ${right()}\r\n\r\n`);
    const head = await new Promise<string>((resolve) =>
      socket.once('data', (d) => resolve(String(d))),
    );
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});

test.runIf(process.getuid?.() === 0 && process.platform === 'linux')(
  'another user does not get in, not even with the password',
  async () => {
    const plain = await Place.start(folder);
    plain.answers.set('*', (_request, response) => response.end('a page'));
    const script = [
      'import http.client, os, sys, urllib.parse',
      '"".encode("idna")',
      'os.setuid(int(sys.argv[1]))',
      'proxy = urllib.parse.urlsplit(sys.argv[2])',
      'connection = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=10)',
      'try:',
      '    connection.request("GET", sys.argv[3], headers={"Proxy-Authorization": sys.argv[4]})',
      '    print(connection.getresponse().status)',
      'except OSError: print("closed")',
    ].join('\n');
    const url = new URL(gateway.variables['PIP_PROXY'] ?? '');
    const askAs = async (user: number) =>
      await run('python3', ['-c', script, `${user}`, url.href, plain.url, authorizationOf(url)]);
    try {
      expect(await askAs(65_534)).toBe('closed');
      expect(await askAs(0)).toBe('200');
      expect(plain.asked).toHaveLength(1);
    } finally {
      plain[Symbol.dispose]();
    }
  },
);

describe('its authority', () => {
  test('signs the host that was asked for, and no other', async () => {
    const secured = await secureTunnel(gateway.variables, target());
    secured.destroy();
    await expect(secureTunnel(gateway.variables, target(), 'localhost')).rejects.toThrow(
      /altnames/,
    );
  });

  test('has no key on the disk, and no file that others can read', () => {
    const bundle = gateway.variables['PIP_CERT'] ?? '';
    const private_ = join(bundle, '..');
    expect(readdirSync(private_)).toEqual(['certificates.pem']);
    expect(statSync(private_).mode & 0o77).toBe(0);
    expect(readFileSync(bundle, 'utf8')).not.toContain('PRIVATE KEY');
    expect(readFileSync(bundle, 'utf8').trim().endsWith('-----END CERTIFICATE-----')).toBe(true);
    expect(readFileSync(bundle, 'utf8')).toContain(identity.cert.trim().split('\n')[1]);
  });

  test('is another in every run', async () => {
    const other = await open(['--cert', identity.certificate]);
    try {
      const foreign = { ...gateway.variables, PIP_CERT: other.variables['PIP_CERT'] ?? '' };
      await expect(secureTunnel(foreign, target())).rejects.toThrow(/certificate|self.signed/);
    } finally {
      await other.close();
    }
  });

  test.each(['3', '3.13', '2.7'])('is believed by Python %s, however strict', async (version) => {
    const python = `python${version}`;
    // Python 3 is a must of the tests, the others are looked at where they are there.
    if (version !== '3' && (await execa(python, ['-c', ''], { reject: false })).failed) return;
    const script = [
      'import socket, ssl, sys',
      'context = ssl.create_default_context(cafile=sys.argv[1])',
      'if hasattr(ssl, "VERIFY_X509_STRICT"): context.verify_flags |= ssl.VERIFY_X509_STRICT',
      'plain = socket.create_connection(("127.0.0.1", int(sys.argv[2])))',
      'plain.sendall(("CONNECT localhost:%s HTTP/1.1\\r\\nProxy-Authorization: %s\\r\\n\\r\\n" % tuple(sys.argv[3:5])).encode())',
      'assert b"200" in plain.recv(1000)',
      'secured = context.wrap_socket(plain, server_hostname="localhost")',
      'secured.sendall(b"GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n")',
      'print(secured.recv(8).decode())',
    ];
    const { variables } = gateway;
    const url = new URL(variables['PIP_PROXY'] ?? '');
    const words = [variables['PIP_CERT'] ?? '', url.port, String(place.port), authorizationOf(url)];
    const output = await run(python, ['-c', script.join('\n'), ...words]);
    expect(output).toBe('HTTP/1.1');
  });
});

test('nothing of it is left when it is closed', async () => {
  const { variables } = gateway;
  await get(gateway, `${place.url}/`);
  const { socket } = await tunnel(variables, target());
  const isClosed = new Promise((resolve) => socket.once('close', resolve));
  await gateway.close();
  await isClosed;
  expect(() => statSync(join(variables['PIP_CERT'] ?? '', '..'))).toThrow(/ENOENT/);
  await expect(tunnel(variables, target())).rejects.toThrow(/ECONNREFUSED/);
});

/** What a program says, while this process goes on answering. */
async function run(file: string, words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await execa(file, words, { reject: false });
  return stdout || stderr;
}
