import { closeSync, mkdirSync, openSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { writeAll } from '../../process/cold/write-all.ts';
import { openBytes, readAhead, readContent, type ZipEntry, ZipFault } from './zip.ts';

/** Members of one zip archive that are to be written, by any thread; structured clone carries it there. */
export interface WriteJob {
  readonly archive: string;
  /** As they follow one another in the archive. */
  readonly files: readonly PackedFile[];
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly signs: SharedArrayBuffer;
}

/** What threads tell each other of a job: two numbers, none of which is zero any more once it holds. */
const signs = { isStopped: 0, hasBegun: 1 };

export function newSigns(): SharedArrayBuffer {
  return new SharedArrayBuffer(8);
}

/** Nobody wants what is not written yet. */
export function stopWriting({ signs: shared }: Pick<WriteJob, 'signs'>): void {
  Atomics.store(new Int32Array(shared), signs.isStopped, 1);
}

/** Whether a thread has it in hand, or had. */
export function hasBegun({ signs: shared }: Pick<WriteJob, 'signs'>): boolean {
  return Atomics.load(new Int32Array(shared), signs.hasBegun) !== 0;
}

/** A member whose headers were looked at. */
export interface PackedMember {
  readonly entry: ZipEntry;
  /** Where its bytes begin. */
  readonly start: number;
}

export interface PackedFile extends PackedMember {
  /** A file that must not exist yet. */
  readonly target: string;
  readonly mode: number;
}

/** Why the rest was not written; null where all of it was. */
export type WriteFailure =
  /** The archive is to blame: the second half of a sentence that begins with its path. */
  | { readonly kind: 'archive'; readonly fault: string }
  | {
      readonly kind: 'system';
      readonly message: string;
      /** What structured clone leaves out of an error. */
      readonly details: Pick<NodeJS.ErrnoException, 'code' | 'errno' | 'path' | 'syscall'>;
    };

/** Writes all files, and the folders that they lie in. */
export function writeMembers({
  archive,
  files,
  mtime,
  signs: shared,
}: WriteJob): WriteFailure | null {
  const given = new Int32Array(shared);
  Atomics.store(given, signs.hasBegun, 1);
  const made = new Set<string>();
  try {
    const bytes = openBytes(archive);
    const ahead = readAhead(bytes);
    try {
      for (const { entry, start, target, mode } of files) {
        if (Atomics.load(given, signs.isStopped) !== 0) break;
        makeFolder(dirname(target), made);
        const content = entry.size > 0 ? readContent(ahead, entry, start) : null;
        writeNew(target, mode, content && verified(entry, content));
        utimesSync(target, mtime, mtime);
      }
    } finally {
      bytes.close();
    }
    return null;
  } catch (error) {
    if (error instanceof ZipFault) return { kind: 'archive', fault: error.message };
    if (!(error instanceof Error)) throw error;
    const { code, errno, message, path, syscall } = error as NodeJS.ErrnoException;
    return { kind: 'system', message, details: { code, errno, path, syscall } };
  }
}

/** What was thrown where it failed. */
export function thrownBy(failure: WriteFailure): Error {
  return failure.kind === 'archive'
    ? new ZipFault(failure.fault)
    : Object.assign(new Error(failure.message), failure.details);
}

export function makeFolder(path: string, made: Set<string>): void {
  if (made.has(path)) return;
  mkdirSync(path, { recursive: true });
  made.add(path);
}

/** @throws ZipFault where the content is not what the entry says */
export function verified(entry: ZipEntry, content: Buffer): Buffer {
  if (content.length !== entry.size || crc32(content) !== entry.crc32) damaged(entry);
  return content;
}

export function damaged(entry: ZipEntry): never {
  throw new ZipFault(`has a damaged member ${entry.name}`);
}

/** @param content null for none. @throws EEXIST where something is there already */
export function writeNew(path: string, mode: number, content: Buffer | null): void {
  const descriptor = openSync(path, 'wx', mode);
  try {
    if (content) writeAll(descriptor, content);
  } finally {
    closeSync(descriptor);
  }
}
