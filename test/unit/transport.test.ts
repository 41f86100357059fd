import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pLimit from 'p-limit';
import { expect, test } from 'vitest';
import { effectiveOptions } from '../../src/config/pip-config.ts';
import { collect } from '../../src/obtain/cold/request.ts';
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
