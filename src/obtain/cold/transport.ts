import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import { hasErrno } from '../../core/errors.ts';

/** How to reach the network: what pip was told of proxies, certificates, time-outs and passwords. */
export interface Transport {
  readonly dispatcherFor: (url: URL) => Dispatcher;
  /** The value of an Authorization header for a URL, where one is known. */
  readonly authorizationFor: (url: URL) => string | null;
  readonly close: () => Promise<void>;
}

/** pip's `--timeout` default, seconds. */
const defaultTimeout = 15;

/** Builds a transport out of pip's own options and variables (`pip/_internal/network/session.py`). */
export async function openTransport(
  options: PipOptions,
  environment: Environment,
): Promise<Transport> {
  const seconds = Number(options.value('timeout') ?? defaultTimeout) || defaultTimeout;
  const tls = {
    ca: await certificates(options, environment),
    ...(await clientCertificate(options)),
  };
  const trusted = new Set(options.values('trusted-host'));
  const open = (rejectUnauthorized: boolean): Dispatcher => {
    const connect = { ...tls, rejectUnauthorized, timeout: seconds * 1000 };
    const limits = { connect, headersTimeout: seconds * 1000, bodyTimeout: seconds * 1000 };
    const proxy = options.value('proxy');
    if (proxy) return new ProxyAgent({ ...limits, uri: withScheme(proxy), requestTls: connect });
    const named = proxyVariables(environment);
    return named.httpProxy || named.httpsProxy
      ? new EnvHttpProxyAgent({ ...limits, ...named, requestTls: connect })
      : new Agent(limits);
  };
  const strict = open(true);
  const lenient = trusted.size > 0 ? open(false) : strict;
  const netrc = await readNetrc(environment);
  return {
    dispatcherFor: (url) => (trusted.has(url.hostname) || trusted.has(url.host) ? lenient : strict),
    authorizationFor: (url) => authorization(url, options, netrc),
    close: async () => {
      await strict.destroy();
      if (lenient !== strict) await lenient.destroy();
    },
  };
}

function proxyVariables(environment: Environment) {
  const read = (name: string) => environment[name] || environment[name.toUpperCase()] || '';
  const all = read('all_proxy');
  return {
    httpProxy: read('http_proxy') || all,
    httpsProxy: read('https_proxy') || all,
    noProxy: read('no_proxy'),
  };
}

function withScheme(proxy: string): string {
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Where distributions of Linux and macOS keep their certificates. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

async function certificates(options: PipOptions, environment: Environment): Promise<string[]> {
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

type Netrc = ReadonlyMap<string, { readonly login: string; readonly password: string }>;

/** Passwords come from the URL of an index of the same origin, else from `.netrc` (`network/auth.py`). */
function authorization(url: URL, options: PipOptions, netrc: Netrc): string | null {
  const configured = [
    options.value('index-url') ?? '',
    ...options.values('extra-index-url').flatMap((value) => value.split(/\s+/)),
    ...options.values('find-links'),
  ];
  for (const text of configured) {
    if (!URL.canParse(text)) continue;
    const index = new URL(text);
    if (index.origin === url.origin && index.username !== '') {
      return basic(decodeURIComponent(index.username), decodeURIComponent(index.password));
    }
  }
  const entry = netrc.get(url.hostname) ?? netrc.get('');
  return entry ? basic(entry.login, entry.password) : null;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

async function readNetrc(environment: Environment): Promise<Netrc> {
  const path = environment['NETRC'] || join(environment['HOME'] || homedir(), '.netrc');
  try {
    return parseNetrc(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return new Map();
    throw error;
  }
}

/** The `machine`, `default`, `login`, `account` and `password` words of a .netrc; macros are passed over. */
export function parseNetrc(text: string): Netrc {
  const entries = new Map<string, { login: string; password: string }>();
  const words = text
    .replaceAll(/^macdef[\s\S]*?(\n\n|$(?![\s\S]))/gm, '')
    .replaceAll(/(^|\s)#.*$/gm, '')
    .split(/\s+/);
  let current: { login: string; password: string } | null = null;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index];
    const value = words[index + 1] ?? '';
    if (word === 'default') entries.set('', (current = { login: '', password: '' }));
    else if (word === 'machine') {
      entries.set(value, (current = { login: '', password: '' }));
      index += 1;
    } else if (current && (word === 'login' || word === 'password')) {
      current[word] = value;
      index += 1;
    }
  }
  return entries;
}
