/** What Python's `str.splitlines` ends a line at: more than the line feed. */
// oxlint-disable-next-line no-control-regex -- these characters are the point
const lineEnd = /\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]/;

/** Splits as Python's `str.splitlines()` does: no empty line after a final line end. */
export function splitLines(text: string): string[] {
  const lines = text.split(lineEnd);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Orders strings as Python does, by code point; `<` compares UTF-16 units. */
export function compareText(left: string, right: string): number {
  if (surrogate.test(left) || surrogate.test(right)) {
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

const surrogate = /[\ud800-\udfff]/;
