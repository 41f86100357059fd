import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import pLimit from 'p-limit';
import { describe, expect, test } from 'vitest';
import { effectiveOptions } from '../../src/config/pip-config.ts';
import { networkOnDemand } from '../../src/obtain/cold/network-on-demand.ts';
import { collect, type Network, timeoutOf } from '../../src/obtain/cold/request.ts';
import { openTransport } from '../../src/obtain/cold/transport.ts';

test('who asks next has the connection on which an answer has just ended', async () => {
  let connections = 0;
  const server = createServer((_request, response) => void response.end('answer'));
  server.on('connection', () => (connections += 1)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const transport = await openTransport(effectiveOptions(new Map(), []), {});
  try {
    const limit = pLimit(4);
    const ask = async (number: number) => {
      const { body } = await transport.ask(new URL(`http://127.0.0.1:${port}/${number}`), {});
      return String(await collect(body, 100));
    };
    const answers = Array.from({ length: 40 }, (_, number) => limit(ask, number));
    expect(await Promise.all(answers)).toEqual(answers.map(() => 'answer'));
    expect(connections).toBe(4);
  } finally {
    await transport.close();
    server.close();
  }
});

describe('a network on demand', () => {
  const ask = async (network: Network, url: string) =>
    String(await collect((await network.ask(new URL(url), {})).body, 100));

  async function serve() {
    let connections = 0;
    const server = createServer((_request, response) => void response.end('answer'));
    server.on('connection', () => (connections += 1)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return { server, url: `http://127.0.0.1:${port}/`, connections: () => connections };
  }

  test('has a second connection ready for what the first answer leads to', async () => {
    const { server, url, connections } = await serve();
    const network = networkOnDemand(effectiveOptions(new Map(), []), {}, null);
    try {
      expect(await ask(network, url)).toBe('answer');
      expect(connections()).toBe(2);
      await Promise.all([ask(network, url), ask(network, url)]);
      expect(connections()).toBe(2);
    } finally {
      await network.close();
      server.close();
    }
  });

  test('connects to nobody but the user’s proxy', async () => {
    const { server, url, connections } = await serve();
    const proxy = await serve();
    const network = networkOnDemand(
      effectiveOptions(new Map(), []),
      { http_proxy: proxy.url },
      null,
    );
    try {
      expect(await ask(network, url)).toBe('answer');
      expect([connections(), proxy.connections()]).toEqual([0, 1]);
    } finally {
      await network.close();
      for (const one of [server, proxy.server]) one.close();
    }
  });

  test('says why nobody can be reached', async () => {
    const { server, url } = await serve();
    server.close();
    await once(server, 'close');
    const network = networkOnDemand(effectiveOptions(new Map(), []), {}, null);
    await expect(ask(network, url)).rejects.toThrow('ECONNREFUSED');
    await network.close();
  });

  test('outlives the end of a connection that it has in store', async () => {
    const { server, url } = await serve();
    const sockets: Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    const network = networkOnDemand(effectiveOptions(new Map(), []), {}, null);
    try {
      expect(await ask(network, url)).toBe('answer');
      for (const socket of sockets) socket.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await ask(network, url)).toBe('answer');
    } finally {
      await network.close();
      server.close();
    }
  });

  test('has connections that were there while this thread was busy', async () => {
    const { server, url, connections } = await serve();
    const options = effectiveOptions(new Map([['timeout', '0.1']]), []);
    const network = networkOnDemand(options, {}, null);
    try {
      network.expect(new URL(url), 3);
      // They are on their way then, and nobody has heard of their end.
      await new Promise((resolve) => process.nextTick(resolve));
      for (const began = performance.now(); performance.now() - began < 300; );
      const answers = [ask(network, url), ask(network, url), ask(network, url)];
      expect(await Promise.all(answers)).toEqual(['answer', 'answer', 'answer']);
      expect(connections()).toBe(3);
    } finally {
      await network.close();
      server.close();
    }
  });

  test.each([
    ['16.1', 16_100],
    ['2.01', 2010],
    ['9999999', 2 ** 31 - 1],
  ])('waits for --timeout %s in whole milliseconds: %i', (timeout, milliseconds) => {
    expect(timeoutOf(effectiveOptions(new Map([['timeout', timeout]]), []))).toBe(milliseconds);
  });

  test('leaves no connection behind that never came about', async () => {
    // Speaks no TLS, nor anything else.
    const silent = createTcpServer().listen(0, '127.0.0.1');
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket.resume()));
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const network = networkOnDemand(effectiveOptions(new Map(), []), {}, null);
    const asked = ask(network, `https://127.0.0.1:${port}/`);
    const refused = expect(asked).rejects.toThrow();
    while (sockets.length < 2) await once(silent, 'connection');
    const ended = Promise.all(sockets.map(async (socket) => await once(socket, 'close')));
    await network.close();
    await Promise.all([ended, refused]);
    silent.close();
  }, 5000);
});
