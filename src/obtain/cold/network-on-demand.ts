import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import type { Timings } from '../../core/timings.ts';
import { proxyRules } from './proxies.ts';
import { type Network, timeoutOf } from './request.ts';

/** A network that may turn out not to be needed. */
export interface NetworkOnDemand extends Network {
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
  const open = async (url: URL) => {
    using _ = timings?.begin('prepare', null);
    const isDirect = proxyRules(options, environment)(url) === null;
    const reaching = isDirect ? reachTwice(url, timeoutOf(options)) : [];
    try {
      const { openTransport } = await import('./transport.ts');
      const transport = await openTransport(options, environment);
      for (const one of reaching) transport.lendReached(url, one);
      return transport;
    } catch (error) {
      for (const one of reaching) void one.then((socket) => socket.destroy()).catch(() => {});
      throw error;
    }
  };
  let opening: ReturnType<typeof open> | null = null;
  return {
    ask: async (url, headers) => {
      closed.signal.throwIfAborted();
      opening ??= open(url);
      return await (await opening).ask(url, headers);
    },
    close: async () => {
      closed.abort();
      const transport = await opening?.catch(() => null);
      await transport?.close();
    },
  };
}

/**
 * Connections that are begun while what speaks HTTP is loaded: one for the first request, and one
 * for what its answer leads to.
 */
function reachTwice(url: URL, milliseconds: number): readonly Promise<Socket>[] {
  const reaching = [reach(url, milliseconds), reach(url, milliseconds)];
  // Who uses them is told.
  for (const one of reaching) one.catch(() => {});
  return reaching;
}

async function reach({ hostname, port, protocol }: URL, milliseconds: number): Promise<Socket> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const number = Number(port) || (protocol === 'https:' ? 443 : 80);
  const socket = connect({ host, port: number, noDelay: true });
  const late = AbortSignal.timeout(milliseconds);
  try {
    await once(socket, 'connect', { signal: late });
    return socket;
  } catch (error) {
    socket.on('error', () => {}).destroy();
    if (!late.aborted) throw error;
    throw Object.assign(new Error(`connect ETIMEDOUT ${host}:${number}`), { code: 'ETIMEDOUT' });
  }
}
