import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Timings } from '../../core/timings.ts';
import type { GatewayRequest, GatewayResponse, HeaderFields, Respond } from './exchange.ts';
import { causeOf } from './fault.ts';

/** Between two hops only (RFC 9110, section 7.6.1), with those that are the proxy's own. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

interface Asked {
  readonly url: URL;
  readonly respond: Respond;
  readonly timings: Timings | null;
}

/**
 * Answers one request of pip's. Where there is no answer, or it breaks off, pip's connection does
 * too, so that nothing can be taken for whole that is not.
 */
export async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  { url, respond, timings }: Asked,
): Promise<void> {
  const aborter = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) aborter.abort();
  });
  const { signal } = aborter;
  try {
    const answered = await whileWaiting(timings, respond(requestOf(message, url, signal)));
    const body = timings ? awaited(answered.body, timings) : answered.body;
    await passOn({ ...answered, body }, response, message.method === 'HEAD');
  } catch (error) {
    if (signal.aborted || response.headersSent) message.socket.destroy();
    else breakOff(message, causeOf(error));
  }
}

/**
 * Ends a connection in place of an answer, with the cause where a status line would be: pip takes
 * that for a connection that broke, tries again as it does then, and shows the text.
 */
export function breakOff({ socket }: Pick<IncomingMessage, 'socket'>, cause: string): void {
  socket.end(cause.replaceAll(/[^\x20-\x7e]+/g, ' '));
}

function requestOf(message: IncomingMessage, url: URL, signal: AbortSignal): GatewayRequest {
  const { method = 'GET', rawHeaders, headers } = message;
  const hasBody = 'content-length' in headers || 'transfer-encoding' in headers;
  const fields = new Map<string, string[]>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), rawHeaders[index + 1] ?? '']);
  }
  const all = Object.fromEntries(
    Array.from(fields, ([name, values]) => [
      name,
      values.length === 1 ? (values[0] ?? '') : values,
    ]),
  );
  return { method, url, headers: endToEnd(all), body: hasBody ? message : null, signal };
}

/** The fields that a proxy passes on. */
export function endToEnd(fields: HeaderFields): HeaderFields {
  const named = [fields['connection'] ?? []]
    .flat()
    .join(',')
    .toLowerCase()
    .split(/[\s,]+/);
  const dropped = new Set([...hopByHop, ...named]);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !dropped.has(name)));
}

/** Waits for what pip waits for: pip is not at work meanwhile. */
export async function whileWaiting<Result>(
  timings: Timings | null,
  work: Promise<Result>,
): Promise<Result> {
  const resume = timings?.pause();
  try {
    return await work;
  } finally {
    resume?.();
  }
}

/** A body for whose next bytes pip waits, and which it reads when they are there. */
async function* awaited(
  body: AsyncIterable<Uint8Array>,
  timings: Timings,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await whileWaiting(timings, chunks.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

async function passOn(
  { status, reason, headers, body }: GatewayResponse,
  response: ServerResponse,
  isHead: boolean,
): Promise<void> {
  response.sendDate = false;
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => [name, one]),
  );
  if (reason === undefined) response.writeHead(status, lines);
  else response.writeHead(status, reason, lines);
  const length = isHead ? null : [headers['content-length'] ?? []].flat()[0];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (!response.write(chunk)) await drained(response);
  }
  const isShort = length !== null && length !== undefined && size !== Number(length);
  if (isShort && status !== 304) throw new Error('an answer that is shorter than it says');
  response.end();
}

/** @throws Error where pip is gone, also since before: it says that once only. */
async function drained(response: ServerResponse): Promise<void> {
  const gone = () => new Error('pip closed the connection');
  if (response.destroyed) throw gone();
  await new Promise<void>((resolve, reject) => {
    const done = (settle: () => void) => {
      response.off('drain', onDrain).off('close', onClose);
      settle();
    };
    const onDrain = () => done(resolve);
    const onClose = () => done(() => reject(gone()));
    response.on('drain', onDrain).on('close', onClose);
  });
}
