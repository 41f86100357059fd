import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setUp } from '../cli/set-up.ts';
import { type Identity, identify } from './identity.ts';
import { Place } from './place.ts';
import { accel, type Variables } from './run.ts';
import { UserProxy } from './user-proxy.ts';

/** What a user tells pip of his network, which the gateway has to take for its own. */
const { fixtures, sandbox } = setUp();
let identity: Identity;
let place: Place;
let proxy: UserProxy;
beforeAll(async () => {
  identity = await identify(sandbox.root);
});
beforeEach(async () => {
  place = await Place.start(fixtures.root, identity);
  proxy = await UserProxy.start();
});
afterEach(() => {
  place[Symbol.dispose]();
  proxy[Symbol.dispose]();
});

const line = ['download', '--no-deps', '--dest', 'got', 'fx-many==3'];
const purelibOf = 'import sysconfig; print(sysconfig.get_path("purelib"))';
const purelib = sandbox.run([sandbox.python, '-c', purelibOf]).stdout.trim();
const run = async (words: readonly string[], variables: Variables) => {
  rmSync(join(sandbox.root, 'got'), { recursive: true, force: true });
  const { stdout, stderr, exitCode } = await accel(sandbox, [...words], {
    PIP_INDEX_URL: `${place.url}/simple`,
    PIP_CERT: identity.certificate,
    PIP_RETRIES: '0',
    ...variables,
  });
  return { exitCode, output: `${stdout}${stderr}` };
};

describe('the user’s proxy is on the way', () => {
  const file = () => {
    const path = join(sandbox.root, 'pip.conf');
    writeFileSync(path, `[global]\nproxy = ${proxy.address()}\n`);
    return path;
  };
  test.each<[string, () => readonly [readonly string[], Variables]]>([
    ['--proxy', () => [[...line, '--proxy', proxy.address()], {}]],
    ['--proxy before the command', () => [[`--proxy=${proxy.address()}`, ...line], {}]],
    ['PIP_PROXY', () => [line, { PIP_PROXY: proxy.address() }]],
    ['pip.conf', () => [line, { PIP_CONFIG_FILE: file() }]],
    ['HTTPS_PROXY', () => [line, { HTTPS_PROXY: proxy.address() }]],
  ])('named by %s', async (_name, given) => {
    const { exitCode, output } = await run(...given());
    expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
    expect(proxy.lines).toContain(`CONNECT 127.0.0.1:${place.port}`);
    expect(output).not.toContain('secret');
  });

  test('but for what NO_PROXY names', async () => {
    const variables = { HTTPS_PROXY: proxy.address(), NO_PROXY: '127.0.0.1' };
    expect(await run(line, variables)).toMatchObject({ exitCode: 0 });
    expect(proxy.lines).toEqual([]);
  });

  test('and a refusal of it is told as pip tells it', async () => {
    const variables = { PIP_PROXY: proxy.address('somebody:wrong'), PIP_RETRIES: '1' };
    const { exitCode, output } = await run(line, variables);
    expect(exitCode).toBe(1);
    expect(output).toContain('Tunnel connection failed: 407 Proxy Authentication Required');
    expect(output).not.toContain('wrong');
  });
});

describe('an index that wants a password gets the one that pip has', () => {
  beforeEach(() => {
    const wanted = `Basic ${Buffer.from('somebody:secret').toString('base64')}`;
    place.guard = (request, response) => {
      if (request.headers.authorization === wanted) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="index"' }).end();
      return true;
    };
  });

  test('from the URL', async () => {
    const url = `${place.url.replace('//', '//somebody:secret@')}/simple`;
    const { exitCode, output } = await run(line, { PIP_INDEX_URL: url });
    expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
    expect(output).not.toContain('secret');
  });

  test('from .netrc', async () => {
    const netrc = join(sandbox.root, '.netrc');
    writeFileSync(netrc, 'machine 127.0.0.1 login somebody password secret\n', { mode: 0o600 });
    expect(await run(line, { NETRC: netrc })).toMatchObject({ exitCode: 0 });
    rmSync(netrc);
  });

  describe.each(['install', 'download'])('from a keyring, for `%s`', (command) => {
    const words = [...line.slice(1), '--no-input'].filter(
      (word) => command === 'download' || !/^(?:--dest|got)$/.test(word),
    );
    const asked = join(sandbox.root, 'keyring-asked');
    beforeEach(() => {
      rmSync(asked, { force: true });
      rmSync(sandbox.cache, { recursive: true, force: true });
      sandbox.resetEnvironment();
    });

    test('that is a command', async () => {
      const bin = join(sandbox.root, 'keyring-bin');
      mkdirSync(bin, { recursive: true });
      const script = `#!/bin/sh\necho "$@" >> '${asked}'\n[ "$1 $3" = 'get somebody' ] && echo secret\n`;
      writeFileSync(join(bin, 'keyring'), script, { mode: 0o755 });
      const { exitCode, output } = await run([command, ...words], {
        PATH: `${bin}:${process.env['PATH']}`,
        PIP_KEYRING_PROVIDER: 'subprocess',
        PIP_INDEX_URL: `${place.url.replace('//', '//somebody@')}/simple`,
      });
      expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
      expect(readFileSync(asked, 'utf8')).toContain('get ');
      expect(output).not.toContain('secret');
    });

    test('that is a module', async () => {
      const module = join(purelib, 'keyring.py');
      const credential = 'type("Credential", (), {"username": "somebody", "password": "secret"})';
      const source = `def get_credential(service, user):\n    open(${JSON.stringify(asked)}, "a").write(service)\n    return ${credential}\n`;
      writeFileSync(module, source);
      const { exitCode, output } = await run([command, ...words], {
        PIP_KEYRING_PROVIDER: 'import',
      });
      expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
      expect(readFileSync(asked, 'utf8')).toContain(`127.0.0.1:${place.port}`);
      expect(output).not.toContain('secret');
      rmSync(module);
    });
  });

  test('or none, and pip says so', async () => {
    const { exitCode, output } = await run([...line, '--no-input'], {});
    expect(exitCode).toBe(1);
    expect(output).toContain('No matching distribution found for fx-many==3');
    expect(place.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });
});

test('the client’s certificate is shown to an index that wants one', async () => {
  const { key, cert } = identity;
  const tls = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true };
  using wanting = await Place.start(fixtures.root, tls);
  const client = join(sandbox.root, 'client.pem');
  writeFileSync(client, `${key}\n${cert}`);
  const index = { PIP_INDEX_URL: `${wanting.url}/simple` };
  expect(await run([...line, '--client-cert', client], index)).toMatchObject({ exitCode: 0 });
  expect(await run(line, index)).toMatchObject({ exitCode: 1 });
});

test('words of the user’s on proxy and certificates do not lead past the gateway', async () => {
  const offline = { PIP_ACCEL_OFFLINE: 'yes' };
  const words = [...line, '--cert', identity.certificate, '--proxy', proxy.address()];
  expect(await run(words, offline)).toMatchObject({ exitCode: 1 });
  expect(await run(line, { ...offline, NO_PROXY: '*' })).toMatchObject({ exitCode: 1 });
  const variables = { HTTPS_PROXY: proxy.address(), https_proxy: proxy.address() };
  expect(await run(line, { ...offline, ...variables })).toMatchObject({ exitCode: 1 });
  expect([...place.asked, ...proxy.lines]).toEqual([]);
});

test('a certificate that is not there is pip’s to complain about', async () => {
  const { exitCode, output } = await run(line, { PIP_CERT: '/no/such/file.pem' });
  expect(exitCode).not.toBe(0);
  expect(output).toContain('/no/such/file.pem');
});

test('where there is no place for temporary files, pip goes by itself', async () => {
  expect(await run(line, { TMPDIR: '/no/such/folder' })).toMatchObject({ exitCode: 0 });
});
