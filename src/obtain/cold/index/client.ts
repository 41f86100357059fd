import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate as nextLoop } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { hasErrno } from '../../../core/errors.ts';
import type { DistributionMetadata, NormalizedName } from '../../../core/types.ts';
import { type Place, projectPage } from '../../../plan/pinned/places.ts';
import { parseMetadata } from '../../../python/metadata.ts';
import { atLeast } from '../../../python/pip.ts';
import type { ReleaseFile } from '../../../store/releases.ts';
import { followRedirects, HttpStatus, type Network } from '../request.ts';
import { largestPage, unpacked } from './encoding.ts';
import { type ParsedPage, parsePage } from './page.ts';

export type ListedPlace = Extract<Place, { readonly kind: 'index' | 'page' }>;

/** Pages are read one after the other: what large ones lead to is asked for before the next is looked at. */
const inTurn = pLimit(1);

/** Milliseconds for which pages are read before others have their turn. */
const longestTurn = 10;
let turnBegan = 0;

/**
 * What an index or a page has of a project; a page of no files where it does not have the project.
 *
 * @param pip its version: before 22.2 it does not ask for JSON.
 * @throws whatever goes wrong; pip then asks itself, and has the words for it.
 */
export async function fetchPage(
  place: ListedPlace,
  key: NormalizedName,
  { pip, transport }: { readonly pip: string; readonly transport: Network | null },
): Promise<ParsedPage> {
  const address = place.kind === 'index' ? projectPage(place.url, key) : place.url;
  if (address.startsWith('file:')) return await readLocalPage(new URL('index.html', address));
  try {
    const accept = atLeast(pip, 22, 2)
      ? 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01'
      : 'text/html';
    const fetched = await fetchBytes(address, transport, {
      accept,
      'cache-control': 'max-age=0',
    });
    return await inTurn(async () => {
      if (performance.now() - turnBegan > longestTurn) {
        await nextLoop();
        turnBegan = performance.now();
      }
      return parsePage({ ...fetched, body: await unpacked(fetched.body, fetched.encoding) });
    });
  } catch (error) {
    if (error instanceof HttpStatus && error.status === 404) return emptyPage(address);
    throw error;
  }
}

function emptyPage(url: string): ParsedPage {
  return parsePage({ url, contentType: 'text/html', body: new Uint8Array() });
}

async function readLocalPage(url: URL): Promise<ParsedPage> {
  try {
    const body = await readFile(fileURLToPath(url));
    return parsePage({ body, url: url.href, contentType: 'text/html' });
  } catch (error) {
    // A folder without a page has no files; where there is no folder, pip says so.
    if (hasErrno(error, 'ENOENT') && existsSync(new URL('.', url))) return emptyPage(url.href);
    throw error;
  }
}

/** The metadata that lies beside a wheel (PEP 658). */
export async function fetchMetadata(
  { url, metadata }: ReleaseFile,
  transport: Network | null,
): Promise<DistributionMetadata> {
  const fetched = await fetchBytes(`${url}.metadata`, transport, {});
  const body = await unpacked(fetched.body, fetched.encoding);
  for (const [algorithm, digest] of Object.entries(metadata ?? {})) {
    const isKnown = ['sha256', 'sha384', 'sha512'].includes(algorithm);
    if (isKnown && createHash(algorithm).update(body).digest('hex') !== digest.toLowerCase()) {
      throw new Error(`${url}.metadata does not match its hash`);
    }
  }
  return parseMetadata(new TextDecoder('utf-8', { fatal: true }).decode(body));
}

interface Fetched {
  /** As transferred. */
  readonly body: Uint8Array;
  readonly encoding: string;
  readonly url: string;
  readonly contentType: string;
}

async function fetchBytes(
  address: string,
  transport: Network | null,
  headers: Readonly<Record<string, string>>,
): Promise<Fetched> {
  if (transport === null) throw new Error('no network');
  const { response, url } = await followRedirects(withoutUser(address), transport, {
    'accept-encoding': 'gzip, identity',
    ...headers,
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > largestPage) throw new Error(`${url.href} is larger than ${largestPage} bytes`);
    chunks.push(chunk);
  }
  const encoding = String(response.headers['content-encoding'] ?? 'identity');
  const body = Buffer.concat(chunks);
  const contentType = String(response.headers['content-type'] ?? '');
  return { body, url: url.href, contentType, encoding };
}

/** The transport knows the password by the origin. */
function withoutUser(address: string): URL {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url;
}
