import type { Socket } from 'node:net';
import { setImmediate as nextLoop } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Agent, type buildConnector, type Dispatcher, ProxyAgent, request } from 'undici';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import { certificates, clientCertificate } from './certificates.ts';
import { readCredentials } from './credentials.ts';
import { type Dialer, openDialer } from './dial.ts';
import { isSocks, proxyRules } from './proxies.ts';
import { type Network, timeoutOf } from './request.ts';

/** How to reach the network: what pip was told of proxies, certificates, time-outs and passwords. */
export interface Transport extends Network {
  readonly dispatcherFor: (url: URL) => Dispatcher;
  /** The value of an Authorization header for a URL, where one is known. */
  readonly authorizationFor: (url: URL) => string | null;
  readonly close: () => Promise<void>;
}

/** A transport whose connections can be made one by one. */
export interface DialedTransport extends Transport {
  readonly dialer: Dialer;
  readonly proxyFor: (url: URL) => URL | null;
  /** Has the next request to a URL's origin use a connection that is there already. */
  readonly lend: (url: URL, socket: Socket) => void;
  /** The same for one on its way there, where TLS has yet to begin. */
  readonly lendReached: (url: URL, reaching: Promise<Socket>) => void;
}

/**
 * Milliseconds that a connection is kept which nobody uses: pip pauses while it reads metadata
 * or builds, and other clients keep theirs for a minute or two.
 */
const keepAlive = 60_000;

/** Bytes of all fields of an answer; Python takes a hundred of 64 kB each. */
const maxHeaderSize = 1 << 18;

/** Builds a transport out of pip's own options and variables (`pip/_internal/network/session.py`). */
export async function openTransport(
  options: PipOptions,
  environment: Environment,
): Promise<DialedTransport> {
  const milliseconds = timeoutOf(options);
  const proxyFor = proxyRules(options, environment);
  const trusted = new Set(options.values('trusted-host'));
  const ca = [...(await certificates(options, environment))];
  const identity = await clientCertificate(options);
  // To read all certificates of a system takes Node 20 40 ms.
  let read: SecureContext | null = null;
  const context = () => (read ??= createSecureContext({ ca, ...identity }));
  const dialer = openDialer({
    proxyFor,
    context,
    isTrusted: ({ hostname, host }) => trusted.has(hostname) || trusted.has(host),
    milliseconds,
  });
  const lent = new Map<string, Promise<Socket>[]>();
  const lend = ({ origin }: URL, connecting: Promise<Socket>) => {
    // Who uses it is told.
    connecting.catch(() => {});
    lent.set(origin, [...(lent.get(origin) ?? []), connecting]);
  };
  const limits = {
    headersTimeout: milliseconds,
    bodyTimeout: milliseconds,
    keepAliveTimeout: keepAlive,
    maxHeaderSize,
  };
  const agent = new Agent({ ...limits, connect: connector(dialer, lent) });
  const socks = new Map<string, ProxyAgent>();
  const dispatcherFor = (url: URL) => {
    const proxy = proxyFor(url);
    if (!proxy || (url.protocol === 'https:' && !isSocks(proxy))) return agent;
    if (!isSocks(proxy)) return dialer.throughProxy(proxy);
    const known = socks.get(proxy.href);
    if (known) return known;
    const requestTls = { secureContext: context() };
    const opened = new ProxyAgent({ ...limits, uri: proxy.href, requestTls });
    socks.set(proxy.href, opened);
    return opened;
  };
  const authorizationFor = await readCredentials(options, environment);
  return {
    dispatcherFor,
    authorizationFor,
    ask: async (url, headers) => {
      const authorization = authorizationFor(url);
      const answer = await request(url, {
        dispatcher: dispatcherFor(url),
        headers: {
          'user-agent': 'pip-accel',
          ...(authorization === null ? {} : { authorization }),
          ...headers,
        },
      });
      const body = untilReusable(answer.body);
      return { status: answer.statusCode, headers: answer.headers, body };
    },
    dialer,
    proxyFor,
    lend: (url, socket) => lend(url, Promise.resolve(socket)),
    lendReached: (url, reaching) => {
      const secured = async () => await dialer.secure(url, await reaching);
      lend(url, url.protocol === 'https:' ? secured() : reaching);
    },
    close: async () => {
      for (const connecting of [...lent.values()].flat()) {
        void connecting.then((socket) => socket.destroy()).catch(() => {});
      }
      const dispatchers = [agent, ...socks.values()].map(async (one) => await one.destroy());
      await Promise.all([...dispatchers, dialer.close()]);
    },
  };
}

/**
 * undici takes a connection for free one turn of the event loop after its answer has ended: who
 * asks for something else before that has a new one opened, in two or three round trips.
 */
export async function* untilReusable(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* body;
  await nextLoop();
}

/** What undici asks for a connection: one that was lent, or a new one. */
function connector(dialer: Dialer, lent: Map<string, Promise<Socket>[]>): buildConnector.connector {
  const connect = async (url: URL): Promise<Socket> => {
    for (let next = lent.get(url.origin)?.shift(); next; next = lent.get(url.origin)?.shift()) {
      const ready = await next;
      if (!ready.destroyed) return ready;
    }
    const socket = await dialer.reach(url);
    return url.protocol === 'https:' ? await dialer.secure(url, socket) : socket;
  };
  return ({ protocol, host }, done) => {
    void callback(connect(new URL(`${protocol}//${host}`)), done);
  };
}

async function callback(connecting: Promise<Socket>, done: buildConnector.Callback): Promise<void> {
  let socket: Socket;
  try {
    socket = await connecting;
  } catch (error) {
    done(error as Error, null);
    return;
  }
  done(null, socket);
}
