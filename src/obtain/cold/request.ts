import type { PipOptions } from '../../config/pip-config.ts';
import { PipAccelError } from '../../core/errors.ts';

/** One request to one server, and its answer, whatever that is. */
export interface Network {
  readonly ask: (url: URL, headers: Readonly<Record<string, string>>) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** To be read once, or left by `return()`. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** An answer that is none of the expected. */
export class HttpStatus extends Error {
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: number | null;

  constructor(status: number, retryAfter: number | null) {
    super(`HTTP status ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The user's proxy refuses to lead to a host. */
export class ProxyRefusal extends Error {
  /** Of HTTP. */
  readonly status: number;

  constructor(status: number) {
    super(`The proxy answers with ${status}`);
    this.status = status;
  }
}

/** pip's `--timeout` default, seconds. */
const defaultTimeout = 15;
/** Milliseconds that timers can wait. */
const longestTimeout = 2 ** 31 - 1;

/** Milliseconds without a byte after which pip gives a request up. */
export function timeoutOf(options: PipOptions): number {
  const milliseconds = 1000 * (Number(options.value('timeout')) || defaultTimeout);
  return Math.min(Math.max(Math.round(milliseconds), 1), longestTimeout);
}

const redirectLimit = 10;

/**
 * Asks for a URL, wherever it leads.
 *
 * @returns the answer (200, or 206 to a `range`), whose body is to be read, and where it came from.
 * @throws HttpStatus for another answer
 * @throws PipAccelError `authentication-required`, `download-failed`
 */
export async function followRedirects(
  start: URL,
  network: Network,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly response: Answer; readonly url: URL }> {
  let url = start;
  for (let hops = 0; hops <= redirectLimit; hops += 1) {
    // A password goes to its own origin only: the network looks at the URL in hand.
    const response = await network.ask(url, headers);
    const { status } = response;
    if (status === 200 || (status === 206 && 'range' in headers)) return { response, url };
    await pourAway(response.body);
    if (status === 401 || status === 403 || status === 407) {
      throw new PipAccelError('authentication-required', `${url.origin} answers with ${status}`);
    }
    url = nextUrl(url, response);
  }
  throw new PipAccelError(
    'download-failed',
    `${start.href} redirects more than ${redirectLimit} times`,
  );
}

/** Bytes: to read a short answer to its end keeps the connection for the next request. */
const shortAnswer = 128 << 10;

/** Reads what nobody wants, or breaks it off where it is long. */
export async function pourAway(body: AsyncIterable<Uint8Array>): Promise<void> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > shortAnswer) break;
  }
}

/** All chunks of a body together. @throws Error for more bytes than these */
export async function collect(body: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > most) throw new Error(`a body has more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function nextUrl(url: URL, { status, headers }: Answer): URL {
  const { location } = headers;
  if (status < 300 || status >= 400 || typeof location !== 'string') {
    throw new HttpStatus(status, Number(headers['retry-after']) || null);
  }
  const next = new URL(location, url);
  if (url.protocol === 'https:' && next.protocol !== 'https:') {
    throw new PipAccelError(
      'download-failed',
      `${url.href} redirects to ${next.href}, which is not encrypted`,
    );
  }
  return next;
}
