import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import type { Archive, Interpreter, NormalizedName, Scheme, Version } from '../core/types.ts';
import type { Store } from './layout.ts';

/**
 * An image is the unpacked, link-ready tree of one archive, for the Pythons that read the same
 * bytecode and for one umask (a hardlink shares its mode). In `images/v1/<key>/`:
 *
 *     manifest.json          what to link (`ImageManifest`); nothing is ever walked
 *     record.json            the rows of RECORD (`RecordRows`), read where RECORD is composed
 *     purelib/ platlib/ …    a tree per folder of the scheme, `.pyc` files next to their sources
 *     record/                RECORD ready-made: `plain`, `compiled`, `requested`, …
 *     REQUESTED              empty, ready to link
 *
 * Every file of the trees has the mtime that the manifest names, in whole seconds: it stands
 * in the bytecode, and shows a file that somebody edited through a hardlink.
 */
export interface Image {
  readonly path: string;
  readonly manifest: ImageManifest;
}

export interface ImageManifest {
  readonly name: string;
  readonly key: NormalizedName;
  readonly version: Version;
  /** The folder of the scheme that the root of the wheel goes to. */
  readonly root: 'purelib' | 'platlib';
  /** Seconds since 1970. */
  readonly mtime: number;
  /** In the order in which they are linked: where two name one path, the later wins. */
  readonly trees: readonly ImageTree[];
  /** The dist-info folder, which is linked last; paths begin with its name. */
  readonly distInfo: ImageTree & { readonly name: string };
  /** Files of the `scripts` tree that begin with `#!python`: written anew for each environment. */
  readonly rewritten: readonly { readonly path: string; readonly bytecode: string | null }[];
  /** Name and `module:function`, in their order. */
  readonly consoleScripts: readonly (readonly [name: string, target: string])[];
  readonly guiScripts: readonly (readonly [name: string, target: string])[];
  /** True where RECORD is the same in every environment, and lies ready in `record/`. */
  readonly selfContained: boolean;
}

export interface ImageTree {
  readonly scheme: keyof Scheme;
  /** Parents before children. */
  readonly folders: readonly string[];
  readonly files: readonly ImageFile[];
  /** Folders that only bytecode needs. */
  readonly bytecodeFolders: readonly string[];
  readonly bytecode: readonly ImageFile[];
}

export type ImageFile = readonly [path: string, size: number];

/** A row of RECORD; with a null scheme the path stands as it is, for nothing was installed for it. */
export type RecordRow = readonly [
  scheme: keyof Scheme | null,
  path: string,
  hash: string,
  size: string,
];

export interface RecordRows {
  readonly rows: readonly RecordRow[];
  readonly bytecode: readonly RecordRow[];
}

/** What an image depends on besides its archive. */
export interface ImageTarget {
  readonly interpreter: Interpreter;
  /** The umask in force. */
  readonly umask: number;
}

/** The name of an archive's image: `<sha256>-cpython-311-a70d0d0a-022`. */
export function imageKey(archive: Archive, { interpreter, umask }: ImageTarget): string {
  const bytecode = `${interpreter.cacheTag ?? interpreter.abi}-${interpreter.bytecodeMagic}`;
  return `${archive.sha256}-${bytecode}-${umask.toString(8).padStart(3, '0')}`;
}

/** The image of an archive, or null where it has not been made yet. */
export function findImage(store: Store, archive: Archive, target: ImageTarget): Image | null {
  const path = join(store.images, imageKey(archive, target));
  try {
    const text = readFileSync(join(path, 'manifest.json'), 'utf8');
    return { path, manifest: JSON.parse(text) as ImageManifest };
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

export function readRecordRows(image: Image): RecordRows {
  return JSON.parse(readFileSync(join(image.path, 'record.json'), 'utf8')) as RecordRows;
}

/** Where RECORD lies ready in an image that is self-contained. */
export function recordVariant(variant: { requested: boolean; compiled: boolean }): string {
  const words = [
    ...(variant.requested ? ['requested'] : []),
    ...(variant.compiled ? ['compiled'] : []),
  ];
  return join('record', words.join('-') || 'plain');
}
