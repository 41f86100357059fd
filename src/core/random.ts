/**
 * A text that nobody else has or foresees: random bytes in hexadecimal. Bun takes 2 ms to load
 * `node:crypto`, a tenth of a small installation, and Node as long for what Bun has at hand.
 *
 * @param bytes how many; the text has two digits for each.
 */
export function randomText(bytes: number): string {
  // The builds know which of the two they are, and leave the other out.
  if (process.versions['bun'] !== undefined) {
    return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
  }
  return process.getBuiltinModule('node:crypto').randomBytes(bytes).toString('hex');
}
