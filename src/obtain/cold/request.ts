import { type Dispatcher, request } from 'undici';
import { PipAccelError } from '../../core/errors.ts';
import type { Transport } from './transport.ts';

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
  transport: Transport,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly response: Dispatcher.ResponseData; readonly url: URL }> {
  let url = start;
  for (let hops = 0; hops <= redirectLimit; hops += 1) {
    // A password goes to its own origin only: authorizationFor looks at the URL in hand.
    const authorization = transport.authorizationFor(url);
    const response = await request(url, {
      dispatcher: transport.dispatcherFor(url),
      headers: {
        'user-agent': 'pip-accel',
        ...(authorization === null ? {} : { authorization }),
        ...headers,
      },
    });
    const { statusCode } = response;
    if (statusCode === 200 || (statusCode === 206 && 'range' in headers)) return { response, url };
    await response.body.dump();
    if (statusCode === 401 || statusCode === 403 || statusCode === 407) {
      throw new PipAccelError(
        'authentication-required',
        `${url.origin} answers with ${statusCode}`,
      );
    }
    url = nextUrl(url, response);
  }
  throw new PipAccelError(
    'download-failed',
    `${start.href} redirects more than ${redirectLimit} times`,
  );
}

function nextUrl(url: URL, { statusCode, headers }: Dispatcher.ResponseData): URL {
  const { location } = headers;
  if (statusCode < 300 || statusCode >= 400 || typeof location !== 'string') {
    throw new HttpStatus(statusCode, Number(headers['retry-after']) || null);
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
