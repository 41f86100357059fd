import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, request as ask } from 'undici';
import type { HeaderFields, Respond } from '../../src/gateway/cold/exchange.ts';

/** Between two hops only (RFC 9110, section 7.6.1). */
const ofTheHop = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function lasting(headers: IncomingHttpHeaders): HeaderFields {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ofTheHop.has(name) ? [] : [[name, value] as const],
    ),
  );
}

/** The network, and how it ends. */
export function openNetwork(): { readonly respond: Respond; readonly close: () => Promise<void> } {
  const dispatcher = new Agent({ connect: { timeout: 5000 }, headersTimeout: 15_000 });
  return {
    respond: async ({ method, url, headers, signal }) => {
      const fields = headers as Record<string, string | string[]>;
      const answer = await ask(url, {
        dispatcher,
        method: method as 'GET',
        headers: fields,
        signal,
      });
      return { status: answer.statusCode, headers: lasting(answer.headers), body: answer.body };
    },
    close: async () => await dispatcher.destroy(),
  };
}

/** A proxy on loopback for plain HTTP, in absolute form: enough for a real pip. */
export class PlainProxy {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(respond: Respond): Promise<PlainProxy> {
    const server = createServer((incoming, outgoing) => {
      void serve(incoming, outgoing, respond);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new PlainProxy(server);
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  respond: Respond,
): Promise<void> {
  const aborter = new AbortController();
  outgoing.on('close', () => aborter.abort());
  const { method = 'GET', url = '' } = incoming;
  const headers = lasting(incoming.headers);
  const { signal } = aborter;
  try {
    const answer = await respond({ method, url: new URL(url), headers, body: null, signal });
    outgoing.writeHead(answer.status, answer.headers as Record<string, string | string[]>);
    await pipeline(Readable.from(answer.body, { objectMode: true }), outgoing);
  } catch {
    outgoing.destroy();
  }
}
