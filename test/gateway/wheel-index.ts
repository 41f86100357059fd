import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type ZipPart, zipBytes } from '../hostile/zip-bytes.ts';
import { type ListedFile, pageTypes, writePage } from './index-page.ts';

/** A wheel of an index, made up here. */
export interface MadeWheel {
  readonly filename: string;
  readonly bytes: Buffer;
  readonly metadata: string;
  /** The text of a page's field, where it has one. */
  readonly requiresPython?: string;
  /** Why the file was yanked: the empty text for no reason; not there where it was not. */
  readonly yanked?: string;
}

export interface Answered {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly status: number;
  readonly bytes: number;
}

/** How an index answers; all of it can be changed between two requests. */
export interface Manners {
  form: 'json' | 'html';
  /** Metadata lies beside wheels (PEP 658). */
  metadata: boolean;
  ranges: boolean;
  compressed: boolean;
  /** Milliseconds before the bytes of a whole archive. */
  delay: number;
  etags: boolean;
  /** The Cache-Control of pages. */
  cacheControl: string;
  /** The Authorization that it wants. */
  authorization: string | null;
  /** What pages promise of an archive's bytes; nothing where it is empty. */
  hash: (bytes: Buffer) => string;
  /** Answers in the index's place; false where it does not. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** The bytes of a wheel; those of `padding` are no smaller in it. */
export function makeWheel(
  name: string,
  version: string,
  options: {
    readonly requires?: readonly string[];
    readonly padding?: number;
    readonly zip?: Zip;
  } = {},
): MadeWheel {
  const { requires = [], padding = 0, zip = {} } = options;
  const stem = `${name.replaceAll('-', '_')}-${version}`;
  const metadata = [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map((line) => `Requires-Dist: ${line}`),
    '',
  ].join('\n');
  const own: ZipPart[] = [
    { name: `${stem}.dist-info/METADATA`, content: metadata, ...zip.metadata },
    {
      name: `${stem}.dist-info/WHEEL`,
      content: 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    },
    { name: `${stem}.dist-info/RECORD`, content: '' },
  ];
  const filler = { name: `${name}.bin`, content: Buffer.alloc(padding, stem), method: 0 };
  const parts = zip.metadataFirst ? [...own, filler] : [filler, ...own];
  return { filename: `${stem}-py3-none-any.whl`, bytes: zipBytes(parts, zip.options), metadata };
}

export interface Zip {
  readonly metadata?: Partial<ZipPart>;
  readonly metadataFirst?: boolean;
  readonly options?: Parameters<typeof zipBytes>[1];
}

/** An index on loopback that counts what it is asked. */
export class WheelIndex {
  readonly wheels: MadeWheel[] = [];
  readonly answered: Answered[] = [];
  readonly manners: Manners = {
    form: 'json',
    metadata: true,
    ranges: true,
    compressed: false,
    delay: 0,
    etags: true,
    cacheControl: 'max-age=600, public',
    authorization: null,
    hash: (bytes) => createHash('sha256').update(bytes).digest('hex'),
    instead: () => false,
  };
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const { socket, url: path = '', headers } = request;
      const before = socket.bytesWritten;
      response.on('close', () => {
        const bytes = socket.bytesWritten - before;
        const { statusCode: status } = response;
        this.answered.push({ path, headers, status, bytes });
      });
      this.#answer(request, response);
    });
  }

  static async start(wheels: readonly MadeWheel[] = []): Promise<WheelIndex> {
    const index = new WheelIndex();
    index.wheels.push(...wheels);
    index.#server.listen(0, '127.0.0.1');
    await once(index.#server, 'listening');
    return index;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/simple/`;
  }

  page(name: string): URL {
    return new URL(`${name}/`, this.url);
  }

  file(wheel: MadeWheel, ending = ''): URL {
    return new URL(`/files/${encodeURIComponent(wheel.filename)}${ending}`, this.origin);
  }

  /** The paths that were asked for since the last time, sorted. */
  take(): readonly string[] {
    return this.answered
      .splice(0)
      .map(({ path }) => path)
      .sort();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { authorization } = this.manners;
    if (this.manners.instead(request, response)) return;
    if (authorization !== null && request.headers.authorization !== authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      return;
    }
    const [, kind = '', name = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
    if (kind === 'simple') this.#sendPage(name, request, response);
    else this.#sendFile(name, request, response);
  }

  #sendPage(name: string, request: IncomingMessage, response: ServerResponse): void {
    const wheels = this.wheels.filter(({ filename }) => projectOf(filename) === name);
    if (wheels.length === 0) {
      response.writeHead(404).end('nothing of that name');
      return;
    }
    const { form } = this.manners;
    const page = writePage(
      form,
      name,
      wheels.map((wheel) => this.#listed(wheel)),
    );
    const etag = `"${createHash('sha256').update(page).digest('hex')}"`;
    const headers = {
      ...(this.manners.etags ? { etag } : {}),
      'cache-control': this.manners.cacheControl,
      vary: 'Accept, Accept-Encoding',
    };
    if (this.manners.etags && request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    const body = this.manners.compressed ? gzipSync(page) : Buffer.from(page);
    response
      .writeHead(200, {
        ...headers,
        'content-type': pageTypes[form],
        'content-length': body.length,
        ...(this.manners.compressed ? { 'content-encoding': 'gzip' } : {}),
      })
      .end(body);
  }

  #listed(wheel: MadeWheel): ListedFile {
    const { filename, requiresPython, yanked } = wheel;
    return {
      filename,
      url: this.file(wheel).pathname,
      hash: this.manners.hash(wheel.bytes),
      hasMetadata: this.manners.metadata && filename.endsWith('.whl'),
      requiresPython,
      yanked,
    };
  }

  #sendFile(name: string, request: IncomingMessage, response: ServerResponse): void {
    const isMetadata = name.endsWith('.metadata');
    const wheel = this.wheels.find(({ filename }) => filename === name.replace(/\.metadata$/, ''));
    if (!wheel || (isMetadata && !this.manners.metadata)) {
      response.writeHead(404).end();
      return;
    }
    const body = isMetadata ? Buffer.from(wheel.metadata) : wheel.bytes;
    const [range, from = '', to = ''] =
      /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const isPart = this.manners.ranges && range !== undefined;
    const start = from === '' ? Math.max(0, body.length - Number(to)) : Number(from);
    const end = from === '' || to === '' ? body.length : Number(to) + 1;
    const part = isPart ? body.subarray(start, end) : body;
    response.writeHead(isPart ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': part.length,
      'cache-control': 'max-age=365000000, immutable, public',
      ...(isPart
        ? { 'content-range': `bytes ${start}-${start + part.length - 1}/${body.length}` }
        : {}),
    });
    // In pieces, as they are taken: what nobody reads is not sent.
    const wait = isPart || isMetadata ? 0 : this.manners.delay;
    pipeline(Readable.from(pieces(part, wait)), response).catch(() => {});
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** PEP 503; an sdist's name ends before its last hyphen. */
function projectOf(filename: string): string {
  const [name = ''] = filename.split(filename.endsWith('.whl') ? '-' : /-(?=[^-]*$)/);
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}

async function* pieces(bytes: Buffer, wait: number): AsyncGenerator<Buffer> {
  if (wait > 0) await sleep(wait);
  for (let at = 0; at < bytes.length; at += 64 << 10) yield bytes.subarray(at, at + (64 << 10));
}
