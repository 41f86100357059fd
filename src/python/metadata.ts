import type { DistributionMetadata, Version } from '../core/types.ts';

/** The headers of an RFC 822 text as Python's `email` reads them, names in lower case. */
export type Headers = ReadonlyMap<string, readonly string[]>;

/** Reads headers up to the first line that is none (`email/feedparser.py`); continuation lines are kept, with their line ends. */
export function parseHeaders(text: string): Headers {
  const headers = new Map<string, string[]>();
  let values: string[] | null = null;
  for (const [line] of text.matchAll(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+/g)) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      values?.push(`${values.pop() ?? ''}${line}`);
      continue;
    }
    values = null;
    // The envelope of a mail.
    if (line.startsWith('From ')) continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon === -1 || !/^[!-~]*$/.test(name)) break;
    if (colon === 0) continue;
    values = headers.get(name) ?? [];
    values.push(line.slice(colon + 1).replace(/^[ \t]+/, ''));
    headers.set(name, values);
  }
  for (const [name, all] of headers) headers.set(name, all.map(withoutLineEnd));
  return headers;
}

function withoutLineEnd(value: string): string {
  return value.replace(/[\r\n]+$/, '');
}

/** The text of a METADATA or PKG-INFO file (core metadata, PEP 566 and later). */
export function parseMetadata(text: string): DistributionMetadata {
  const headers = parseHeaders(text);
  return {
    name: first(headers, 'name') ?? '',
    version: (first(headers, 'version') ?? '') as Version,
    requiresDist: headers.get('requires-dist')?.map((line) => line.trim()) ?? [],
    requiresPython: first(headers, 'requires-python'),
    providesExtra: headers.get('provides-extra')?.map((extra) => extra.trim()) ?? [],
  };
}

function first(headers: Headers, name: string): string | null {
  return headers.get(name)?.[0]?.trim() ?? null;
}
