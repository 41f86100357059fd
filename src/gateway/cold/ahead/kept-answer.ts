import { collect } from '../../../obtain/cold/request.ts';
import type { GatewayRequest, GatewayResponse, HeaderFields, Respond } from '../exchange.ts';

/** An answer that came before pip asked, as it came. */
export interface KeptAnswer {
  readonly url: string;
  /** The fields that it was asked for with. */
  readonly asked: HeaderFields;
  readonly status: number;
  /** The words after it. */
  readonly reason: string | undefined;
  readonly headers: HeaderFields;
  /** As transferred: compressed where `content-encoding` says so. */
  readonly body: Uint8Array;
}

/** Bytes; the largest pages of PyPI have some 30 million. */
const largestBody = 256 << 20;

/** A request of our own, with the fields of one of pip's. */
export function request(url: URL, headers: HeaderFields, signal: AbortSignal): GatewayRequest {
  return { method: 'GET', url, headers, body: null, signal };
}

/**
 * Reads an answer to its end.
 *
 * @throws what the network throws; Error for an answer of another length than it says
 */
export async function keep(upstream: Respond, asking: GatewayRequest): Promise<KeptAnswer> {
  const answer = await upstream(asking);
  const { status, reason, headers } = answer;
  const body = await collect(answer.body, largestBody);
  const length = field(headers, 'content-length');
  if (length !== null && Number(length) !== body.length) {
    throw new Error(`${asking.url.href} has ${body.length} bytes instead of ${length}`);
  }
  return { url: asking.url.href, asked: asking.headers, status, reason, headers, body };
}

/** A field's value, several of one name joined (RFC 9110, section 5.3); null where there is none. */
export function field(headers: HeaderFields, name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

/** What fails today may succeed when pip asks; what is not there, or elsewhere, pip may know at once. */
export function isFinal({ status }: KeptAnswer): boolean {
  return status === 200 || status === 404 || status === 410 || (status >= 300 && status < 400);
}

/**
 * Whether an answer is one to this request, too: to the same URL, by the same user, in a form that
 * pip takes, and the same in every field by which the answer varies (RFC 9111, section 4.1).
 */
export function isAnswerTo(kept: KeptAnswer, { method, url, headers }: GatewayRequest): boolean {
  if (method !== 'GET' || url.href !== kept.url || 'range' in headers) return false;
  const names = (field(kept.headers, 'vary') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const decisive = new Set([...names, 'accept', 'authorization', 'cookie']);
  decisive.delete('');
  // Which encoding was chosen is plain to see.
  decisive.delete('accept-encoding');
  return (
    !decisive.has('*') &&
    [...decisive].every((name) => field(headers, name) === field(kept.asked, name)) &&
    isEncodingTaken(kept, headers)
  );
}

function isEncodingTaken(kept: KeptAnswer, headers: HeaderFields): boolean {
  const encoding = field(kept.headers, 'content-encoding');
  if (encoding === null || encoding === 'identity') return true;
  const taken = (field(headers, 'accept-encoding') ?? '').toLowerCase().split(',');
  return taken.some((offer) => offer.trim() === encoding.toLowerCase());
}

/** The answer to a request, which is short where pip says that it has these very bytes (RFC 9110, section 13). */
export function replay(kept: KeptAnswer, { headers }: GatewayRequest): GatewayResponse {
  if (kept.status === 200 && isUnchanged(kept.headers, headers)) {
    const short = Object.entries(kept.headers).filter(([name]) => namesOf304.has(name));
    return { status: 304, headers: Object.fromEntries(short), body: bodyOf() };
  }
  return asItCame(kept);
}

export function asItCame({ status, reason, headers, body }: KeptAnswer): GatewayResponse {
  const words = reason === undefined ? {} : { reason };
  return { status, ...words, headers, body: bodyOf(body) };
}

const namesOf304 = new Set([
  'cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
]);

function isUnchanged(known: HeaderFields, asked: HeaderFields): boolean {
  const tags = field(asked, 'if-none-match');
  if (tags !== null) {
    const own = field(known, 'etag');
    if (own === null) return false;
    return tags === '*' || tags.split(',').some((tag) => opaque(tag) === opaque(own));
  }
  const since = field(asked, 'if-modified-since');
  return since !== null && since === field(known, 'last-modified');
}

/** Weak comparison: `W/` makes no difference. */
function opaque(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}

/** A body of these chunks. */
export async function* bodyOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) if (chunk.length > 0) yield chunk;
}

/** The fields of pip's that go with requests of our own: whom it asks as, not what it has already. */
export function lasting(headers: HeaderFields): HeaderFields {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(?:if-|range$|content-)/.test(name)),
  );
}
