import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type Dispatcher, request } from 'undici';
import { errnoOf } from '../../core/errors.ts';
import { ProxyRefusal } from '../../obtain/cold/request.ts';
import { type DialedTransport, untilReusable } from '../../obtain/cold/transport.ts';
import { endToEnd } from './answer.ts';
import type { GatewayRequest, HeaderFields, Respond } from './exchange.ts';
import { causeOf, GatewayFault } from './fault.ts';

/** How pip can get to a server that it wants to speak TLS with. */
export type Way =
  /** By our answers: the server was reached, and is the one that it says. */
  | { readonly kind: 'answered' }
  /** By itself, over a connection to the server, because the handshake here was no success: pip has the words for it. */
  | { readonly kind: 'direct'; readonly socket: Socket }
  /** The user's proxy does not lead there. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly cause: string };

/** The network on pip's behalf. */
export interface Upstream {
  readonly respond: Respond;
  /** @param isPip others do not know our authority, and get their own way. */
  readonly wayTo: (origin: URL, isPip: boolean) => Promise<Way>;
}

/**
 * Asks what pip asks, as it asks it, of whom it asks, and answers what is answered: redirects,
 * errors and encoded bytes as they are. The time that pip gives an answer is pip's to measure.
 *
 * @param onUnreachable told when a server cannot be reached, before pip is.
 */
export function openUpstream(
  transport: DialedTransport,
  onUnreachable: (cause: string) => Promise<void>,
): Upstream {
  const answering = new Set<string>();
  const reached = new Map<string, 'answered' | 'direct'>();
  return {
    respond: async (asked) => {
      try {
        const answered = await ask(asked, transport);
        answering.add(asked.url.origin);
        return answered;
      } catch (error) {
        if (asked.signal.aborted) throw error;
        if (asked.url.protocol === 'https:' && isOfTls(error)) {
          reached.set(asked.url.origin, 'direct');
        }
        const cause = causeOf(error);
        // A server that was there a moment ago is worth pip's own retries.
        if (isUnreachable(error) && !answering.has(asked.url.origin)) await onUnreachable(cause);
        throw new GatewayFault(cause, { cause: error });
      }
    },
    wayTo: async (origin, isPip) => {
      try {
        const known = isPip ? reached.get(origin.origin) : 'direct';
        if (known === 'answered') return { kind: known };
        if (known === 'direct') return await directly(origin, transport);
        const way = await explore(origin, transport);
        reached.set(origin.origin, way.kind);
        return way;
      } catch (error) {
        if (error instanceof ProxyRefusal) {
          const { status } = error;
          return { kind: 'refused', status, reason: STATUS_CODES[status] ?? '' };
        }
        const cause = causeOf(error);
        await onUnreachable(cause);
        return { kind: 'unreachable', cause };
      }
    },
  };
}

/** The first connection to a server is the one that the first request then takes. */
async function explore(
  origin: URL,
  { dialer, lend }: DialedTransport,
): Promise<Extract<Way, { kind: 'answered' | 'direct' }>> {
  const socket = await dialer.reach(origin);
  try {
    lend(origin, await dialer.secure(origin, socket));
    return { kind: 'answered' };
  } catch {
    socket.destroy();
    return await directly(origin, { dialer });
  }
}

async function directly(
  origin: URL,
  { dialer }: Pick<DialedTransport, 'dialer'>,
): Promise<Extract<Way, { kind: 'direct' }>> {
  return { kind: 'direct', socket: await dialer.reach(origin) };
}

async function ask(asked: GatewayRequest, transport: DialedTransport) {
  const { statusCode, statusText, headers, body } = await send(asked, transport);
  const fields = headersOf(headers);
  return { status: statusCode, reason: statusText, headers: fields, body: untilReusable(body) };
}

async function send(
  asked: GatewayRequest,
  transport: DialedTransport,
): Promise<Dispatcher.ResponseData> {
  const { method, url, headers, body, signal } = asked;
  const { expect: _, ...fields } = headers;
  const options = {
    dispatcher: transport.dispatcherFor(url),
    method,
    headers: fields as Record<string, string | string[]>,
    body: body === null ? null : Readable.from(body),
    signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  try {
    return await request(url, options);
  } catch (error) {
    // The server may have ended an idle connection just when it was taken up again.
    const isOver = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(errnoOf(error) ?? '');
    if (!isOver || body !== null || signal.aborted) throw error;
    return await request(url, options);
  }
}

function headersOf(headers: Dispatcher.ResponseData['headers']): HeaderFields {
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return endToEnd(Object.fromEntries(fields));
}

function isOfTls(error: unknown): boolean {
  return /^ERR_(?:SSL|TLS)_/.test(errnoOf(error) ?? '');
}

function isUnreachable(error: unknown): boolean {
  return /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/.test(
    errnoOf(error) ?? '',
  );
}
