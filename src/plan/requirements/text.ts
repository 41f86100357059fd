/** A requirement file's bytes as the lines that pip's parser sees (`req/req_file.py`, `preprocess`; `utils/encoding.py`). */
import { isSpace, strip } from '../../python/pep440.ts';
import type { RequirementContext } from './entries.ts';

export interface LogicalLine {
  /** Of its first part, from 1. */
  readonly number: number;
  readonly text: string;
}

export function logicalLines(
  text: string,
  environment: RequirementContext['environment'],
): readonly LogicalLine[] {
  return joinLines(splitLines(text)).flatMap(({ number, text }) => {
    const bare = strip(withoutComment(text));
    return bare === '' ? [] : [{ number, text: fillIn(bare, environment) }];
  });
}

/** By its byte order mark, its PEP 263 line, else as UTF-8; null for anything but UTF-8, UTF-16, ASCII and Latin 1. */
export function decode(content: Uint8Array): string | null {
  const [first, second, third, fourth] = content;
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return decodeStrictly(content.subarray(3), 'utf-8');
  }
  // pip before 25.0 takes UTF-32 for UTF-16.
  if (first === 0xff && second === 0xfe) {
    if (third === 0 && fourth === 0) return null;
    return decodeStrictly(content.subarray(2), 'utf-16le');
  }
  if (first === 0xfe && second === 0xff) return decodeStrictly(content.subarray(2), 'utf-16be');
  const declared = declaredEncoding(content);
  if (declared === null) return decodeStrictly(content, 'utf-8');
  const name = declared.toLowerCase().replaceAll('_', '-');
  if (['utf-8', 'utf8'].includes(name)) return decodeStrictly(content, 'utf-8');
  if (['ascii', 'us-ascii'].includes(name)) return decodeAscii(content);
  if (!['latin-1', 'latin1', 'iso-8859-1', 'iso8859-1'].includes(name)) return null;
  return Buffer.from(content).toString('latin1');
}

/** A response is decoded by its headers, or by a guess; ASCII is the same by all of them. */
export function decodeAscii(content: Uint8Array): string | null {
  return content.every((byte) => byte > 0 && byte < 0x80)
    ? Buffer.from(content).toString('latin1')
    : null;
}

function decodeStrictly(content: Uint8Array, encoding: string): string | null {
  if (encoding === 'utf-8') {
    // A decoder takes a fifth of a millisecond to make. What cannot be decoded is U+FFFD here.
    const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8');
    if (!text.includes('\ufffd')) return text;
  }
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function declaredEncoding(content: Uint8Array): string | null {
  const firstEnd = content.indexOf(0x0a);
  const secondEnd = firstEnd === -1 ? -1 : content.indexOf(0x0a, firstEnd + 1);
  const head = content.subarray(0, secondEnd === -1 ? content.length : secondEnd);
  for (const line of Buffer.from(head).toString('latin1').split('\n')) {
    const name = line.startsWith('#')
      ? /coding[:=][ \t\r\f\v]*([-\w.]+)/.exec(line)?.[1]
      : undefined;
    if (name !== undefined) return name;
  }
  return null;
}

const lineEnd = new RegExp(
  `\r\n|[\n\r\v\f${String.fromCharCode(0x1c, 0x1d, 0x1e)}\x85\u2028\u2029]`,
);

/** Python's `str.splitlines()`, which knows more line ends than `\n`. */
function splitLines(text: string): readonly string[] {
  const lines = text.split(lineEnd);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A backslash at the end joins a line with the next one; a comment line ends what was joined. */
function joinLines(lines: readonly string[]): readonly LogicalLine[] {
  const joined: LogicalLine[] = [];
  let parts: string[] = [];
  let first = 0;
  for (const [index, line] of lines.entries()) {
    if (parts.length === 0) first = index + 1;
    const isComment = commentStart(line) === 0;
    if (line.endsWith('\\') && !isComment) {
      parts.push(line.replace(/^\\+/, '').replace(/\\+$/, ''));
      continue;
    }
    // The blank keeps a `#` a comment wherever it is joined to.
    parts.push(isComment ? ` ${line}` : line);
    joined.push({ number: first, text: parts.join('') });
    parts = [];
  }
  if (parts.length > 0) joined.push({ number: first, text: parts.join('') });
  return joined;
}

function withoutComment(line: string): string {
  const start = commentStart(line);
  return start === -1 ? line : line.slice(0, start);
}

/** Where a comment with the white space before it starts: a `#` is one at the start and after white space. */
function commentStart(line: string): number {
  let hash = line.indexOf('#');
  while (hash > 0 && !isSpace(line.charCodeAt(hash - 1))) hash = line.indexOf('#', hash + 1);
  let start = hash;
  while (start > 0 && isSpace(line.charCodeAt(start - 1))) start--;
  return start;
}

/** Variables that are unset or empty stay as they are. */
function fillIn(line: string, environment: RequirementContext['environment']): string {
  if (!line.includes('${')) return line;
  let filled = line;
  for (const [written, name = ''] of line.matchAll(/\$\{([A-Z0-9_]+)\}/g)) {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && value !== '') filled = filled.replaceAll(written, () => value);
  }
  return filled;
}
