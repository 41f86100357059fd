/** Pages that say more, or less, than the index did. Nobody is to keep them. */
import type { ParsedPage } from '../../../obtain/cold/index/page.ts';
import type { KeptAnswer } from './kept-answer.ts';

/** A page that offers metadata for more of its files than the index does (PEP 658, 714). */
export function withMetadata(
  kept: KeptAnswer,
  page: ParsedPage,
  places: ReadonlySet<number>,
): KeptAnswer {
  const offer = { 'core-metadata': true, 'dist-info-metadata': true };
  const body =
    page.form === 'json'
      ? jsonOf(
          page,
          page.files.map((file, at) => (places.has(at) ? Object.assign({}, file, offer) : file)),
        )
      : replaced(page.text, places, (at) => ({
          from: at,
          end: at,
          text: ' data-core-metadata="true" data-dist-info-metadata="true"',
        }));
  return edited(kept, body, { 'cache-control': 'no-store' });
}

/** What makes no difference to pip, and takes its time. */
export interface Needless {
  /** Those of files: pip reads each link with care. */
  readonly places: ReadonlySet<number>;
  /** Tells requirements on the Python that it meets; null where pip takes no time for them. */
  readonly isMet: ((requiresPython: string) => boolean) | null;
}

/** A page without what is needless; the very page where all of it is needed. */
export function briefPage(
  kept: KeptAnswer,
  page: ParsedPage,
  { places, isMet }: Needless,
): KeptAnswer {
  const isJudged = page.form === 'json' && isMet !== null;
  if (places.size === 0 && !isJudged) return kept;
  const body =
    page.form === 'json'
      ? jsonOf(
          page,
          page.files
            .filter((_, at) => !places.has(at))
            .map((file) => (isJudged ? briefFile(file, isMet) : file)),
        )
      : replaced(page.text, places, (at) => ({ ...anchorAt(page.text, at), text: '' }));
  // Unlike `no-store`, this leaves the index's own page in pip's cache where it is there.
  return edited(kept, body, { vary: '*' });
}

/** All that pips before 25 read of a file (`models/link.py`, `from_json`), but for what this Python meets. */
function briefFile(file: unknown, isMet: (requiresPython: string) => boolean): object {
  const {
    url,
    hashes,
    yanked,
    'requires-python': required,
    'core-metadata': metadata,
    'dist-info-metadata': older,
  } = file as Record<string, unknown>;
  const isKept = typeof required !== 'string' || !isMet(required);
  return {
    url,
    hashes,
    yanked,
    'requires-python': isKept ? required : undefined,
    'core-metadata': metadata ?? older,
  };
}

function jsonOf({ page }: { readonly page: object }, files: readonly unknown[]): string {
  return JSON.stringify({ ...page, files });
}

interface Change {
  readonly from: number;
  readonly end: number;
  readonly text: string;
}

function replaced(
  text: string,
  places: ReadonlySet<number>,
  changeAt: (place: number) => Change,
): string {
  const pieces: string[] = [];
  let last = 0;
  for (const place of [...places].sort((left, right) => left - right)) {
    const change = changeAt(place);
    pieces.push(text.slice(last, change.from), change.text);
    last = change.end;
  }
  return pieces.join('') + text.slice(last);
}

/**
 * A start tag by the place of its first attribute, and the text, end tag and line break after it
 * where nothing else comes between.
 */
function anchorAt(text: string, place: number): { from: number; end: number } {
  const rest = /(?:"[^"]*"|'[^']*'|[^'">])*>(?:[^<]*<\/a>)?(?:<br\s*\/?>)?/iy;
  rest.lastIndex = place;
  const found = rest.exec(text)?.[0];
  if (found === undefined) return { from: place, end: place };
  return { from: text.lastIndexOf('<', place), end: place + found.length };
}

function edited(kept: KeptAnswer, text: string, fields: Record<string, string>): KeptAnswer {
  const body = Buffer.from(text);
  const headers = Object.entries(kept.headers).filter(([name]) => !ofTheOriginal.has(name));
  return {
    ...kept,
    headers: { ...Object.fromEntries(headers), 'content-length': String(body.length), ...fields },
    body,
  };
}

const ofTheOriginal = new Set([
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
