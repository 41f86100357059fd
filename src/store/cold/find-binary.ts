import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { hasErrno } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { Archive } from '../../core/types.ts';
import { type BinaryManifest, binaryPaths, readManifest } from '../binaries.ts';
import { type BinaryKeyInputs, canonicalJson } from '../key.ts';
import type { Store } from '../layout.ts';

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
