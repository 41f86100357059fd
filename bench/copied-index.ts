/**
 * `node run.mjs bench/copied-index.ts INDEX FOLDER`: packages of another index on loopback,
 * as that index has them, kept in a folder for later runs. Writes the ports of its relay, one a line.
 *
 *     /simple/NAME/   pages in JSON, as PyPI has them, with metadata files beside wheels
 *     /bare/NAME/     the same without these
 *     /brief/NAME/    pages that hold for a second, as old ones do that held for ten minutes
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { openZip } from '../src/obtain/cold/zip.ts';
import { type Distance, FarAway } from './distance.ts';

const [upstream = '', folder = '', ...words] = process.argv.slice(3);
const [roundTrip = 50, handshake = 2, megabytes = 20] = words.map(Number);
const distance: Distance = { roundTrip, handshake, bandwidth: megabytes * 1e6 };
const agent = new EnvHttpProxyAgent();
const json = 'application/vnd.pypi.simple.v1+json';

interface Kept {
  readonly body: Buffer;
  readonly etag: string;
}

const pages = new Map<string, Promise<Kept | null>>();
/** Where the other index has its files. */
const files = { origin: '' };
const nothing = { count: 0, bytes: 0 };
const requests = { ...nothing, files: {} as Record<string, number> };

/** A URL of the other index, once for all runs. */
async function kept(
  address: string,
  accept: string,
): Promise<{ readonly path: string; readonly body: Buffer | null }> {
  const path = join(folder, createHash('sha256').update(address).digest('hex'));
  if (existsSync(path)) return { path, body: readFileSync(path) };
  const response = await fetch(address, { headers: { accept }, dispatcher: agent });
  if (response.status === 404) return { path, body: null };
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  const body = Buffer.from(await response.arrayBuffer());
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.new`, body);
  renameSync(`${path}.new`, path);
  return { path, body };
}

/** Some networks take it out of the other index's answers, so it is read out of the wheels. */
async function metadata(kind: string, address: string): Promise<Buffer | null> {
  const { path, body } = await kept(address, '*/*');
  if (kind === 'wheel' || !body) return null;
  const zip = openZip(path);
  const entry = zip.entries.find(({ name }) => /^[^/]+\.dist-info\/METADATA$/.test(name));
  const content = entry ? zip.read(entry) : null;
  zip.close();
  return content;
}

interface Page {
  readonly files: { url: string; [name: string]: unknown }[];
}

async function page(kind: string, name: string): Promise<Kept | null> {
  const address = `${upstream.replace(/\/?$/, '/')}${name}/`;
  const { body: text } = await kept(address, json);
  if (!text) return null;
  const content = JSON.parse(text.toString()) as Page;
  for (const file of content.files) {
    const target = new URL(file.url, address).href;
    files.origin = new URL(target).origin;
    file.url = `../../${kind === 'bare' ? 'wheel' : 'file'}${new URL(target).pathname}`;
    const isOffered = kind !== 'bare' && file.url.endsWith('.whl');
    for (const key of ['core-metadata', 'data-dist-info-metadata', 'dist-info-metadata']) {
      delete file[key];
      if (isOffered) file[key] = true;
    }
  }
  const body = gzipSync(JSON.stringify(content));
  return { body, etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"` };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, kind = '', name = '', ...rest] = (request.url ?? '').split('/');
  if (kind === 'statistics') {
    response.end(JSON.stringify(requests));
    Object.assign(requests, { ...nothing, files: {} });
    return;
  }
  requests.count += 1;
  if (kind === 'simple' || kind === 'bare' || kind === 'brief') {
    const key = `${kind}/${name}`;
    const found = pages.get(key) ?? page(kind, name);
    pages.set(key, found);
    const content = await found;
    if (!content) {
      response.writeHead(404).end();
      return;
    }
    const headers = {
      'cache-control': `max-age=${kind === 'brief' ? 1 : 600}, public`,
      etag: content.etag,
      vary: 'Accept, Accept-Encoding',
    };
    if (request.headers['if-none-match'] === content.etag) {
      response.writeHead(304, headers).end();
      return;
    }
    requests.bytes += content.body.length;
    response
      .writeHead(200, {
        ...headers,
        'content-type': json,
        'content-encoding': 'gzip',
        'content-length': content.body.length,
      })
      .end(content.body);
    return;
  }
  const target = [files.origin, name, ...rest].join('/');
  const body = target.endsWith('.metadata')
    ? await metadata(kind, target.slice(0, -'.metadata'.length))
    : (await kept(target, '*/*')).body;
  if (!body) {
    response.writeHead(404).end();
    return;
  }
  sendFile(request, response, body);
}

function sendFile(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const isPart = from !== '' || to !== '';
  const start = from === '' ? Math.max(0, body.length - Number(to)) : Number(from);
  const end = from === '' || to === '' ? body.length : Number(to) + 1;
  const part = isPart ? body.subarray(start, end) : body;
  const name = basename(request.url ?? '');
  requests.bytes += part.length;
  requests.files[name] = (requests.files[name] ?? 0) + part.length;
  response
    .writeHead(isPart ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': part.length,
      'accept-ranges': 'bytes',
      'cache-control': 'max-age=365000000, immutable, public',
      etag: `"${body.length}"`,
      ...(isPart
        ? { 'content-range': `bytes ${start}-${start + part.length - 1}/${body.length}` }
        : {}),
    })
    .end(part);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.writeHead(500).end(String(error));
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  void FarAway.start(port, distance).then((relay) => console.log(`${port} ${relay.port}`));
});
