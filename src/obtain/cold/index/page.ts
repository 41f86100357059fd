import { quotePath } from '../../../plan/pinned/quote.ts';
import { withoutCredentials } from '../../../plan/pinned/places.ts';
import type { ReleaseFile } from '../../../store/releases.ts';
import { type Attributes, type StartTag, startTags, UnclearPage } from './html.ts';

/** A page as it came. */
export interface IndexPage {
  /** Where it came from, after all redirections. */
  readonly url: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** A page taken apart; of its thousands of links few are worth to be read any further. */
export type ParsedPage = JsonPage | HtmlPage;

interface JsonPage {
  readonly form: 'json';
  readonly url: string;
  readonly page: object;
  readonly files: readonly unknown[];
}

interface HtmlPage {
  readonly form: 'html';
  /** From which its links start. */
  readonly url: string;
  readonly text: string;
  readonly anchors: readonly StartTag[];
}

export interface PageLink {
  /** With its fragment: pip takes links for the same by this. */
  readonly link: string;
  readonly file: ReleaseFile;
  readonly at: number;
}

/** Links of a page, each once. A place is one in JSON's list of files, else in the text. */
interface PageLinks {
  readonly links: readonly PageLink[];
  /** The places of those that were not read, or read before. */
  readonly passedOver: ReadonlySet<number>;
}

/** @throws UnclearPage for what only pip can read */
export function parsePage({ url, contentType, body }: IndexPage): ParsedPage {
  const type = contentType.toLowerCase();
  if (!type.startsWith('application/vnd.pypi.simple.v1+json')) {
    return parseHtml(decode(body, charsetOf(type)), url);
  }
  const page = parseJson(decode(body, 'utf-8'));
  const files = member(page, 'files') ?? [];
  if (!Array.isArray(files)) throw new UnclearPage('files that are no list');
  return { form: 'json', url, page: page as object, files };
}

function parseHtml(text: string, url: string): HtmlPage {
  const tags = startTags(text);
  const base = tags
    .filter(({ name }) => name === 'base')
    .map(({ attributes }) => attributes.get('href') ?? null)
    .find((href) => href !== null);
  const from = base ? base : url;
  if (!URL.canParse(from)) throw new UnclearPage(`the base ${from}`);
  return { form: 'html', url: from, text, anchors: tags.filter(({ name }) => name === 'a') };
}

/**
 * The files of a page, PEP 503 and PEP 691 (`index/collector.py`, `parse_links`; `models/link.py`).
 *
 * @param isOfUse tells by an address, as it is written there, whether a link has to be read.
 * @throws UnclearPage for what only pip can read
 */
export function linksOf(
  page: ParsedPage,
  isOfUse: (address: string) => boolean = () => true,
): PageLinks {
  const passedOver = new Set<number>();
  const seen = new Set<string>();
  const links: PageLink[] = [];
  const read = (at: number, address: string, say: () => Omit<ReleaseFile, 'url'>): void => {
    if (!isOfUse(address)) passedOver.add(at);
    else {
      const found = describe(address, page.url, say());
      // pip, too, takes the first of those that are alike.
      if (seen.has(found.link)) passedOver.add(at);
      else links.push({ at, ...found });
      seen.add(found.link);
    }
  };
  if (page.form === 'json') {
    for (const [at, file] of page.files.entries()) {
      const address = text(member(file, 'url'));
      if (address !== null) read(at, address, () => saidByJson(file));
    }
  } else {
    for (const { attributes, at } of page.anchors) {
      const address = attributes.get('href');
      if (address) read(at, address, () => saidByHtml(attributes));
    }
  }
  return { links, passedOver };
}

/** All files of a page. @throws UnclearPage as `linksOf` does */
export function readPage(page: IndexPage): readonly ReleaseFile[] {
  return linksOf(parsePage(page)).links.map(({ file }) => file);
}

function decode(body: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new UnclearPage(`a page in ${charset}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnclearPage('a page that is no JSON');
  }
}

function charsetOf(type: string): string {
  const isHtml = /^(?:text\/html|application\/vnd\.pypi\.simple\.v1\+html)/.test(type);
  const charset = /;\s*charset=["']?([\w-]+)/.exec(type)?.[1] ?? 'utf-8';
  if (isHtml && ['utf-8', 'utf8', 'ascii', 'us-ascii'].includes(charset)) return 'utf-8';
  throw new UnclearPage(`a page of the type ${type}`);
}

function saidByJson(file: unknown): Omit<ReleaseFile, 'url'> {
  const yanked = member(file, 'yanked');
  const metadata = member(file, 'core-metadata') ?? member(file, 'dist-info-metadata');
  return {
    hashes: digests(member(file, 'hashes') ?? {}),
    requiresPython: text(member(file, 'requires-python')),
    yanked: yanked ? (text(yanked) ?? '') : null,
    size: Number(member(file, 'size')) || null,
    metadata: !metadata ? null : metadata === true ? {} : digests(metadata),
  };
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnclearPage(`no object with ${name}`);
  }
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function digests(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) throw new UnclearPage('hashes of another form');
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

function saidByHtml(attributes: Attributes): Omit<ReleaseFile, 'url'> {
  // Taken for yanked by pips before 22.2 alone.
  if (attributes.get('data-yanked') === null) throw new UnclearPage('data-yanked without a value');
  return {
    hashes: {},
    requiresPython: attributes.get('data-requires-python') || null,
    yanked: attributes.get('data-yanked') ?? null,
    size: null,
    metadata: metadataOf(attributes),
  };
}

/** `true`, or `sha256=…`; the name of PEP 658 where that of PEP 714 is not there. */
function metadataOf(attributes: Attributes): ReleaseFile['metadata'] {
  const written =
    attributes.get('data-core-metadata') ?? attributes.get('data-dist-info-metadata') ?? null;
  if (written === null) return null;
  const [, algorithm, digest] = /^(\w+)=(.*)$/.exec(written) ?? [];
  return algorithm === undefined || digest === undefined ? {} : { [algorithm]: digest };
}

function describe(
  address: string,
  base: string,
  said: Omit<ReleaseFile, 'url'>,
): Omit<PageLink, 'at'> {
  const isWhole = /^https?:\/\//.test(address);
  const absolute = isWhole ? address : joined(address, base);
  const [, start = '', path = '', query = '', fragment = ''] =
    /^([a-z][a-z\d+.-]*:\/\/[^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(absolute) ?? [];
  const isUrl = !isWhole || isPlain(start) || URL.canParse(absolute);
  if (start === '' || !isUrl || /[#&]egg=/.test(fragment))
    throw new UnclearPage(`the link ${absolute}`);
  const url = `${start}${requoted(path)}${query}`;
  const [, algorithm, digest] =
    /[#&](sha512|sha384|sha256|sha224|sha1|md5)=([^&]*)/.exec(fragment) ?? [];
  const own = algorithm === undefined || digest === undefined ? {} : { [algorithm]: digest };
  return {
    link: url + fragment,
    file: { ...said, url: withoutCredentials(url), hashes: { ...said.hashes, ...own } },
  };
}

/** A host, and nothing that could be wrong with it. */
function isPlain(start: string): boolean {
  return /^https?:\/\/(?!.*xn--)[a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z-]+$/.test(start);
}

function joined(address: string, base: string): string {
  try {
    return new URL(address, base).href;
  } catch {
    throw new UnclearPage(`the link ${address}`);
  }
}

/** `_clean_url_path`: unquoted and quoted again, but for `@` and `%2F`. */
function requoted(path: string): string {
  // As nearly all are: pages have thousands of them.
  if (/^[\w./~-]*$/.test(path)) return path;
  return path
    .split(/(@|%2F)/i)
    .map((part) => (/^(?:@|%2f)$/i.test(part) ? part.toUpperCase() : quotePath(unquoted(part))))
    .join('');
}

function unquoted(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UnclearPage(`the path ${part}`);
  }
}
