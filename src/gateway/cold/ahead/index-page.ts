import type { NormalizedName } from '../../../core/types.ts';
import { unpacked } from '../../../obtain/cold/index/encoding.ts';
import { UnclearPage } from '../../../obtain/cold/index/html.ts';
import { type ParsedPage, parsePage } from '../../../obtain/cold/index/page.ts';
import { normalizeName } from '../../../python/names.ts';
import type { GatewayRequest } from '../exchange.ts';
import { field, type KeptAnswer } from './kept-answer.ts';

/** The project whose page pip asks for; null where it asks for something else. */
export function projectAsked({ method, url, headers }: GatewayRequest): NormalizedName | null {
  const accept = field(headers, 'accept') ?? '';
  // Nothing but pages is asked for by these types, by any pip.
  const isPage = accept.includes('application/vnd.pypi.simple') || accept === 'text/html';
  const [, name] = /\/([^/]+)\/?$/.exec(url.pathname) ?? [];
  if (method !== 'GET' || !isPage || name === undefined || /\.html?$/.test(name)) return null;
  return normalizeName(name);
}

/** A page taken apart; null for what is none, and for what only pip can read. */
export async function parsedPage(kept: KeptAnswer): Promise<ParsedPage | null> {
  if (kept.status !== 200) return null;
  const body = await decoded(kept);
  if (!body) return null;
  const contentType = field(kept.headers, 'content-type') ?? '';
  return unlessUnclear(() => parsePage({ url: kept.url, contentType, body }));
}

/** null for what only pip can read. */
export function unlessUnclear<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnclearPage) return null;
    throw error;
  }
}

/** What cannot be unpacked is for pip to complain of. */
async function decoded({ headers, body }: KeptAnswer): Promise<Uint8Array | null> {
  try {
    return await unpacked(body, field(headers, 'content-encoding'));
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}
