/** What a record decides that others go by: where a member lies, what it is a link to, where the next one begins. */
const decisive = new Set(['path', 'linkpath', 'size']);

/**
 * What is wrong with the records of a PAX header (POSIX.1-2017, `pax`, "pax Extended Header"), each
 * `<length> <key>=<value>\n`; null where nothing is that would matter. `tar` reads them line by line,
 * and passes over those that are not as long as they say; Python goes by the lengths. For a value
 * with a line end, or in another encoding than UTF-8, the two see different records: a member could
 * have one name here and another there. `tar` alone has a record `type`, and knows none of sparse files.
 *
 * @param text as `tar` has it, or a GNU long name.
 */
export function paxFault(text: string): string | null {
  const lines = text.replace(/\n$/, '').split('\n');
  let isInStep = true;
  for (const line of lines) {
    const [, length, key = ''] = /^(\d+) ([^=]+)=/.exec(line) ?? [];
    const isTaken = length !== undefined && Number(length) === Buffer.byteLength(line) + 1;
    isInStep &&= isTaken;
    // Python gives a sparse file the name and the length that these say.
    const isTarsOwn = key === 'type' || key.startsWith('GNU.sparse.');
    if (isTarsOwn || (!isInStep && decisive.has(key)))
      return `a PAX header that can be read in two ways: ${key}`;
  }
  return null;
}
