import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import type { Sha256 } from '../core/types.ts';
import { type BinaryKeyInputs, binaryKey } from './key.ts';
import type { Store } from './layout.ts';

/**
 * What stands beside a binary distribution (`….tar.gz`) as `….json`. The archive's members are
 * regular files laid out as in the wheel that pip would have built: modules at the root,
 * `X.data/…`, `X.dist-info/…` with METADATA, WHEEL and RECORD.
 */
export interface BinaryManifest {
  readonly format: 1;
  readonly key: BinaryKeyInputs;
  readonly archive: {
    readonly sha256: Sha256;
    /** Bytes, packed. */
    readonly size: number;
    /** Bytes of all members together. */
    readonly unpackedSize: number;
  };
  /** In the archive's order. */
  readonly files: readonly BinaryFile[];
  readonly builder: 'bdist_dumb' | 'pep517';
  /** `name==version` of everything that the build environment held, sorted. */
  readonly buildRequirements: readonly string[];
}

export interface BinaryFile {
  /** Relative, with `/`. */
  readonly path: string;
  /** As a wheel would carry it, before the umask: 0o644 or 0o755. */
  readonly mode: number;
  readonly size: number;
  readonly sha256: Sha256;
}

/** The paths of a binary distribution and of its manifest, existing or not. */
export function binaryPaths(
  store: Store,
  inputs: BinaryKeyInputs,
): { archive: string; manifest: string } {
  const stem = join(store.binaries, binaryKey(inputs));
  return { archive: `${stem}.tar.gz`, manifest: `${stem}.json` };
}

/** The manifest beside a binary distribution. */
export function readManifest(path: string): BinaryManifest | 'absent' | 'damaged' {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return 'absent';
    throw error;
  }
  try {
    const manifest = JSON.parse(text) as BinaryManifest;
    return manifest.format === 1 && typeof manifest.archive.sha256 === 'string'
      ? manifest
      : 'damaged';
  } catch {
    return 'damaged';
  }
}
