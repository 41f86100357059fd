import { crc32 } from 'node:zlib';
import { normalizeName } from '../../../python/names.ts';
import {
  type ZipBytes,
  type ZipEntry,
  zipEntries,
  ZipFault,
  zipMember,
} from '../../../obtain/cold/zip.ts';
import { collect, followRedirects, type Network, pourAway } from '../../../obtain/cold/request.ts';

/**
 * Bytes asked for at the end of a wheel: they hold the directory, and METADATA as well, of nine in
 * ten of the wheels of the measured sets, whose dist-info comes last (PEP 427).
 */
const tailBytes = 32 << 10;
/** Above these a wheel's directory, or its METADATA, is no less than the wheel of many another. */
const largestPiece = 8 << 20;
/** The end record with a long comment, the directory, METADATA. */
const mostPieces = 4;

export interface RemoteWheel {
  readonly url: URL;
  readonly filename: string;
}

/**
 * The METADATA of a wheel by range requests (RFC 9110, section 14).
 *
 * @returns `no ranges` where the server does not know them, `unreadable` for a wheel that is to be
 *   looked at as a whole.
 */
export async function readRemoteMetadata(
  wheel: RemoteWheel,
  network: Network,
): Promise<Buffer | 'no ranges' | 'unreadable'> {
  const tail = await fetchRange(wheel, network, `bytes=-${tailBytes}`);
  if (!tail) return 'no ranges';
  const pieces = [tail];
  try {
    for (;;) {
      const found = findMetadata(wheel.filename, fromPieces(pieces));
      if (!(found instanceof Missing)) return found ?? 'unreadable';
      const { from, to } = found;
      if (to - from > largestPiece || pieces.length > mostPieces) return 'unreadable';
      const piece = await fetchRange(wheel, network, `bytes=${from}-${to - 1}`);
      const isOfSame = piece?.total === tail.total && piece.tag === tail.tag && piece.from === from;
      if (!piece || !isOfSame) return 'unreadable';
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof ZipFault) return 'unreadable';
    throw error;
  }
}

interface Piece {
  readonly from: number;
  readonly bytes: Buffer;
  /** Of the whole archive. */
  readonly total: number;
  /** Changes with the archive; empty where the server has none. */
  readonly tag: string;
}

/** Bytes that have not been fetched. */
class Missing extends Error {
  readonly from: number;
  readonly to: number;

  constructor(from: number, length: number) {
    super(`bytes ${from} to ${from + length} are missing`);
    this.from = from;
    this.to = from + length;
  }
}

async function fetchRange(
  { url }: RemoteWheel,
  network: Network,
  range: string,
): Promise<Piece | null> {
  try {
    const headers = { 'accept-encoding': 'identity', range };
    const { response } = await followRedirects(url, network, headers);
    const { status, headers: said, body } = response;
    const [, from, to, total] =
      /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(said['content-range'])) ?? [];
    const size = Number(to) - Number(from) + 1;
    const isPlain = (said['content-encoding'] ?? 'identity') === 'identity';
    if (status !== 206 || !isPlain || !(size <= largestPiece)) {
      await pourAway(body);
      return null;
    }
    const bytes = await collect(body, size);
    if (bytes.length !== size) return null;
    const tag = String(said['etag'] ?? said['last-modified'] ?? '');
    return { from: Number(from), bytes, total: Number(total), tag };
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

function fromPieces(pieces: readonly Piece[]): ZipBytes {
  return {
    size: pieces[0]?.total ?? 0,
    read(offset, length) {
      for (const { from, bytes } of pieces) {
        if (from <= offset && offset + length <= from + bytes.length) {
          return bytes.subarray(offset - from, offset - from + length);
        }
      }
      throw new Missing(offset, length);
    },
  };
}

function findMetadata(filename: string, file: ZipBytes): Buffer | Missing | null {
  try {
    const entries = zipEntries(file);
    const entry = metadataEntry(entries, filename);
    if (!entry || entry.size > largestPiece) return null;
    const content = zipMember(file, entry, endOf(entry, entries, file));
    return content.length === entry.size && crc32(content) === entry.crc32 ? content : null;
  } catch (error) {
    if (error instanceof Missing) return error;
    throw error;
  }
}

/** The METADATA among a wheel's members, as pip finds it (`utils/wheel.py`, `wheel_dist_info_dir`). */
export function metadataEntry(entries: readonly ZipEntry[], filename: string): ZipEntry | null {
  const folders = new Set(
    entries.flatMap(({ name }) => /^[^/]+\.dist-info(?=\/|$)/.exec(name)?.[0] ?? []),
  );
  const [folder = ''] = folders;
  const [name = ''] = filename.split('-');
  const isOwn = normalizeName(folder).startsWith(normalizeName(name));
  if (folders.size !== 1 || !isOwn) return null;
  return entries.find((entry) => entry.name === `${folder}/METADATA`) ?? null;
}

/** Where the next member begins, or as far as the header of the last one may reach. */
function endOf(entry: ZipEntry, entries: readonly ZipEntry[], { size }: ZipBytes): number {
  let end = Math.min(size, entry.offset + 30 + 2 * 0xffff + entry.compressedSize);
  for (const { offset } of entries) if (offset > entry.offset && offset < end) end = offset;
  return end;
}
