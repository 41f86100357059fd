/** The tags of an HTML page, as far as an index has any, as Python's `html.parser` reads them. */

/** Names in lower case; null for an attribute without a value. Of several of a name the last. */
export type Attributes = ReadonlyMap<string, string | null>;

export interface StartTag {
  readonly name: string;
  readonly attributes: Attributes;
  /** Where its first attribute stands, or would stand. */
  readonly at: number;
}

/** A page that can be read in several ways. */
export class UnclearPage extends Error {}

const attributePattern =
  /([^\s/>][^\s/>=]*)(\s*=+\s*('[^']*'|"[^"]*"|(?!['"])[^>\s]*))?(?:\s|\/(?!>))*/gy;

/**
 * All start tags, in their order.
 *
 * @throws UnclearPage where Pythons differ: unclosed comments and tags, stray quotes.
 */
export function startTags(html: string): readonly StartTag[] {
  const tags: StartTag[] = [];
  for (let at = html.indexOf('<'); at !== -1; at = html.indexOf('<', at)) {
    const next = html[at + 1] ?? '';
    if (html.startsWith('<!--', at)) at = after(html, '-->', at + 4);
    else if (next === '!' || next === '?' || next === '/') at = after(html, '>', at + 1);
    else if (!/[a-z]/i.test(next)) at += 1;
    else {
      const { tag, end } = readTag(html, at);
      tags.push(tag);
      const isRaw = tag.name === 'script' || tag.name === 'style';
      at = isRaw ? endOfRaw(html, tag.name, end) : end;
    }
  }
  return tags;
}

function after(html: string, text: string, from: number): number {
  const found = html.indexOf(text, from);
  if (found === -1) throw new UnclearPage(`${text} is missing`);
  return found + text.length;
}

/** The pattern goes on from where it is: a page may have as many scripts as it has lines. */
function endOfRaw(html: string, name: string, from: number): number {
  const pattern = new RegExp(`</${name}`, 'gi');
  pattern.lastIndex = from;
  const found = pattern.exec(html);
  if (found === null) throw new UnclearPage(`</${name}> is missing`);
  return found.index;
}

function readTag(html: string, start: number): { tag: StartTag; end: number } {
  const name = /[a-z][^\s/>]*/iy;
  name.lastIndex = start + 1;
  const written = name.exec(html)?.[0] ?? '';
  const attributes = new Map<string, string | null>();
  let at = start + 1 + written.length;
  while (/[\s/]/.test(html[at] ?? '')) at += 1;
  while (html[at] !== '>') {
    attributePattern.lastIndex = at;
    const found = attributePattern.exec(html);
    const [whole = '', key = '', rest, value = ''] = found ?? [];
    const isOdd = /['"<]/.test(key) || (rest !== undefined && /^[^'"].*['"<`]/s.test(value));
    if (found === null || whole === '' || isOdd || at >= html.length) {
      throw new UnclearPage(`the tag ${html.slice(start, start + 80)}`);
    }
    attributes.set(key.toLowerCase(), rest === undefined ? null : unquote(value));
    at += whole.length;
    if (html.startsWith('/>', at)) at += 1;
  }
  const first = start + 1 + written.length;
  return { tag: { name: written.toLowerCase(), attributes, at: first }, end: at + 1 };
}

function unquote(value: string): string {
  const bare = /^(['"])(.*)\1$/s.exec(value)?.[2] ?? value;
  return bare.includes('&') ? decodeEntities(bare) : bare;
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  gt: '>',
  lt: '<',
  quot: '"',
};

/** `html.unescape` for what indexes write; names that one would need HTML's whole table for are unclear. */
function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d+);|#x([\da-f]+);|([a-z]+);|(#|[a-z]))/gi,
    (whole, decimal?: string, hexadecimal?: string, name?: string) => {
      if (decimal !== undefined || hexadecimal !== undefined) {
        const code =
          decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
        const isPlain = (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0xd800);
        if (isPlain) return String.fromCodePoint(code);
      } else if (name !== undefined && Object.hasOwn(entities, name)) {
        return entities[name] ?? '';
      }
      throw new UnclearPage(`the reference ${whole} in ${text}`);
    },
  );
}
