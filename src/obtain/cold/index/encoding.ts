import { promisify } from 'node:util';
import { brotliDecompress, gunzipSync, inflate } from 'node:zlib';

/** Bytes; the largest pages of PyPI have some 30 million. */
export const largestPage = 256 << 20;

/**
 * A page as it was before it was packed for its way (RFC 9110, section 8.4).
 *
 * @param encoding what `content-encoding` says; null where it says nothing.
 * @throws Error for one that is not known, for what cannot be unpacked, and for what gets too large
 */
export async function unpacked(body: Uint8Array, encoding: string | null): Promise<Uint8Array> {
  // In pieces of 16 KiB, as they come else, there would be hundreds of a page.
  const limit = { maxOutputLength: largestPage, chunkSize: 128 << 10 };
  switch (encoding ?? 'identity') {
    case 'identity':
      return body;
    case 'gzip':
      return gunzipSync(body, { ...limit, chunkSize: sizeOf(body) });
    case 'deflate':
      return await promisify(inflate)(body, limit);
    case 'br':
      return await promisify(brotliDecompress)(body, limit);
    default:
      throw new Error(`the encoding ${encoding}`);
  }
}

/** Bytes; of what gzip says it has packed, as much as there is room for at once (RFC 1952, ISIZE). */
function sizeOf(packed: Uint8Array): number {
  const end = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const said = end.length < 4 ? 0 : end.readUInt32LE(end.length - 4);
  return Math.min(Math.max(said + 64, 16 << 10), 8 << 20);
}
