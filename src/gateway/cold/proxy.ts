import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createListener, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { createAdmission, isForeign } from './admission.ts';
import { answer, breakOff } from './answer.ts';
import type { Authority } from './authority.ts';
import type { Timings } from '../../core/timings.ts';
import type { Respond } from './exchange.ts';
import type { Upstream } from './upstream.ts';

/** What a proxy is made of. */
export interface ProxyParts {
  readonly authority: Authority;
  readonly respond: Respond;
  /** How a server can be spoken to, `https://host:port`; asked before pip is told that it can. */
  readonly wayTo: Upstream['wayTo'];
  readonly timings: Timings | null;
}

/** An HTTP proxy on loopback that reads what is asked for, also over TLS. */
export interface Proxy {
  /** With its password. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/**
 * Opens a proxy on a port of its own (RFC 9112, section 3.2.2 and RFC 9110, section 9.3.6). Only
 * processes of this user that know the password get through, on every connection and, where there
 * is no tunnel, with every request.
 */
export async function openProxy(parts: ProxyParts): Promise<Proxy> {
  const { credentials, admits } = createAdmission();
  const origins = new WeakMap<Socket, URL>();
  const sockets = new Set<Duplex>();
  const track = (socket: Duplex) => {
    sockets.add(socket);
    // What breaks is told by what reads or writes it.
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const server = createServer({ maxHeaderSize }, (message, response) => {
    const origin = origins.get(message.socket);
    if (!origin && !admits(message.headers['proxy-authorization'])) return refuse(response);
    const url = urlOf(message, origin);
    if (url === null) return void response.writeHead(400).end();
    const { respond, timings } = parts;
    void answer(message, response, { url, respond, timings });
  });
  // pip may be busy for long between two requests, and ends its connections itself.
  Object.assign(server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 });
  server.on('connect', (message: IncomingMessage, socket: Socket, head: Buffer) => {
    if (!admits(message.headers['proxy-authorization'])) {
      socket.end(refusal);
      return;
    }
    const tunnel = { message, socket, head, track, server, origins };
    openTunnel(tunnel, parts).catch(() => socket.destroy());
  });
  const listener = createListener((socket) => {
    track(socket);
    if (isForeign(socket)) socket.destroy();
    else server.emit('connection', socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    url: `http://${credentials}@127.0.0.1:${port}`,
    close: async () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
      if (listener.listening) await once(listener, 'close');
    },
  };
}

/** Bytes of all fields of a request, among which may be long tokens. */
const maxHeaderSize = 1 << 18;

const challenge = 'Basic realm="pip-accel"';
const refusal = `HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`;

function refuse(response: ServerResponse): void {
  response.writeHead(407, { 'proxy-authenticate': challenge, 'content-length': 0 }).end();
}

/** What a request is for: in full where there is no tunnel, else a path within its origin. */
function urlOf({ url = '' }: IncomingMessage, origin: URL | undefined): URL | null {
  const text = origin ? `${origin.origin}${url}` : url;
  const isWhole = origin ? url.startsWith('/') : /^http:\/\//i.test(url);
  return isWhole && URL.canParse(text) ? new URL(text) : null;
}

interface Tunnel {
  readonly message: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly track: (socket: Duplex) => void;
  readonly server: Server;
  readonly origins: WeakMap<Socket, URL>;
}

const established = 'HTTP/1.1 200 Connection established\r\n\r\n';

async function openTunnel(tunnel: Tunnel, { authority, wayTo }: ProxyParts): Promise<void> {
  const { message, socket, head, track, server, origins } = tunnel;
  const origin = originOf(message.url ?? '');
  if (origin === null) return void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  // git and curl name themselves here, pip does not.
  const isPip = message.headers['user-agent'] === undefined;
  const way = await wayTo(origin, isPip);
  switch (way.kind) {
    case 'answered': {
      socket.write(established);
      if (head.length > 0) socket.unshift(head);
      const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
      const secureContext = authority.identityOf(host);
      const secured = new TLSSocket(socket, { isServer: true, secureContext });
      origins.set(secured, origin);
      track(secured);
      server.emit('connection', secured);
      break;
    }
    case 'direct': {
      track(way.socket);
      socket.write(established);
      if (head.length > 0) way.socket.write(head);
      way.socket.on('close', () => socket.destroy()).pipe(socket);
      socket.on('close', () => way.socket.destroy()).pipe(way.socket);
      break;
    }
    case 'refused':
      socket.end(`HTTP/1.1 ${way.status} ${way.reason}\r\nContent-Length: 0\r\n\r\n`);
      break;
    case 'unreachable':
      breakOff(message, way.cause);
      break;
    default:
      way satisfies never;
  }
}

/** Of `host:443`. */
function originOf(authority: string): URL | null {
  const isPlain = /^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(authority);
  return isPlain && URL.canParse(`https://${authority}`) ? new URL(`https://${authority}`) : null;
}
