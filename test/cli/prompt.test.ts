import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { executable, Sandbox } from './sandbox.ts';

test('a question of pip’s is shown before its answer is given', async () => {
  using sandbox = new Sandbox();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization ?? 'nobody');
    response.writeHead(401, { 'www-authenticate': 'Basic realm="index"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const line = ['install', '--index-url', `http://127.0.0.1:${port}/simple`, 'fx-wheel'];
    const child = spawn(executable, line, {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...sandbox.environment, PIP_ACCEL_CACHE: sandbox.cache, PIP_NO_INDEX: '' },
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (said.includes(`User for 127.0.0.1:${port}: `)) break;
    }
    child.stdin.end('somebody\nsecret\n');
    expect(await ended).toBe(1);
    expect(asked).toContain(`Basic ${Buffer.from('somebody:secret').toString('base64')}`);
  } finally {
    server.close();
  }
});
