import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, copyFile, type FileHandle, open, rename, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { errnoOf, hasErrno, PipAccelError } from '../../core/errors.ts';
import type { Sha256, Source } from '../../core/types.ts';
import { unlessAborted } from '../../process/cold/unless-aborted.ts';
import { writeAll } from '../../process/cold/write-all.ts';
import { type Claimant, withClaim } from '../../store/cold/claims.ts';
import { digestFile } from '../../store/cold/digest.ts';
import { strangenessOf } from '../../store/cold/folders.ts';
import { publishFile, publishJson } from '../../store/cold/publish.ts';
import { setAside } from '../../store/cold/quarantine.ts';
import type { Store } from '../../store/layout.ts';
import {
  findSource,
  originStamp,
  recordPath,
  type SourceRecord,
  sourcePath,
  type StoredSource,
} from '../../store/sources.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import { type Answer, followRedirects, HttpStatus, type Network, pourAway } from './request.ts';

export interface DownloadContext extends Claimant {
  readonly store: Store;
  /** null when there is to be no network. */
  readonly transport: Network | null;
  readonly maxRetries: number;
  readonly trustModTimes: boolean;
  /** Reads along while an archive comes over the network. */
  readonly reader?: DownloadReader;
}

export interface DownloadReader {
  /** Aborted when nobody wants the archive any more. */
  readonly signal: AbortSignal;
  /** The first answer, or one that begins anew. */
  readonly answered: (headers: Answer['headers']) => void;
  /** So many bytes have come. The file is renamed when it is whole, and removed when it is refused. */
  readonly grew: (path: string, size: number) => void;
}

/**
 * Brings an archive into the local source index, unless it is there with the right bytes: fetched
 * (resumed after a break, tried again after a failure that may pass) by one process at a time,
 * checked against its hash, published together with its record.
 *
 * @throws PipAccelError `download-failed`, `hash-mismatch`, `authentication-required`
 */
export async function obtainSource(
  source: Source,
  context: DownloadContext,
): Promise<StoredSource> {
  const key = JSON.stringify([sourcePath(context.store, source), source]);
  for (;;) {
    const underWay = underWays.get(key);
    if (!underWay) break;
    const result = await joined(underWay, context.signal);
    // Another process may have put another file in its place.
    if (result && findSource(context.store, source, context)?.sha256 === result.sha256) {
      return result;
    }
    if (underWays.get(key) === underWay) underWays.delete(key);
  }
  const work = obtainAlone(source, context);
  underWays.set(key, work);
  return await work;
}

/** What comes of somebody else's work; null where he lost interest in it. */
async function joined(
  underWay: Promise<StoredSource>,
  signal?: AbortSignal,
): Promise<StoredSource | null> {
  try {
    return signal ? await unlessAborted(underWay, signal) : await underWay;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof PipAccelError && error.code === 'interrupted') return null;
    throw error;
  }
}

/** What this process brings, or has brought in: it may be wanted before it is decided, and again when it is. */
const underWays = new Map<string, Promise<StoredSource>>();

async function obtainAlone(source: Source, context: DownloadContext): Promise<StoredSource> {
  const stored = await findWhole(source, context);
  if (stored) return stored;
  const key = `source ${sourcePath(context.store, source)}`;
  const activity = `fetching ${source.filename}`;
  return await withClaim(context.store, { key, activity }, context, async () => {
    return (await findWhole(source, context)) ?? (await obtainAnew(source, context));
  });
}

/** Only what has no image yet is looked for, so that the bytes are worth another look. */
async function findWhole(source: Source, context: DownloadContext): Promise<StoredSource | null> {
  const { store, emit, timings } = context;
  const stored = findSource(store, source, context);
  if (!stored) return null;
  using _ = timings?.begin('keep', source);
  const files = [stored.path, recordPath(stored.path)] as const;
  const fault = strangenessOf(files) ?? (await faultOf(stored));
  if (fault === null) return stored;
  await setAside(store, files, { kind: 'source', fault }, emit);
  return null;
}

async function faultOf({ path, sha256 }: StoredSource): Promise<string | null> {
  const isWhole = (await digestFile(path)).sha256 === sha256;
  return isWhole ? null : 'its sha256 is not the one that it came with';
}

async function obtainAnew(source: Source, context: DownloadContext): Promise<StoredSource> {
  const url = new URL(source.url);
  const target = sourcePath(context.store, source);
  let record: SourceRecord | null = null;
  using keep = context.timings?.begin('keep', source);
  await publishFile(context.store, target, async (path) => {
    keep?.pause();
    record =
      url.protocol === 'file:'
        ? await copyLocal(source, path, context)
        : await fetchRemote(source, path, context);
    keep?.resume();
    checkHash(source, record);
  });
  if (record === null) throw new Error('publishFile did not write');
  const { sha256 }: SourceRecord = record;
  await publishJson(context.store, recordPath(target), record);
  return { path: target, sha256 };
}

/**
 * Moves an archive that pip downloaded into the local source index, as if it had been fetched
 * from its URL just now.
 */
export async function keepSource(
  store: Store,
  source: Omit<Source, 'sha256'>,
  from: string,
): Promise<Sha256> {
  const { url } = source;
  const target = sourcePath(store, { ...source, sha256: null });
  const { sha256, size } = await digestFile(from);
  const local = url.startsWith('file:') ? fileURLToPath(url) : null;
  const origin = local === null ? null : originStamp(local);
  const record: SourceRecord = { ...recordOf(source), sha256, size, origin };
  await publishFile(store, target, async (path) => await rename(from, path));
  await publishJson(store, recordPath(target), record);
  return sha256;
}

function recordOf({ url, promise }: Omit<Source, 'sha256'>) {
  return { url, promise: promise ?? null };
}

function checkHash(source: Source, record: SourceRecord): void {
  if (source.sha256 === null || source.sha256 === record.sha256) return;
  throw new PipAccelError(
    'hash-mismatch',
    `${source.filename} from ${source.url} does not match its hash: expected sha256 ${source.sha256}, got ${record.sha256}`,
    {
      hint: 'The file was changed or damaged on its way; try again, or correct the hash in the requirements.',
    },
  );
}

async function copyLocal(
  source: Source,
  to: string,
  { timings }: Pick<DownloadContext, 'timings'>,
): Promise<SourceRecord> {
  const from = fileURLToPath(source.url);
  using _ = timings?.begin('download', source);
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (await isReadable(from)) throw error;
    throw new PipAccelError('download-failed', `Cannot read ${from}`, {
      cause: error,
      hint: 'The file was there when pip decided; look at your --find-links or index folder.',
    });
  }
  return { ...recordOf(source), ...(await digestFile(to)), origin: originStamp(from) };
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return (await stat(path)).isFile();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) return false;
    throw error;
  }
}

interface Progress {
  readonly path: string;
  readonly handle: FileHandle;
  hash: Hash;
  size: number;
}

async function fetchRemote(
  source: Source,
  path: string,
  context: DownloadContext,
): Promise<SourceRecord> {
  if (context.transport === null) {
    throw new PipAccelError(
      'offline',
      `${source.filename} is not in the store and --offline forbids to fetch it`,
      {
        hint: `Run once without --offline, or put the file where --find-links finds it.`,
      },
    );
  }
  const started = performance.now();
  context.emit({ type: 'download-start', filename: source.filename, url: source.url });
  const handle = await open(path, 'wx', 0o666);
  const progress: Progress = { path, handle, hash: createHash('sha256'), size: 0 };
  try {
    await fetchWithRetries(source, progress, context, context.transport);
  } finally {
    await handle.close();
  }
  const milliseconds = performance.now() - started;
  context.emit({
    type: 'download-end',
    filename: source.filename,
    bytes: progress.size,
    milliseconds,
  });
  const sha256 = progress.hash.digest('hex') as Sha256;
  return { ...recordOf(source), sha256, size: progress.size, origin: null };
}

async function fetchWithRetries(
  source: Source,
  progress: Progress,
  context: DownloadContext,
  transport: Network,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      context.reader?.signal.throwIfAborted();
      await fetchOnce(source, progress, { ...context, transport });
      return;
    } catch (error) {
      context.signal?.throwIfAborted();
      if (error instanceof PipAccelError || isStoreTrouble(error, context.store)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      if (!mayPass(error) || attempt > context.maxRetries) {
        throw new PipAccelError(
          'download-failed',
          `Cannot download ${source.filename} from ${source.url}: ${reason}`,
          { cause: error, hint: 'Check the network and the index, or raise max-retries.' },
        );
      }
      const { filename } = source;
      const attempts = context.maxRetries;
      context.emit({ type: 'download-retry', filename, attempt, attempts, reason });
      await pauseBefore(error, attempt, context);
    }
  }
}

async function pauseBefore(
  error: unknown,
  attempt: number,
  { timings }: Pick<DownloadContext, 'timings'>,
): Promise<void> {
  using _ = timings?.begin('wait', null);
  await sleep(retryDelay(error, attempt));
}

function mayPass(error: unknown): boolean {
  if (error instanceof HttpStatus) return error.status === 429 || error.status >= 500;
  return errnoOf(error) !== null;
}

/** Milliseconds: what the server asks for, at most half a minute, else doubling from a quarter second, jittered. */
function retryDelay(error: unknown, attempt: number): number {
  const asked = error instanceof HttpStatus ? error.retryAfter : null;
  if (asked !== null) return Math.min(asked, 30) * 1000;
  return 250 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
}

/** One request; what an earlier one brought is kept where the server goes on from there. */
async function fetchOnce(
  source: Source,
  progress: Progress,
  { transport, reader, timings }: DownloadContext & { readonly transport: Network },
): Promise<void> {
  const resumeAt = progress.size;
  using _ = timings?.begin('download', source);
  const { response } = await followRedirects(new URL(source.url), transport, {
    // The stored bytes are the ones that the hash is of, so no transfer may compress them.
    'accept-encoding': 'identity',
    ...(resumeAt > 0 ? { range: `bytes=${resumeAt}-` } : {}),
  });
  const isContinuation = startOf(response.headers['content-range']) === resumeAt;
  if (response.status === 206 && !isContinuation) {
    await pourAway(response.body);
    throw new HttpStatus(500, null);
  }
  if (response.status === 200 && resumeAt > 0) {
    await progress.handle.truncate(0);
    progress.hash = createHash('sha256');
    progress.size = 0;
  }
  if (response.status === 200) reader?.answered(response.headers);
  for await (const chunk of response.body) {
    // At once: to have another thread do it takes longer than to copy it to the kernel.
    writeAll(progress.handle.fd, chunk, progress.size);
    progress.hash.update(chunk);
    progress.size += chunk.length;
    reader?.grew(progress.path, progress.size);
  }
}

/** RFC 9110, section 14.4: `bytes 500-999/1000` starts at 500. */
function startOf(contentRange: Answer['headers'][string]): number {
  return Number(/^bytes (\d+)-/.exec(String(contentRange))?.[1] ?? Number.NaN);
}
