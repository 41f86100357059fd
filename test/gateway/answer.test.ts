import { once } from 'node:events';
import { request as ask } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createAuthority } from '../../src/gateway/cold/authority.ts';
import type { Respond } from '../../src/gateway/cold/exchange.ts';
import { openProxy, type Proxy } from '../../src/gateway/cold/proxy.ts';
import { until } from './ahead-run.ts';
import { authorizationOf } from './open.ts';

let proxy: Proxy | null = null;
afterEach(async () => {
  await proxy?.close();
});

/** Bytes that come when they are let, and who reads them. */
class Bytes implements AsyncIterableIterator<Uint8Array> {
  readonly #waiting: ((bytes: Uint8Array) => void)[] = [];
  readonly ended: Promise<void>;
  #end: () => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    return { done: false, value: await new Promise<Uint8Array>((go) => this.#waiting.push(go)) };
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  async send(size: number): Promise<void> {
    await until(() => this.#waiting.length > 0);
    this.#waiting.shift()?.(new Uint8Array(size));
  }
}

test('an answer ends where pip has gone, also when more of it comes only later', async () => {
  const bytes = new Bytes();
  const signals: AbortSignal[] = [];
  const respond: Respond = ({ signal }) => {
    signals.push(signal);
    return Promise.resolve({ status: 200, headers: {}, body: bytes });
  };
  const wayTo = () => Promise.reject(new Error('no tunnel is asked for'));
  proxy = await openProxy({ authority: createAuthority(), respond, wayTo, timings: null });
  const { hostname, port, href } = new URL(proxy.url);
  const headers = { 'proxy-authorization': authorizationOf(new URL(href)), host: 'files.invalid' };
  const asked = ask({ hostname, port, path: 'http://files.invalid/a.whl', headers }).end();
  const answered = once(asked, 'response');
  await bytes.send(10);
  await answered;
  asked.on('error', () => {}).destroy();
  await until(() => signals.some(({ aborted }) => aborted));
  await bytes.send(10);
  await expect(bytes.ended).resolves.toBeUndefined();
});
