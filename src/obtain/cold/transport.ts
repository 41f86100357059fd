import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import { basicOf, readCredentials } from './credentials.ts';
import { type Dialer, openDialer } from './dial.ts';
import { proxyRules } from './proxies.ts';

/** How to reach the network: what pip was told of proxies, certificates, time-outs and passwords. */
export interface Transport {
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
}

/** pip's `--timeout` default, seconds. */
const defaultTimeout = 15;

/**
 * Milliseconds that a connection is kept which nobody uses: pip pauses while it reads metadata
 * or builds, and other clients keep theirs for a minute or two.
 */
const keepAlive = 60_000;

/** Builds a transport out of pip's own options and variables (`pip/_internal/network/session.py`). */
export async function openTransport(
  options: PipOptions,
  environment: Environment,
): Promise<DialedTransport> {
  const milliseconds =
    1000 * (Number(options.value('timeout') ?? defaultTimeout) || defaultTimeout);
  const proxyFor = proxyRules(options, environment);
  const trusted = new Set(options.values('trusted-host'));
  const ca = [...(await certificates(options, environment))];
  const identity = await clientCertificate(options);
  // To read all certificates of a system takes Node 20 40 ms.
  let opened: SecureContext | null = null;
  const context = () => (opened ??= createSecureContext({ ca, ...identity }));
  const dialer = openDialer({
    proxyFor,
    context,
    isTrusted: ({ hostname, host }) => trusted.has(hostname) || trusted.has(host),
    milliseconds,
  });
  const lent = new Map<string, Socket[]>();
  const limits = {
    headersTimeout: milliseconds,
    bodyTimeout: milliseconds,
    keepAliveTimeout: keepAlive,
  };
  const agent = new Agent({ ...limits, connect: connector(dialer, lent) });
  const proxies = new Map<string, Dispatcher>();
  return {
    dispatcherFor: (url) => {
      const proxy = proxyFor(url);
      const isDialed = url.protocol === 'https:' && !isSocks(proxy);
      if (!proxy || isDialed) return agent;
      const known = proxies.get(proxy.href);
      if (known) return known;
      const proxied = openProxied(proxy, { ...limits, context: context() });
      proxies.set(proxy.href, proxied);
      return proxied;
    },
    authorizationFor: await readCredentials(options, environment),
    dialer,
    proxyFor,
    lend: ({ origin }, socket) => {
      const sockets = lent.get(origin) ?? [];
      sockets.push(socket);
      lent.set(origin, sockets);
    },
    close: async () => {
      for (const socket of [...lent.values()].flat()) socket.destroy();
      const dispatchers = [agent, ...proxies.values()].map(async (one) => await one.destroy());
      await Promise.all([...dispatchers, dialer.close()]);
    },
  };
}

/** Whether a proxy is one that pip itself needs another package for. */
export function isSocks(proxy: URL | null): boolean {
  return proxy !== null && !/^https?:$/.test(proxy.protocol);
}

/** What undici asks for a connection: one that was lent, or a new one. */
function connector(dialer: Dialer, lent: Map<string, Socket[]>): buildConnector.connector {
  const connect = async (url: URL): Promise<Socket> => {
    const ready = lent.get(url.origin)?.find(({ destroyed }) => !destroyed);
    lent.set(url.origin, lent.get(url.origin)?.filter((socket) => socket !== ready) ?? []);
    if (ready) return ready;
    const socket = await dialer.reach(url);
    return url.protocol === 'https:' ? await dialer.secure(url, socket) : socket;
  };
  return ({ protocol, host }, done) => {
    connect(new URL(`${protocol}//${host}`)).then(
      (socket) => done(null, socket),
      (error: Error) => done(error, null),
    );
  };
}

/** Plain HTTP through a proxy, which is asked by the whole URL: many let CONNECT lead to port 443 only. */
function openProxied(
  proxy: URL,
  { context, ...limits }: { readonly context: SecureContext },
): Dispatcher {
  const address = new URL(proxy);
  address.username = address.password = '';
  const tls = { secureContext: context };
  return new ProxyAgent({
    ...limits,
    uri: address.href,
    proxyTunnel: false,
    proxyTls: tls,
    requestTls: tls,
    ...(proxy.username === '' ? {} : { token: basicOf(proxy) }),
  });
}

/** Where distributions of Linux and macOS keep their certificates. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** PEM texts of the authorities that are trusted. */
export async function certificates(
  options: PipOptions,
  environment: Environment,
): Promise<readonly string[]> {
  const named =
    options.value('cert') || environment['REQUESTS_CA_BUNDLE'] || environment['CURL_CA_BUNDLE'];
  if (named) return [await readFile(named, 'utf8')];
  const system = [environment['SSL_CERT_FILE'] ?? '', ...systemBundles].find(
    (path) => path !== '' && existsSync(path),
  );
  return [...rootCertificates, ...(system ? [await readFile(system, 'utf8')] : [])];
}

async function clientCertificate(options: PipOptions) {
  const path = options.value('client-cert');
  if (!path) return {};
  const pem = await readFile(path, 'utf8');
  return { cert: pem, key: pem };
}
