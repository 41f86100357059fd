import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createInflateRaw, inflateRawSync } from 'node:zlib';

/**
 * A zip reader for archives that nobody vouches for. It gives what Python's `zipfile` gives,
 * and refuses every archive that two readers could understand in two ways: local headers that
 * contradict the directory, entries that overlap or repeat, bytes before, between and after
 * what the directory knows (CVE-2025-54368 and its kind).
 */
export interface ZipEntry {
  readonly name: string;
  /** Unix mode, file type included; 0 where the archive was made on another system. */
  readonly mode: number;
  readonly size: number;
  readonly compressedSize: number;
  readonly crc32: number;
  readonly method: 'stored' | 'deflated';
  readonly offset: number;
}

export interface ZipFile {
  readonly entries: readonly ZipEntry[];
  /** The bytes of an entry, unverified: the caller checks size and CRC. */
  stream(entry: ZipEntry): Readable;
  /** The same at once, for entries that fit into memory. */
  read(entry: ZipEntry): Buffer;
  /** Where its bytes begin. */
  startOf(entry: ZipEntry): number;
  close(): void;
}

/** Why an archive is refused; the caller says which archive. */
export class ZipFault extends Error {}

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const descriptorSignature = 0x08074b50;
const maxEntries = 500_000;
const maxDirectoryBytes = 256 << 20;

export function openZip(path: string): ZipFile {
  const file = openBytes(path);
  try {
    const directory = findDirectory(file);
    const entries = readDirectory(file, directory);
    const starts = dataStarts(readAhead(file), entries, directory.offset);
    return {
      entries,
      stream: (entry) => streamEntry(path, entry, startOf(starts, entry)),
      read: (entry) => readContent(file, entry, startOf(starts, entry)),
      startOf: (entry) => startOf(starts, entry),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** An archive, or as much of it as there is. */
export interface ZipBytes {
  readonly size: number;
  /** @throws whatever the caller understands, where these bytes are not to be had. */
  read(offset: number, length: number): Buffer;
}

/** The bytes of a file. */
export function openBytes(path: string): ZipBytes & { close(): void } {
  const descriptor = openSync(path, 'r');
  const { size } = fstatSync(descriptor);
  return {
    size,
    read: (offset, length) => readAt(descriptor, offset, length),
    close: () => closeSync(descriptor),
  };
}

/** Bytes that are read at a time by who goes from member to member, and needs three readings for each. */
const windowBytes = 256 << 10;

/** The same bytes, for who reads them from the beginning to the end: else much would be read in vain. */
export function readAhead(bytes: ZipBytes): ZipBytes {
  const { size } = bytes;
  let from = 0;
  let window: Buffer = Buffer.alloc(0);
  return {
    size,
    read: (offset, length) => {
      if (length > windowBytes || offset < from) return bytes.read(offset, length);
      if (offset + length > from + window.length) {
        window = bytes.read(offset, Math.min(windowBytes, size - offset));
        from = offset;
      }
      return window.subarray(offset - from, offset - from + length);
    },
  };
}

/** @param start of its bytes, as `ZipFile.startOf` tells it. */
export function readContent(file: ZipBytes, entry: ZipEntry, start: number): Buffer {
  return contentOf(entry, within(file, start, entry.compressedSize));
}

/** What the directory of an archive names; the members themselves were not looked at. */
export function zipEntries(file: ZipBytes): readonly ZipEntry[] {
  return readDirectory(file, findDirectory(file));
}

/**
 * A small member of an archive whose others were not looked at.
 *
 * @param end where whatever follows it begins.
 */
export function zipMember(file: ZipBytes, entry: ZipEntry, end: number): Buffer {
  const bytes = within(file, entry.offset, end - entry.offset);
  const own = {
    size: bytes.length,
    read: (at: number, length: number) => bytes.subarray(at, at + length),
  };
  const { start } = localHeader(own, { ...entry, offset: 0 });
  return contentOf(entry, within(own, start, entry.compressedSize));
}

interface Directory {
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
}

function within(file: ZipBytes, offset: number, length: number): Buffer {
  if (offset < 0 || length < 0 || offset + length > file.size) throw new ZipFault('is cut short');
  return file.read(offset, length);
}

function readAt(descriptor: number, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, buffer, done, length - done, offset + done);
    if (count === 0) throw new ZipFault('is cut short');
    done += count;
  }
  return buffer;
}

/** The end record has to be the last thing in the file, its comment included. */
function findDirectory(file: ZipBytes): Directory {
  if (file.size < 22) throw new ZipFault('is not a zip archive');
  // Hardly any archive has a comment, and not everybody has its last 64 KiB at hand.
  const last = within(file, file.size - 22, 22);
  const isBare = last.readUInt32LE(0) === endSignature && last.readUInt16LE(20) === 0;
  const tailLength = isBare ? 22 : Math.min(file.size, 22 + 0xffff);
  const tail = within(file, file.size - tailLength, tailLength);
  for (let at = tail.length - 22; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== endSignature) continue;
    if (at + 22 + tail.readUInt16LE(at + 20) !== tail.length) {
      throw new ZipFault('has bytes after its end record');
    }
    return directoryOf(file, tail.subarray(at, at + 22), file.size - tailLength + at);
  }
  throw new ZipFault('is not a zip archive');
}

function directoryOf(file: ZipBytes, end: Buffer, endOffset: number): Directory {
  let directory = {
    count: end.readUInt16LE(10),
    bytes: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  };
  let limit = endOffset;
  if (end.readUInt32LE(4) !== 0 || end.readUInt16LE(8) !== directory.count) {
    throw new ZipFault('spans several disks');
  }
  const locator = endOffset < 20 ? null : within(file, endOffset - 20, 20);
  if (locator?.readUInt32LE(0) === locator64Signature) {
    limit = Number(locator.readBigUInt64LE(8));
    directory = wideDirectory(within(file, limit, 56), directory);
    if (limit + 56 !== endOffset - 20) throw new ZipFault('has a damaged zip64 end record');
  }
  if (directory.offset + directory.bytes !== limit) {
    throw new ZipFault('has bytes that its directory does not know');
  }
  if (directory.count > maxEntries || directory.bytes > maxDirectoryBytes) {
    throw new ZipFault(`has more than ${maxEntries} entries`);
  }
  return directory;
}

/** Python goes by this one whenever it is there, others only where the narrow one has no room: they must agree. */
function wideDirectory(end64: Buffer, narrow: Directory): Directory {
  const wide = {
    count: Number(end64.readBigUInt64LE(32)),
    bytes: Number(end64.readBigUInt64LE(40)),
    offset: Number(end64.readBigUInt64LE(48)),
  };
  const agrees =
    [wide.count, 0xffff].includes(narrow.count) &&
    [wide.bytes, 0xffffffff].includes(narrow.bytes) &&
    [wide.offset, 0xffffffff].includes(narrow.offset);
  const isOneDisk =
    end64.readBigUInt64LE(16) === 0n && Number(end64.readBigUInt64LE(24)) === wide.count;
  if (end64.readUInt32LE(0) !== end64Signature || !agrees || !isOneDisk) {
    throw new ZipFault('has a damaged zip64 end record');
  }
  return wide;
}

function readDirectory(file: ZipBytes, directory: Directory): ZipEntry[] {
  const bytes = within(file, directory.offset, directory.bytes);
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== entrySignature) {
      throw new ZipFault('has a damaged directory');
    }
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30);
    const next = at + 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) throw new ZipFault('has a damaged directory');
    entries.push(readEntry(bytes.subarray(at, next), nameLength, extraLength));
    at = next;
  }
  if (entries.length !== directory.count) throw new ZipFault('has a damaged directory');
  return entries;
}

function readEntry(record: Buffer, nameLength: number, extraLength: number): ZipEntry {
  const flags = record.readUInt16LE(8);
  const name = decodeName(record.subarray(46, 46 + nameLength), flags);
  if ((flags & 0x2041) !== 0) throw new ZipFault(`has an encrypted member ${name}`);
  const method = record.readUInt16LE(10);
  if (method !== 0 && method !== 8) {
    throw new ZipFault(`has a member ${name} with compression method ${method}`);
  }
  const extra = record.subarray(46 + nameLength, 46 + nameLength + extraLength);
  checkSecondName(extra, name);
  const wide = zip64Fields(
    extra,
    [record.readUInt32LE(24), record.readUInt32LE(20), record.readUInt32LE(42)],
    name,
  );
  const [size, compressedSize, offset] = wide;
  if (method === 0 && size !== compressedSize) {
    throw new ZipFault(`has a member ${name} with two sizes`);
  }
  return {
    name,
    // As Python's `zipfile`: the upper half of the external attributes, whoever made them.
    mode: record.readUInt16LE(40),
    size,
    compressedSize,
    offset,
    crc32: record.readUInt32LE(16),
    method: method === 0 ? 'stored' : 'deflated',
  };
}

/** Info-ZIP's Unicode path, by which Python 3.13 goes. */
function checkSecondName(extra: Buffer, name: string): void {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 0x7075) continue;
    const second = extra.subarray(at + 9, at + 4 + extra.readUInt16LE(at + 2));
    if (!second.equals(Buffer.from(name)))
      throw new ZipFault(`has a member ${name} with two names`);
  }
}

/** Size, compressed size and offset: where one is 0xffffffff, the zip64 field holds it. */
function zip64Fields(
  extra: Buffer,
  narrow: readonly [number, number, number],
  name: string,
): [number, number, number] {
  const wide: [number, number, number] = [...narrow];
  if (!narrow.includes(0xffffffff)) return wide;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let field = at + 4;
    for (const index of [0, 1, 2] as const) {
      if (wide[index] !== 0xffffffff) continue;
      if (field + 8 > extra.length) throw new ZipFault(`has a member ${name} without its size`);
      wide[index] = Number(extra.readBigUInt64LE(field));
      field += 8;
    }
    break;
  }
  return wide;
}

/**
 * Where each entry's data starts. The local header has to name what the directory names, and
 * entries must lie side by side, from the first byte to the directory: nothing hidden between.
 */
function dataStarts(
  file: ZipBytes,
  entries: readonly ZipEntry[],
  directoryOffset: number,
): Map<ZipEntry, number> {
  const starts = new Map<ZipEntry, number>();
  let end = 0;
  let previous: ZipEntry | null = null;
  for (const entry of [...entries].sort((a, b) => a.offset - b.offset)) {
    if (entry.offset < end) throw new ZipFault(`has a member ${entry.name} that overlaps another`);
    checkGap(file, [end, entry.offset], previous);
    const { start, isDeferred } = localHeader(file, entry);
    starts.set(entry, start);
    end = start + entry.compressedSize;
    previous = isDeferred ? entry : null;
  }
  if (end > directoryOffset) throw new ZipFault('has a member that overlaps its directory');
  checkGap(file, [end, directoryOffset], previous);
  return starts;
}

/** @returns where the data starts, and whether its sizes follow it. */
function localHeader(
  file: ZipBytes,
  entry: ZipEntry,
): { readonly start: number; readonly isDeferred: boolean } {
  const head = within(file, entry.offset, 30);
  const nameLength = head.readUInt16LE(26);
  const rest = within(file, entry.offset + 30, nameLength + head.readUInt16LE(28));
  const flags = head.readUInt16LE(6);
  if (
    head.readUInt32LE(0) !== localSignature ||
    decodeName(rest.subarray(0, nameLength), flags) !== entry.name ||
    head.readUInt16LE(8) !== (entry.method === 'stored' ? 0 : 8)
  ) {
    throw new ZipFault(`has a member ${entry.name} whose two headers differ`);
  }
  const isDeferred = (flags & 8) !== 0;
  checkLocalSizes(head, rest.subarray(nameLength), entry, isDeferred);
  return { start: entry.offset + 30 + rest.length, isDeferred };
}

/** Between two entries lies nothing, or the data descriptor of the first (APPNOTE 4.3.9), in any of its forms. */
function checkGap(
  file: ZipBytes,
  [from, to]: readonly [number, number],
  deferred: ZipEntry | null,
): void {
  if (from === to) return;
  const isKnown =
    deferred !== null &&
    [12, 16, 20, 24].includes(to - from) &&
    isDescriptor(within(file, from, to - from), deferred);
  if (!isKnown) throw new ZipFault('has bytes that its directory does not know');
}

/** The checksum and two sizes of 4 or of 8 bytes, behind a signature or not. */
function isDescriptor(bytes: Buffer, { crc32, compressedSize, size }: ZipEntry): boolean {
  const isSigned = bytes.length % 8 === 0;
  if (isSigned && bytes.readUInt32LE(0) !== descriptorSignature) return false;
  const bare = bytes.subarray(isSigned ? 4 : 0);
  const sizes =
    bare.length === 12
      ? [bare.readUInt32LE(4), bare.readUInt32LE(8)]
      : [Number(bare.readBigUInt64LE(4)), Number(bare.readBigUInt64LE(12))];
  return bare.readUInt32LE(0) === crc32 && sizes[0] === compressedSize && sizes[1] === size;
}

/** With bit 3 of the flags the sizes follow the data, and the local header may hold zeros. */
function checkLocalSizes(head: Buffer, extra: Buffer, entry: ZipEntry, deferred: boolean): void {
  const narrow = [head.readUInt32LE(22), head.readUInt32LE(18), 0] as const;
  if (deferred && narrow[0] === 0 && narrow[1] === 0) return;
  if (deferred && narrow.includes(0xffffffff)) return;
  const [size, compressedSize] = zip64Fields(extra, narrow, entry.name);
  if (size !== entry.size || compressedSize !== entry.compressedSize) {
    throw new ZipFault(`has a member ${entry.name} with two sizes`);
  }
}

function startOf(starts: ReadonlyMap<ZipEntry, number>, entry: ZipEntry): number {
  const start = starts.get(entry);
  if (start === undefined) throw new Error(`entry ${entry.name} of another archive`);
  return start;
}

/** Bytes that zlib fills at a time: it makes room for no fewer. */
const smallestPiece = 64;
const largestPiece = 1 << 20;

function contentOf(entry: ZipEntry, bytes: Buffer): Buffer {
  if (entry.method === 'stored') return bytes;
  try {
    return inflateRawSync(bytes, {
      maxOutputLength: Math.max(entry.size, 1),
      // All of it in one piece, if it is as large as it says.
      chunkSize: Math.min(entry.size + smallestPiece, largestPiece),
    });
  } catch {
    throw new ZipFault(`has a damaged member ${entry.name}`);
  }
}

function streamEntry(path: string, entry: ZipEntry, start: number): Readable {
  const raw = createReadStream(path, {
    start,
    end: start + entry.compressedSize - 1,
    highWaterMark: 1 << 20,
  });
  if (entry.method === 'stored') return raw;
  const inflater = createInflateRaw();
  raw.once('error', (error) => inflater.destroy(error));
  return raw.pipe(inflater);
}

/** The upper half of code page 437, in which a name without the UTF-8 flag is written. */
const codePage437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
  '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

function decodeName(bytes: Buffer, flags: number): string {
  const plain = bytes.toString('latin1');
  if (/^[\0-\x7f]*$/.test(plain)) return plain;
  if ((flags & 0x800) === 0) {
    return Array.from(bytes, (byte) =>
      byte < 128 ? String.fromCharCode(byte) : (codePage437[byte - 128] ?? ''),
    ).join('');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ZipFault('has a member whose name is not UTF-8');
  }
}
