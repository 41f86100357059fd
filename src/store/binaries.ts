import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hasErrno } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import type { Archive, Sha256 } from '../core/types.ts';
import { type BinaryKeyInputs, binaryKey, canonicalJson } from './key.ts';
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

/**
 * The binary distribution of a key, its bytes checked against its manifest; null where there is
 * none. A damaged one is renamed out of the way, with one warning.
 */
export async function findBinary(
  store: Store,
  inputs: BinaryKeyInputs,
  emit: Emit,
): Promise<Archive | null> {
  const paths = binaryPaths(store, inputs);
  const manifest = readManifest(paths.manifest);
  if (manifest === 'absent') return null;
  const fault =
    manifest === 'damaged'
      ? 'its manifest cannot be read'
      : await faultOf(paths.archive, manifest, inputs);
  if (fault === null && manifest !== 'damaged') {
    const { sha256 } = manifest.archive;
    return {
      kind: 'binary',
      key: inputs.name,
      version: inputs.version,
      path: paths.archive,
      sha256,
    };
  }
  await setAside(paths.manifest);
  await setAside(paths.archive);
  emit({
    type: 'warning',
    message: `Set aside a damaged binary distribution: ${paths.archive}: ${fault}`,
  });
  return null;
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

async function faultOf(
  archive: string,
  manifest: BinaryManifest,
  inputs: BinaryKeyInputs,
): Promise<string | null> {
  if (canonicalJson(manifest.key) !== canonicalJson(inputs)) return 'it was built for another key';
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(archive), hash);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return 'the archive is gone';
    throw error;
  }
  return hash.digest('hex') === manifest.archive.sha256
    ? null
    : 'its sha256 is not the one that its manifest names';
}

async function setAside(path: string): Promise<void> {
  try {
    await rename(path, `${path}.damaged-${randomBytes(4).toString('hex')}`);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}
