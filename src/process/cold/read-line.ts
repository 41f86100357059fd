import { readSync } from 'node:fs';
import { hasErrno } from '../../core/errors.ts';

/** Milliseconds between looks at an input that somebody else made non-blocking. */
const emptyDelay = 20;

/**
 * The next line of standard input, its end included, and no byte more: the rest may be for
 * somebody else. null at the end of the input.
 */
export function readLine(): string | null {
  const bytes: number[] = [];
  const byte = new Uint8Array(1);
  for (;;) {
    try {
      if (readSync(0, byte) === 0) break;
    } catch (error) {
      if (!hasErrno(error, 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, emptyDelay);
      continue;
    }
    bytes.push(byte[0] ?? 0);
    if (byte[0] === 0x0a) break;
  }
  return bytes.length === 0 ? null : Buffer.from(bytes).toString();
}
