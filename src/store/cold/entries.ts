import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Sha256 } from '../../core/types.ts';
import type { BinaryManifest } from '../binaries.ts';
import { type ImageManifest, readImage, stampPath } from '../images.ts';
import type { Store } from '../layout.ts';
import type { SourceRecord } from '../sources.ts';
import { namesIn } from './folders.ts';

export type EntryKind =
  | 'image'
  | 'source'
  | 'binary distribution'
  | 'damaged file'
  | 'log'
  | 'decision'
  | 'release'
  | 'metadata file'
  | 'interpreter'
  | 'environment'
  | 'egg'
  | 'script';

/** What is kept or removed as one. */
export interface Entry {
  readonly kind: EntryKind;
  /** Absolute, in the order of removal: what vouches for the rest first. */
  readonly paths: readonly [string, ...string[]];
  /** `fx-pure 1.0`; null where the paths tell, or nothing does. */
  readonly title: string | null;
  /** What it takes of the disk. */
  readonly bytes: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly used: number;
}

/** A folder of the store, and where in it the entries are. */
interface Bucket {
  readonly kind: EntryKind;
  readonly folder: string;
  /** How many folders lead to an entry. */
  readonly depth: number;
  /** The name that the files of one entry share. */
  readonly stem?: (name: string) => string;
}

/**
 * All that the store keeps, of this version's formats and of older ones'. No link is followed: one
 * that lies among the entries is an entry, one in place of a folder above them is passed over.
 */
export function listEntries(store: Store): readonly Entry[] {
  return bucketsOf(store).flatMap((bucket) => {
    const groups = new Map<string, string[]>();
    for (const path of pathsIn(bucket.folder, bucket.depth)) {
      const key = join(dirname(path), bucket.stem?.(basename(path)) ?? basename(path));
      const group = groups.get(key);
      if (group) group.push(path);
      else groups.set(key, [path]);
    }
    return [...groups.values()].flatMap((paths) => entryOf(bucket.kind, paths) ?? []);
  });
}

/** An entry as it is now; null where it is gone. */
export function lookAgain({ kind, paths }: Entry): Entry | null {
  return entryOf(kind, paths);
}

/**
 * The archives that images were made of are in use for as long as these are, though nobody reads them.
 */
export function withUseOfImages(entries: readonly Entry[]): readonly Entry[] {
  const uses = new Map<string, number>();
  for (const { kind, paths, used } of entries) {
    if (kind !== 'image') continue;
    const [archive = ''] = basename(paths[0]).split('-', 1);
    uses.set(archive, Math.max(used, uses.get(archive) ?? 0));
  }
  return entries.map((entry) => {
    const archive = archiveHash(entry);
    const used = Math.max(entry.used, archive === null ? 0 : (uses.get(archive) ?? 0));
    return { ...entry, used };
  });
}

function bucketsOf(store: Store): readonly Bucket[] {
  const versioned = (kind: EntryKind, folder: string, depth: number, stem?: Bucket['stem']) =>
    formatsUpTo(folder).map((path) => ({ kind, folder: path, depth, ...(stem ? { stem } : {}) }));
  return [
    ...versioned('image', store.images, 1),
    { kind: 'source', folder: store.sources, depth: 2, stem: withoutEnding(/\.record\.json$/) },
    ...versioned('binary distribution', store.binaries, 1, withoutEnding(/\.(tar\.gz|json)$/)),
    { kind: 'damaged file', folder: store.damaged, depth: 1 },
    { kind: 'log', folder: store.logs, depth: 1 },
    ...versioned('egg', store.eggs, 2),
    ...versioned('decision', store.decisions, 2),
    ...versioned('release', store.releases, 3),
    ...versioned('metadata file', store.metadata, 1),
    ...versioned('interpreter', store.interpreters, 1),
    ...versioned('environment', store.environments, 1),
    { kind: 'script', folder: store.scripts, depth: 2 },
  ];
}

function withoutEnding(ending: RegExp): (name: string) => string {
  return (name) => name.replace(ending, '');
}

/** `images/v4` and those of versions before it; a later one's entries may be other things. */
function formatsUpTo(folder: string): readonly string[] {
  const current = Number(basename(folder).slice(1));
  return namesIn(dirname(folder))
    .filter((name) => /^v\d+$/.test(name) && Number(name.slice(1)) <= current)
    .map((name) => join(dirname(folder), name));
}

function pathsIn(folder: string, depth: number): readonly string[] {
  const paths = namesIn(folder).map((name) => join(folder, name));
  if (depth === 1) return paths;
  return paths.flatMap((path) => (isFolder(path) ? pathsIn(path, depth - 1) : [path]));
}

function isFolder(path: string): boolean {
  return look(path)?.isDirectory() ?? false;
}

function look(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

function entryOf(kind: EntryKind, names: readonly string[]): Entry | null {
  // What vouches for an archive goes before it.
  const paths = names.toSorted((a, b) => Number(isVoucher(b)) - Number(isVoucher(a)));
  const found = paths.flatMap((path) => {
    const status = look(path);
    return status ? [{ path, status }] : [];
  });
  const [first, ...rest] = found;
  if (!first) return null;
  const parts = { kind, paths: [first.path, ...rest.map(({ path }) => path)] } as const;
  if (kind === 'image' && first.status.isDirectory()) {
    return { ...parts, ...imageFacts(first.path, first.status) };
  }
  const bytes = sum(paths.map(sizeOfTree));
  const used = found.map(({ path, status }) => {
    // A prune itself reads folders, and what vouches for archives.
    const isRead = status.isDirectory() || (found.length > 1 && isVoucher(path));
    return isRead ? status.mtimeMs : Math.max(status.atimeMs, status.mtimeMs);
  });
  return { ...parts, title: null, bytes, used: Math.max(...used) };
}

function isVoucher(path: string): boolean {
  return path.endsWith('.json');
}

/**
 * An installation gives `files.json` one more link, which changes its ctime; where files are copied it
 * is read. Nothing but a check of what is to be used touches the stamp.
 */
function imageFacts(path: string, folder: Stats): Pick<Entry, 'title' | 'bytes' | 'used'> {
  const list = look(join(path, 'files.json'));
  const stamp = look(stampPath(path));
  const times = [list?.ctimeMs, list?.atimeMs, stamp?.mtimeMs].filter((time) => time !== undefined);
  // Older formats have less to say.
  const manifest: Partial<ImageManifest> | undefined = readImage(path)?.manifest;
  return {
    title: manifest?.name ? `${manifest.name} ${manifest.version}` : null,
    bytes: manifest?.bytes ?? sizeOfTree(path),
    used: times.length === 0 ? folder.mtimeMs : Math.max(...times),
  };
}

/** Bytes; `st_blocks` counts in units of 512, whatever the blocks of the file system. */
function sizeOfTree(path: string): number {
  const status = look(path);
  if (!status) return 0;
  const below = status.isDirectory() ? namesIn(path).map((name) => join(path, name)) : [];
  return status.blocks * 512 + sum(below.map(sizeOfTree));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The sha256 of the archive that an entry keeps; null where it keeps none, or none that can be told. */
function archiveHash({ kind, paths }: Entry): Sha256 | null {
  const isArchive = kind === 'source' || kind === 'binary distribution';
  // Nothing else may be read here, for that would count as its use.
  if (!isArchive || paths.length === 1) return null;
  try {
    const text = readFileSync(paths[0], 'utf8');
    return kind === 'source'
      ? (JSON.parse(text) as SourceRecord).sha256
      : (JSON.parse(text) as BinaryManifest).archive.sha256;
  } catch {
    return null;
  }
}
