import { writeSync } from 'node:fs';

/**
 * Writes all of a chunk, of which the kernel may take a part at a time.
 *
 * @param position where it goes; where the last one ended without it.
 */
export function writeAll(descriptor: number, chunk: Uint8Array, position = Number.NaN): void {
  for (let done = 0; done < chunk.length; ) {
    const at = Number.isNaN(position) ? null : position + done;
    done += writeSync(descriptor, chunk, done, chunk.length - done, at);
  }
}
