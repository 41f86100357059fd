import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import { basicOf } from './credentials.ts';
import { ProxyRefusal } from './request.ts';

export interface DialRules {
  readonly proxyFor: (url: URL) => URL | null;
  readonly context: () => SecureContext;
  readonly isTrusted: (url: URL) => boolean;
  /** For each connection, and each handshake. */
  readonly milliseconds: number;
}

/** Makes connections to the servers of an index: directly, or through the user's proxy. */
export interface Dialer {
  /**
   * A connection to the host and port of a URL, through its proxy where it has one.
   *
   * @throws ProxyRefusal, or a system error where nobody can be reached.
   */
  readonly reach: (url: URL) => Promise<Socket>;
  /** Ends the handshake of TLS on such a connection; a failure closes it. */
  readonly secure: (url: URL, socket: Socket) => Promise<Socket>;
  /** Asks for plain HTTP by the whole URL, as proxies want it: many let CONNECT lead to port 443 only. */
  readonly throughProxy: (proxy: URL) => Dispatcher;
  readonly close: () => Promise<void>;
}

export function openDialer({ proxyFor, context, isTrusted, milliseconds }: DialRules): Dialer {
  const plain = buildConnector({ timeout: milliseconds });
  const tls = (rejectUnauthorized: boolean) => {
    let connect: buildConnector.connector | null = null;
    const options = { timeout: milliseconds, rejectUnauthorized };
    return () => (connect ??= buildConnector({ ...options, secureContext: context() }));
  };
  const [strict, lenient] = [tls(true), tls(false)];
  const proxies = new Map<string, Pool>();
  const poolOf = ({ origin }: URL) => {
    const pool = proxies.get(origin) ?? new Pool(origin, { connect: connectTo });
    proxies.set(origin, pool);
    return pool;
  };
  const connectTo: buildConnector.connector = (options, done) => {
    (options.protocol === 'https:' ? strict() : plain)(options, done);
  };
  return {
    reach: async (url) => {
      const proxy = proxyFor(url);
      if (proxy) return await tunnel(poolOf(proxy), proxy, url);
      return await promised(plain, { ...addressOf(url), protocol: 'http:' });
    },
    secure: async (url, socket) => {
      const connect = isTrusted(url) ? lenient() : strict();
      return await promised(connect, { ...addressOf(url), protocol: 'https:', httpSocket: socket });
    },
    throughProxy: (proxy) =>
      poolOf(proxy).compose((dispatch) => (options, handler) => {
        const { origin, path } = options;
        const headers = {
          host: new URL(String(origin)).host,
          ...(options.headers as Record<string, string>),
          ...headersFor(proxy),
        };
        return dispatch(
          { ...options, origin: proxy.origin, path: `${String(origin)}${path}`, headers },
          handler,
        );
      }),
    close: async () => {
      await Promise.all(Array.from(proxies.values(), async (pool) => await pool.destroy()));
    },
  };
}

async function tunnel(pool: Pool, proxy: URL, url: URL): Promise<Socket> {
  const path = `${url.hostname}:${portOf(url)}`;
  const headers = { host: path, ...headersFor(proxy) };
  const { statusCode, socket } = await pool.connect({ path, headers });
  if (statusCode >= 200 && statusCode < 300) return socket as Socket;
  socket.on('error', () => {}).destroy();
  throw new ProxyRefusal(statusCode);
}

function headersFor(proxy: URL): Readonly<Record<string, string>> {
  return proxy.username === '' ? {} : { 'proxy-authorization': basicOf(proxy) };
}

function addressOf(url: URL) {
  return {
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    host: url.host,
    port: portOf(url),
  };
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80');
}

async function promised(
  connect: buildConnector.connector,
  options: buildConnector.Options,
): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    connect(options, (error, socket) => (error ? reject(error) : resolve(socket)));
  });
}
