import { hasErrno } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { Archive } from '../../core/types.ts';
import { type BinaryManifest, binaryPaths, readManifest } from '../binaries.ts';
import { type BinaryKeyInputs, canonicalJson } from '../key.ts';
import type { Store } from '../layout.ts';
import { digestFile } from './digest.ts';
import { strangenessOf } from './folders.ts';
import { setAside } from './quarantine.ts';

/**
 * The binary distribution of a key, its bytes checked against its manifest; null where there is
 * none. A damaged one is set aside.
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
      : (strangenessOf([paths.archive, paths.manifest]) ??
        (await faultOf(paths.archive, manifest, inputs)));
  if (manifest === 'damaged' || fault !== null) {
    const damage = { kind: 'binary distribution', fault: String(fault) };
    await setAside(store, [paths.archive, paths.manifest], damage, emit);
    return null;
  }
  const { name: key, version } = inputs;
  return { kind: 'binary', key, version, path: paths.archive, sha256: manifest.archive.sha256 };
}

async function faultOf(
  archive: string,
  manifest: BinaryManifest,
  inputs: BinaryKeyInputs,
): Promise<string | null> {
  if (canonicalJson(manifest.key) !== canonicalJson(inputs)) return 'it was built for another key';
  try {
    const { sha256 } = await digestFile(archive);
    return sha256 === manifest.archive.sha256
      ? null
      : 'its sha256 is not the one that it came with';
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return 'the archive is gone';
    throw error;
  }
}
