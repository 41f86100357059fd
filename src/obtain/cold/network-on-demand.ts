import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextLoop } from 'node:timers/promises';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import type { Timings } from '../../core/timings.ts';
import { proxyRules } from './proxies.ts';
import { type Network, timeoutOf } from './request.ts';

/** A network that may turn out not to be needed. */
export interface NetworkOnDemand extends Network {
  /** Begins connections for so many requests to a URL's origin, which come soon. */
  readonly expect: (url: URL, requests: number) => void;
  readonly close: () => Promise<void>;
}

/**
 * A transport that is opened by the first request: what lies in the store or a folder is built
 * and installed without one, and to load it and its certificates takes Node 20 some 70 ms.
 */
export function networkOnDemand(
  options: PipOptions,
  environment: Environment,
  timings: Timings | null,
): NetworkOnDemand {
  const closed = new AbortController();
  const sockets: Socket[] = [];
  const open = async (url: URL, connections: number) => {
    using _ = timings?.begin('prepare', null);
    const isDirect = proxyRules(options, environment)(url) === null;
    const milliseconds = timeoutOf(options);
    sockets.push(...Array.from({ length: isDirect ? connections : 0 }, () => dial(url)));
    const reaching = sockets.map(async (socket) => await reached(socket, url, milliseconds));
    // Who uses them is told.
    for (const one of reaching) one.catch(() => {});
    const { openTransport } = await import('./transport.ts');
    const transport = await openTransport(options, environment);
    for (const one of reaching) transport.lendReached(url, one);
    return transport;
  };
  let opening: ReturnType<typeof open> | null = null;
  return {
    expect: (url, requests) => {
      opening ??= open(url, requests);
      opening.catch(() => {});
    },
    ask: async (url, headers) => {
      closed.signal.throwIfAborted();
      // One for the first request, and one for what its answer leads to.
      opening ??= open(url, 2);
      return await (await opening).ask(url, headers);
    },
    close: async () => {
      closed.abort();
      // Also one on its way, for which nobody waits any more.
      for (const socket of sockets) socket.destroy(new Error('The network is closed'));
      const transport = await opening?.catch(() => null);
      await transport?.close();
    },
  };
}

/** Begins a connection, while what speaks HTTP is loaded. */
function dial({ hostname, port, protocol }: URL): Socket {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const number = Number(port) || (protocol === 'https:' ? 443 : 80);
  // Nobody listens to one that is there and not used yet.
  return connect({ host, port: number, noDelay: true }).on('error', () => {});
}

async function reached(socket: Socket, { host }: URL, milliseconds: number): Promise<Socket> {
  const late = AbortSignal.timeout(milliseconds);
  try {
    await once(socket, 'connect', { signal: late });
    return socket;
  } catch (error) {
    // Where this thread was busy until then, the time is over before it hears of the connection.
    await nextLoop();
    await nextLoop();
    if (late.aborted && !socket.connecting && !socket.destroyed) return socket;
    socket.destroy();
    if (!late.aborted) throw error;
    throw Object.assign(new Error(`connect ETIMEDOUT ${host}`), { code: 'ETIMEDOUT' });
  }
}
