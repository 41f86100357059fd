import { readFileSync } from 'node:fs';
import { request as ask, type RequestOptions } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { GivenOption } from '../../src/cli/argv.ts';
import { parseArguments } from '../../src/cli/argv.ts';
import { effectiveOptions } from '../../src/config/pip-config.ts';
import { type Gateway, openGateway } from '../../src/gateway/cold/gateway.ts';

/** A gateway as a pip of some version, with these words and variables, would be given one. */
export async function open(
  words: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  rules: { readonly version?: string; readonly isOffline?: boolean } = {},
): Promise<Gateway> {
  const given: readonly GivenOption[] = parseArguments(words)?.options ?? [];
  const gateway = await openGateway({
    options: effectiveOptions(new Map(), given),
    environment,
    version: rules.version ?? '26.3',
    isOffline: rules.isOffline ?? false,
    stepsAside: false,
  });
  if (!gateway) throw new Error('no gateway');
  return gateway;
}

export interface Answered {
  readonly status: number;
  readonly reason: string;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Asks as pip does: for plain HTTP by the whole URL, for TLS through a tunnel, trusting what `PIP_CERT` names. */
export async function get(
  { variables }: Pick<Gateway, 'variables'>,
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answered> {
  const proxy = new URL(variables['PIP_PROXY'] ?? '');
  const target = new URL(url);
  if (target.protocol === 'http:') {
    const own = { 'proxy-authorization': authorizationOf(proxy), host: target.host };
    const place = { host: proxy.hostname, port: proxy.port, path: url, agent: false as const };
    return await exchange({ ...place, method, headers: { ...own, ...headers } });
  }
  const socket = await secureTunnel(variables, target.host);
  const place = { path: `${target.pathname}${target.search}`, createConnection: () => socket };
  return await exchange({ ...place, method, headers: { host: target.host, ...headers } });
}

export function authorizationOf({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** What is on the other end of a tunnel, by its first line: its status. */
export async function tunnel(
  variables: Readonly<Record<string, string>>,
  authority: string,
  said: { readonly authorization?: string; readonly line?: string } = {},
): Promise<{ readonly socket: Socket; readonly head: string }> {
  const { hostname, port } = new URL(variables['PIP_PROXY'] ?? '');
  const socket = connectPlain(Number(port), hostname);
  const { authorization = authorizationOf(new URL(variables['PIP_PROXY'] ?? '')) } = said;
  const own = authorization === '' ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  const line = `${own}${said.line ?? ''}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${line}\r\n`);
  const head = await new Promise<string>((resolve, reject) => {
    socket.once('data', (data) => resolve(String(data)));
    socket.once('error', reject).once('close', () => reject(new Error('closed')));
  });
  return { socket, head };
}

/** @param servername the name that the certificate has to be for; that of the authority by default. */
export async function secureTunnel(
  variables: Readonly<Record<string, string>>,
  authority: string,
  servername = new URL(`https://${authority}`).hostname,
): Promise<Socket> {
  const { socket, head } = await tunnel(variables, authority);
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(head);
  const ca = readFileSync(variables['PIP_CERT'] ?? '', 'utf8');
  return await new Promise((resolve, reject) => {
    // RFC 6066 has no addresses there; Node then checks the certificate by `host`.
    const named = isIP(servername) === 0 ? { servername } : {};
    const options = { socket, ca, host: servername, ...named };
    const secured = connectTls(options, () => resolve(secured));
    secured.once('error', reject);
  });
}

async function exchange(options: RequestOptions): Promise<Answered> {
  return await new Promise((resolve, reject) => {
    const request = ask(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const {
          statusCode: status = 0,
          statusMessage: reason = '',
          rawHeaders: headers,
        } = response;
        resolve({ status, reason, headers, body: Buffer.concat(chunks) });
        response.socket.destroy();
      });
    });
    request.on('error', reject).end();
  });
}
