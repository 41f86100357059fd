import {
  chmodSync,
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { umask } from '../../process/umask.ts';
import { writeAll } from '../../process/cold/write-all.ts';
import { Parser, type ReadEntry } from 'tar';
import { crc32 } from 'node:zlib';
import type { Archive } from '../../core/types.ts';
import { journalPrefix } from '../../core/journal-name.ts';
import { paxFault } from './pax.ts';
import { damaged, type PackedMember, verified, writeNew } from './write-members.ts';
import { openZip, type ZipEntry, type ZipFile } from './zip.ts';

/** A regular file of an archive. */
export interface Member {
  /** As the archive spells it. */
  readonly name: string;
  /** Without `.` and empty parts. */
  readonly path: string;
  readonly executable: boolean;
  /** Where it is to be found in a zip archive; null where it has to be written by `writeTo`. */
  readonly packed: PackedMember | null;
  read(): Promise<Buffer>;
  /** Writes a file that must not exist yet. */
  writeTo(path: string, mode: number): Promise<void>;
}

export interface Members {
  readonly files: readonly Member[];
  /** The first part of every name, folders included. */
  readonly roots: ReadonlySet<string>;
  close(): void;
}

/** Why an archive is refused: the second half of a sentence that begins with its path. */
export class ArchiveFault extends Error {}

/** Caps against archives that grow without end; the largest wheels of PyPI hold 5 GB and 30,000 files. */
const maxEntries = 500_000;
const maxBytes = 64 * 2 ** 30;
/** Deflate reaches 1032:1 on zeros; no real distribution as a whole comes near this. */
const maxRatio = 300;
const ratioFloor = 256 << 20;
/** Larger members are streamed, so that memory does not follow the size of the archive. */
const streamedFrom = 32 << 20;

const typeMask = 0o170000;
const regularType = 0o100000;
const linkType = 0o120000;
const setIdBits = 0o6000;

/**
 * Opens an archive and looks at every name and type in it before anything is written:
 * regular files and folders only, each within the archive's own tree, each once.
 *
 * @param scratch a new folder that a tar is unpacked into, under names of our own.
 * @throws ArchiveFault
 */
export async function openMembers(archive: Archive, scratch: string): Promise<Members> {
  return archive.kind === 'wheel'
    ? zipMembers(archive.path)
    : await tarMembers(archive.path, scratch);
}

function zipMembers(path: string): Members {
  const zip = openZip(path);
  try {
    const list = new MemberList();
    const packed = zip.entries.reduce((sum, entry) => sum + entry.compressedSize, 0);
    list.grow(
      zip.entries.reduce((sum, entry) => sum + entry.size, 0),
      packed,
    );
    for (const entry of zip.entries) {
      list.add(entry.name, zipType(entry), (place) => zipMember(zip, entry, place));
    }
    return { files: list.files, roots: list.roots, close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/**
 * As for Python's `zipfile`, a name that ends in a slash is a folder, whatever its mode says.
 * What claims to be a link is, for pip, a file that holds the target's name, and set-id bits
 * are dropped; both are harmless, and real wheels have them.
 */
function zipType(entry: ZipEntry): 'file' | 'folder' {
  if (entry.name.endsWith('/')) return 'folder';
  const type = entry.mode & typeMask;
  if (type !== 0 && type !== regularType && type !== linkType) {
    throw new ArchiveFault(`has a member ${entry.name} that is no regular file`);
  }
  return 'file';
}

function zipMember(zip: ZipFile, entry: ZipEntry, path: string): Member {
  const isStreamed = entry.size >= streamedFrom;
  const content = () => verified(entry, zip.read(entry));
  return {
    name: entry.name,
    path,
    executable: (entry.mode & typeMask) === regularType && (entry.mode & 0o111) !== 0,
    packed: isStreamed ? null : { entry, start: zip.startOf(entry) },
    read: async () => await Promise.resolve(content()),
    writeTo: async (target, mode) => {
      if (isStreamed) await streamVerified(zip, entry, { target, mode });
      else writeNew(target, mode, entry.size > 0 ? content() : null);
    },
  };
}

async function streamVerified(
  zip: ZipFile,
  entry: ZipEntry,
  { target, mode }: { target: string; mode: number },
): Promise<void> {
  const descriptor = openSync(target, 'wx', mode);
  try {
    let size = 0;
    let sum = 0;
    for await (const chunk of zip.stream(entry) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > entry.size) damaged(entry);
      sum = crc32(chunk, sum);
      writeAll(descriptor, chunk);
    }
    if (size !== entry.size || sum !== entry.crc32) damaged(entry);
  } finally {
    closeSync(descriptor);
  }
}

/** A tar has no directory: its files are unpacked under numbers, and moved once all are known. */
async function tarMembers(path: string, scratch: string): Promise<Members> {
  mkdirSync(scratch, { mode: 0o700 });
  const list = new MemberList();
  const faults: unknown[] = [];
  const fail = (fault: unknown): void => {
    faults.push(fault);
    parser.abort(new ArchiveFault('was refused'));
  };
  let hasEnded = false;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      try {
        if (hasEnded) throw new ArchiveFault(`has a member ${entry.path} behind its end`);
        readTarEntry(entry, list, { scratch, fail });
      } catch (error) {
        entry.resume();
        fail(error);
      }
    },
  });
  watchTar(parser, {
    onEnd: () => {
      hasEnded = true;
    },
    onIgnored: ({ path: name }) => fail(new ArchiveFault(`has a member ${name} of another kind`)),
    onFault: (fault) => fail(new ArchiveFault(`has ${fault}`)),
  });
  try {
    await pipeline(createReadStream(path), parser as unknown as NodeJS.WritableStream);
  } catch (error) {
    throw (
      faults[0] ?? new ArchiveFault(`is damaged: ${error instanceof Error ? error.message : ''}`)
    );
  }
  if (faults.length > 0) throw faults[0];
  return { files: list.files, roots: list.roots, close: () => undefined };
}

/**
 * What `tar` passes over and other readers do not: members of types that it does not know, PAX
 * headers above a megabyte, which Python reads, and PAX records that the two read differently; and
 * one block of zeros, at which Python ends.
 */
export function watchTar(
  parser: Parser,
  watcher: {
    readonly onEnd: () => void;
    readonly onIgnored: (entry: ReadEntry) => void;
    /** @param fault what the archive has, as the end of a sentence. */
    readonly onFault: (fault: string) => void;
  },
): void {
  parser.on('nullBlock', watcher.onEnd);
  parser.on('meta', (text: string) => {
    const fault = paxFault(text);
    if (fault !== null) watcher.onFault(fault);
  });
  parser.on('ignoredEntry', watcher.onIgnored);
}

function readTarEntry(
  entry: ReadEntry,
  list: MemberList,
  { scratch, fail }: { scratch: string; fail: (fault: unknown) => void },
): void {
  const name = entry.path;
  const mode = entry.mode ?? 0;
  if (entry.type !== 'File' && entry.type !== 'OldFile' && entry.type !== 'Directory') {
    throw new ArchiveFault(`has a member ${name} that is no regular file but a ${entry.type}`);
  }
  if (entry.type !== 'Directory' && (mode & setIdBits) !== 0) {
    throw new ArchiveFault(`has a member ${name} with the setuid or setgid bit`);
  }
  if (entry.type === 'Directory') {
    list.add(name, 'folder', () => null);
    entry.resume();
    return;
  }
  const held = join(scratch, String(list.files.length));
  list.grow(entry.size, 0);
  list.add(name, 'file', (place) => tarMember({ name, path: place, held, mode }));
  const descriptor = openSync(held, 'wx', 0o600);
  entry.on('data', (chunk) => {
    try {
      writeAll(descriptor, chunk);
    } catch (error) {
      fail(error);
    }
  });
  entry.on('end', () => closeSync(descriptor));
}

function tarMember(entry: { name: string; path: string; held: string; mode: number }): Member {
  return {
    name: entry.name,
    path: entry.path,
    executable: (entry.mode & 0o111) !== 0,
    packed: null,
    read: async () => await Promise.resolve(readFileSync(entry.held)),
    writeTo: async (target, mode) => {
      // Takes the name first, for a rename would replace what is there.
      writeNew(target, mode, null);
      renameSync(entry.held, target);
      chmodSync(target, mode & ~umask());
      await Promise.resolve();
    },
  };
}

class MemberList {
  readonly files: Member[] = [];
  readonly roots = new Set<string>();
  readonly #names = new Set<string>();
  #bytes = 0;
  #entries = 0;

  add(name: string, type: 'file' | 'folder', make: (path: string) => Member | null): void {
    const path = checkedPath(name);
    this.roots.add(name.split('/', 1)[0] ?? '');
    this.#entries += 1;
    if (this.#entries > maxEntries) throw new ArchiveFault(`has more than ${maxEntries} members`);
    if (type === 'folder') return;
    if (this.#names.has(path)) throw new ArchiveFault(`has two members ${name}`);
    this.#names.add(path);
    const member = make(path);
    if (member) this.files.push(member);
  }

  grow(bytes: number, packed: number): void {
    this.#bytes += bytes;
    if (this.#bytes > maxBytes || (packed > 0 && bytes > ratioFloor && bytes > packed * maxRatio)) {
      throw new ArchiveFault(`would unpack to ${this.#bytes} bytes`);
    }
  }
}

function checkedPath(name: string): string {
  const parts = name.split('/');
  if (name.startsWith('/') || parts.includes('..')) {
    throw new ArchiveFault(`has a member ${name} outside of its tree`);
  }
  if (parts.some((part) => part.startsWith(journalPrefix))) {
    throw new ArchiveFault(`has a member ${name}, which pip-accel would take for a journal`);
  }
  const path = parts.filter((part) => part !== '' && part !== '.').join('/');
  if (path === '' || name.includes('\0')) {
    throw new ArchiveFault(`has a member with the name ${JSON.stringify(name)}`);
  }
  return path;
}
