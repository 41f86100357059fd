import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import type { Archive, Interpreter, NormalizedName, Scheme, Version } from '../core/types.ts';
import type { ScriptTarget } from '../python/entry-points.ts';
import type { Store } from './layout.ts';

/**
 * An image is the unpacked, link-ready tree of one archive, for the Pythons that read the same
 * bytecode and for one umask (a hardlink shares its mode). In `images/v4/<key>/`:
 *
 *     manifest.json          what it is (`ImageManifest`): all that most of an installation needs
 *     files.json             what to link (`FileLists`), read by the thread that links; nothing is ever walked
 *     record.json            the rows of RECORD (`RecordRows`), read where RECORD is composed
 *     sizes.json             what every file has to be (`SizedFolder`s), read where the image is checked
 *     checked                empty; its mtime is the time of the last check, at first that of the making
 *     purelib/ platlib/ …    a tree per folder of the scheme, `.pyc` files next to their sources, if any
 *     record/                RECORD ready-made: `plain`, `compiled`, `requested`, …
 *     REQUESTED              empty, ready to link
 *
 * Every file but `manifest.json`, `sizes.json` and `checked` has the mtime that the manifest names, in
 * whole seconds: it stands in the bytecode, and shows a file that somebody edited through a hardlink.
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
  /** How many files `sizes.json` names, and what they and their folders take of the disk in bytes. */
  readonly files: number;
  readonly bytes: number;
  /** In the order in which they are installed: where two name one path, the later wins. */
  readonly trees: readonly ImageTree[];
  /** The dist-info folder's name; its tree, below `root`, is the last of the file lists. */
  readonly distInfo: string;
  /** How many files the dist-info folder has. */
  readonly distInfoFiles: number;
  /** Files of the `scripts` tree that begin with `#!python`: written anew for each environment. In no list. */
  readonly rewritten: readonly { readonly path: string; readonly bytecode: string | null }[];
  /** Entry points that become scripts, in their order. */
  readonly consoleScripts: readonly ScriptTarget[];
  readonly guiScripts: readonly ScriptTarget[];
  /**
   * For which environments RECORD lies ready, but for the lines of what is written there: those
   * whose `schemeShape` this is; the empty text stands for all of them, null for none.
   */
  readonly recordShape: string | null;
}

export interface ImageTree {
  readonly scheme: keyof Scheme;
  /** Nothing but bytecode of sources whose codec has to be imported: pip 26.3 makes none of these. */
  readonly byCodec: boolean;
  /** What lies at its root. */
  readonly top: readonly string[];
  /** How many files it has; then how many more of bytecode. */
  readonly files: number;
  readonly bytecode: number;
}

/** For each tree its folders, parents before children, the root (`''`) among them; last those of the dist-info folder. */
export type FileLists = readonly (readonly FolderFiles[])[];

/** A folder, the names of its files, and of its bytecode; it is for bytecode only where it has nothing else. */
export type FolderFiles = readonly [
  folder: string,
  files: readonly string[],
  bytecode: readonly string[],
];

/** The files of a folder of an image: their names, and for each its size in bytes and its `st_mode`. */
export type SizedFolder = readonly [
  folder: string,
  names: readonly string[],
  sizes: readonly number[],
  modes: readonly number[],
];

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
  /** Those of `ImageTree.byCodec`. */
  readonly byCodec: readonly RecordRow[];
}

/** What an image depends on besides its archive. */
export interface ImageTarget {
  readonly interpreter: Interpreter;
  /** The umask in force. */
  readonly umask: number;
  /** Whether bytecode is going to be linked (pip's `--no-compile`). */
  readonly bytecode: boolean;
}

/**
 * The folder of an archive's image, named `<sha256>-cpython-311-a70d0d0a-022`, and `…-plain` without
 * bytecode; existing or not.
 */
export function imagePath(
  store: Store,
  archive: Archive,
  { interpreter, umask, bytecode }: ImageTarget,
): string {
  const version = `${interpreter.cacheTag ?? interpreter.abi}-${interpreter.bytecodeMagic}`;
  const key = `${archive.sha256}-${version}-${umask.toString(8).padStart(3, '0')}`;
  return join(store.images, bytecode ? key : `${key}-plain`);
}

/** The image of an archive, or null where there is none that can be read. One with bytecode is good for both. */
export function findImage(store: Store, archive: Archive, target: ImageTarget): Image | null {
  const whole = readImage(imagePath(store, archive, { ...target, bytecode: true }));
  return whole ?? (target.bytecode ? null : readImage(imagePath(store, archive, target)));
}

/** Null also for a manifest that a power cut left short, for images are not fsynced. */
export function readImage(path: string): Image | null {
  try {
    const text = readFileSync(`${path}/manifest.json`, 'utf8');
    return { path, manifest: JSON.parse(text) as ImageManifest };
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError) return null;
    throw error;
  }
}

export function hasImage(store: Store, archive: Archive, target: ImageTarget): boolean {
  const whole = imagePath(store, archive, { ...target, bytecode: true });
  const paths = target.bytecode ? [whole] : [whole, imagePath(store, archive, target)];
  return paths.some((path) => existsSync(join(path, 'manifest.json')));
}

/** The file whose mtime is the time of the last check. */
export function stampPath(imagePath: string): string {
  return `${imagePath}/checked`;
}

export function readSizes(imagePath: string): readonly SizedFolder[] {
  return JSON.parse(readFileSync(`${imagePath}/sizes.json`, 'utf8')) as readonly SizedFolder[];
}

/** False for an image that was pruned since it was found. */
export function isThere({ path }: Image): boolean {
  return existsSync(join(path, 'manifest.json'));
}

/** What an image has to link. */
export function readFileLists(imagePath: string): FileLists {
  return JSON.parse(readFileSync(`${imagePath}/files.json`, 'utf8')) as FileLists;
}

export function readRecordRows(image: Image): RecordRows {
  return JSON.parse(readFileSync(join(image.path, 'record.json'), 'utf8')) as RecordRows;
}

/**
 * How the folders of a scheme lie to each other, seen from the one with the modules: what the
 * paths in a RECORD depend on. The same in most virtual environments of one Python.
 */
export function schemeShape(scheme: Scheme, root: 'purelib' | 'platlib'): string {
  const places = [scheme.purelib, scheme.platlib, scheme.scripts, scheme.data];
  return places.map((folder) => relative(scheme[root], folder)).join(':');
}

/** Where RECORD lies ready in an image, by what an environment gets. */
export function recordVariant(variant: { requested: boolean; compiled: boolean }): string {
  const words = [
    ...(variant.requested ? ['requested'] : []),
    ...(variant.compiled ? ['compiled'] : []),
  ];
  return join('record', words.join('-') || 'plain');
}
