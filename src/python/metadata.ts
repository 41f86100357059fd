import type { DistributionMetadata, Version } from '../core/types.ts';

/** The headers of an RFC 822 text as Python's `email` reads them, names in lower case. */
export type Headers = ReadonlyMap<string, readonly string[]>;

/** Reads headers up to the first empty line; continuation lines are kept, with their line ends. */
export function parseHeaders(text: string): Headers {
  const headers = new Map<string, string[]>();
  let values: string[] | null = null;
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (/^[ \t]/.test(line)) {
      if (values) values.push(`${values.pop() ?? ''}\n${line}`);
      continue;
    }
    const match = /^([^\s:][^:]*?)[ \t]*:[ \t]*(.*)$/.exec(line);
    if (!match) break;
    const [, name = '', value = ''] = match;
    values = headers.get(name.toLowerCase()) ?? [];
    values.push(value);
    headers.set(name.toLowerCase(), values);
  }
  return headers;
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
