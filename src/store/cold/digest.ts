import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Sha256 } from '../../core/types.ts';

export interface Digest {
  readonly sha256: Sha256;
  /** Bytes. */
  readonly size: number;
}

/** What a file holds now, read as a stream: wheels can be larger than what fits into a buffer. */
export async function digestFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  const stream = createReadStream(path);
  await pipeline(stream, hash);
  return { sha256: hash.digest('hex') as Sha256, size: stream.bytesRead };
}
