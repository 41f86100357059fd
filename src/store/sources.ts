import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathOfFileUrl } from '../core/file-url.ts';
import { sha256 } from '../core/sha256.ts';
import type { Sha256, Source } from '../core/types.ts';
import type { Store } from './layout.ts';

/** An archive of the local source index, and what is known of it. */
export interface StoredSource {
  readonly path: string;
  readonly sha256: Sha256;
}

/** The record beside each archive. */
export interface SourceRecord {
  readonly url: string;
  /** The hash of another kind that the index gave: `md5=…`; null for none. */
  readonly promise: string | null;
  readonly sha256: Sha256;
  readonly size: number;
  /** Of the local file that it was copied from: `size:mtime`; null for what came over the network. */
  readonly origin: string | null;
}

/**
 * Where an archive is kept: a folder per index (origin, or folder for `file:`), so that a file
 * of one index never answers for another's; archives of one name that differ are told apart by
 * their record.
 */
export function sourcePath(store: Store, source: Source): string {
  const url = new URL(source.url);
  const origin = url.protocol === 'file:' ? dirname(pathOfFileUrl(url)) : url.origin;
  const label = url.protocol === 'file:' ? 'file' : url.host.replaceAll(/[^\w.-]/g, '_');
  const digest = sha256(origin).slice(0, 8);
  return join(store.sources, `${label}-${digest}`, source.filename.replaceAll('/', '_'));
}

/** A record must not look like an archive to `--find-links`. */
export function recordPath(path: string): string {
  return `${path}.record.json`;
}

/** The archive of a source, where the store has the right one; its bytes are for those to check who use them. */
export function findSource(
  store: Store,
  source: Source,
  options: { readonly trustModTimes: boolean },
): StoredSource | null {
  const path = sourcePath(store, source);
  try {
    const record = JSON.parse(readFileSync(recordPath(path), 'utf8')) as SourceRecord;
    if (statSync(path).size !== record.size) return null;
    const isSame =
      source.sha256 === null
        ? isUnchanged(source, record, options)
        : source.sha256 === record.sha256;
    return isSame ? { path, sha256: record.sha256 } : null;
  } catch {
    return null;
  }
}

/** Without a promised hash, a URL stands for its bytes, and a local file for as long as it was not touched. */
function isUnchanged(
  source: Source,
  record: SourceRecord,
  { trustModTimes }: { readonly trustModTimes: boolean },
): boolean {
  if (record.url !== source.url || record.promise !== (source.promise ?? null)) return false;
  if (!source.url.startsWith('file:')) return true;
  return trustModTimes && record.origin === originStamp(pathOfFileUrl(source.url));
}

/** Tells a local file from its earlier and later states. */
export function originStamp(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size}:${mtimeMs}`;
}
