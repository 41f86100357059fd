import { atLeast } from '../../../python/pip.ts';
import type { GatewayRequest, HeaderFields } from '../exchange.ts';
import { field } from './kept-answer.ts';

/**
 * The fields that pip sends: foretold by its version until it shows them. Who it is to a server
 * (`authorization`, the name of pip) it shows with its first request there.
 */
export class PipFields {
  /** What a request for a page takes for an answer. */
  #taken: HeaderFields;
  /** Its name for itself. */
  #name = 'pip-accel';
  /** By which a server knows who asks; by origin, for they are no other server's business. */
  readonly #papers: Map<string, HeaderFields>;

  /**
   * @param pip its version.
   * @param indexes as pip was told of them, with their passwords.
   */
  constructor(pip: string, indexes: readonly string[]) {
    // As `index/collector.py` has it: JSON since 22.2.
    const accept = atLeast(pip, 22, 2)
      ? 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01'
      : 'text/html';
    this.#taken = { accept, 'accept-encoding': 'gzip, deflate' };
    this.#papers = new Map(indexes.flatMap(papersOf));
  }

  /** With which it asks for a page. */
  ofPage(url: URL): HeaderFields {
    // A proxy on the way may have a page that is too old for those who ask with these words.
    return { ...this.#at(url), ...this.#taken, 'cache-control': 'max-age=0' };
  }

  /** With which it asks for metadata and archives. */
  ofFile(url: URL): HeaderFields {
    return { ...this.#at(url), accept: '*/*', 'accept-encoding': 'identity' };
  }

  /** @returns whether pages that were asked for at this server are not what pip asks for. */
  learn({ url, headers }: GatewayRequest, kind: 'page' | 'file'): boolean {
    const before = this.ofPage(url);
    const { accept = '*/*', 'accept-encoding': encoding = 'identity' } = headers;
    this.#name = field(headers, 'user-agent') ?? this.#name;
    if (kind === 'page') this.#taken = { accept, 'accept-encoding': encoding };
    const papers = Object.entries(headers).filter(([name]) =>
      /^(?:authorization|cookie)$/.test(name),
    );
    this.#papers.set(url.origin, Object.fromEntries(papers));
    const after = this.ofPage(url);
    const decisive = ['accept', 'authorization', 'cookie'];
    return decisive.some((name) => field(before, name) !== field(after, name));
  }

  #at({ origin }: URL): HeaderFields {
    return { 'user-agent': this.#name, ...this.#papers.get(origin) };
  }
}

function papersOf(index: string): readonly (readonly [origin: string, papers: HeaderFields])[] {
  if (!URL.canParse(index)) return [];
  const { origin, username, password } = new URL(index);
  if (username === '') return [];
  const words = [username, password].map((word) => unquoted(word)).join(':');
  const authorization = `Basic ${Buffer.from(words).toString('base64')}`;
  return [[origin, { authorization }]];
}

function unquoted(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
