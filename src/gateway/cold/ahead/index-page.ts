import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { promisify } from 'node:util';
import type { NormalizedName } from '../../../core/types.ts';
import { UnclearPage } from '../../../obtain/cold/index/html.ts';
import { type PageLinks, readLinks } from '../../../obtain/cold/index/page.ts';
import type { FileRules, RankedFile } from '../../../plan/pinned/candidates.ts';
import { normalizeName } from '../../../python/names.ts';
import type { ReleaseFile } from '../../../store/releases.ts';
import type { GatewayRequest } from '../exchange.ts';
import { takenFiles } from './choice.ts';
import { field, type KeptAnswer } from './kept-answer.ts';

/** Bytes; the largest pages of PyPI have some 30 million. */
const largestPage = 256 << 20;

/** The project whose page pip asks for; null where it asks for something else. */
export function projectAsked({ method, url, headers }: GatewayRequest): NormalizedName | null {
  const accept = field(headers, 'accept') ?? '';
  // Nothing but pages is asked for by these types, by any pip.
  const isPage = accept.includes('application/vnd.pypi.simple') || accept === 'text/html';
  const [, name] = /\/([^/]+)\/?$/.exec(url.pathname) ?? [];
  if (method !== 'GET' || !isPage || name === undefined || /\.html?$/.test(name)) return null;
  return normalizeName(name);
}

/** The links of a page; null for what is none, and for what only pip can read. */
export async function linksOf(kept: KeptAnswer): Promise<PageLinks | null> {
  if (kept.status !== 200) return null;
  const body = await decoded(kept);
  if (!body) return null;
  const contentType = field(kept.headers, 'content-type') ?? '';
  try {
    return readLinks({ url: kept.url, contentType, body });
  } catch (error) {
    if (error instanceof UnclearPage) return null;
    throw error;
  }
}

async function decoded({ headers, body }: KeptAnswer): Promise<Uint8Array | null> {
  // In pieces of 16 KiB, as they come else, there would be hundreds of a page.
  const chunkSize = 128 << 10;
  const limit = { maxOutputLength: largestPage, chunkSize };
  try {
    switch (field(headers, 'content-encoding') ?? 'identity') {
      case 'identity':
        return body;
      case 'gzip':
        return await promisify(gunzip)(body, limit);
      case 'deflate':
        return await promisify(inflate)(body, limit);
      case 'br':
        return await promisify(brotliDecompress)(body, limit);
      default:
        return null;
    }
  } catch (error) {
    // What cannot be unpacked is for pip to complain of.
    if (error instanceof Error) return null;
    throw error;
  }
}

/** The files of a page that this Python takes. */
export function filesOf(
  links: PageLinks,
  key: NormalizedName,
  rules: FileRules,
): readonly RankedFile[] {
  return takenFiles(
    links.links.map(({ file }) => file),
    key,
    rules,
  );
}

/**
 * A page that offers metadata for more of its files than the index does (PEP 658, 714). It is not
 * what the index said, so nobody is to keep it.
 *
 * @returns null where there is nothing to add.
 */
export function withMetadata(
  kept: KeptAnswer,
  { form, text, links }: PageLinks,
  isOffered: (file: ReleaseFile) => boolean,
): KeptAnswer | null {
  const places = links.flatMap(({ file, at }) =>
    file.metadata === null && isOffered(file) ? [at] : [],
  );
  if (places.length === 0) return null;
  const body = Buffer.from(form === 'json' ? intoJson(text, places) : intoHtml(text, places));
  const headers = Object.entries(kept.headers).filter(([name]) => !changed.has(name));
  return {
    ...kept,
    headers: {
      ...Object.fromEntries(headers),
      'content-length': String(body.length),
      'cache-control': 'no-store',
    },
    body,
  };
}

const changed = new Set([
  'age',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-md5',
  'digest',
  'etag',
  'expires',
  'last-modified',
]);

function intoJson(text: string, places: readonly number[]): string {
  const page = JSON.parse(text) as { readonly files: Record<string, unknown>[] };
  for (const place of places) {
    Object.assign(page.files[place] ?? {}, { 'core-metadata': true, 'dist-info-metadata': true });
  }
  return JSON.stringify(page);
}

function intoHtml(text: string, places: readonly number[]): string {
  const pieces: string[] = [];
  let end = 0;
  for (const place of places) {
    pieces.push(
      text.slice(end, place),
      ' data-core-metadata="true" data-dist-info-metadata="true"',
    );
    end = place;
  }
  return pieces.join('') + text.slice(end);
}
