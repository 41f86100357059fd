import { atLeast } from '../../../python/pip.ts';
import type { GatewayRequest, HeaderFields } from '../exchange.ts';
import { field, lasting } from './kept-answer.ts';

/**
 * The fields that pip sends: foretold by its version until it shows them. Who it is to a server
 * (`authorization`, the name of pip) it shows with its first request there.
 */
export class PipFields {
  /** What a request for a page takes for an answer. */
  #taken: HeaderFields;
  /** Whatever else it says, of itself. */
  #sender: HeaderFields = { 'user-agent': 'pip-accel' };
  /** By origin. */
  readonly #authorizations: Map<string, string>;

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
    this.#authorizations = new Map(indexes.flatMap(basicOf));
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
    const {
      accept = '*/*',
      'accept-encoding': encoding = 'identity',
      authorization,
      'cache-control': _,
      pragma: __,
      ...sender
    } = lasting(headers);
    this.#sender = sender;
    if (kind === 'page') this.#taken = { accept, 'accept-encoding': encoding };
    if (typeof authorization === 'string') this.#authorizations.set(url.origin, authorization);
    else this.#authorizations.delete(url.origin);
    const after = this.ofPage(url);
    return ['accept', 'authorization'].some((name) => field(before, name) !== field(after, name));
  }

  #at(url: URL): HeaderFields {
    const authorization = this.#authorizations.get(url.origin);
    return { ...this.#sender, ...(authorization === undefined ? {} : { authorization }) };
  }
}

function basicOf(index: string): readonly (readonly [origin: string, authorization: string])[] {
  if (!URL.canParse(index)) return [];
  const { origin, username, password } = new URL(index);
  if (username === '') return [];
  const words = [username, password].map((word) => unquoted(word)).join(':');
  return [[origin, `Basic ${Buffer.from(words).toString('base64')}`]];
}

function unquoted(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
