import type { Environment } from '../config/load.ts';
import type { Archive, Decided, NormalizedName, Version } from '../core/types.ts';
import { binaryPaths, readManifest } from './binaries.ts';
import { findImage, type Image, type ImageTarget } from './images.ts';
import { binaryKeyInputs, type BuilderChoice, type KeyRequest } from './key.ts';
import type { Store } from './layout.ts';
import { findSource } from './sources.ts';

export interface ImageLookup {
  readonly store: Store;
  readonly target: ImageTarget;
  readonly builder: BuilderChoice;
  readonly trustModTimes: boolean;
  /** What else tells a build of a project from others. */
  readonly keyOptions: (key: NormalizedName) => Partial<KeyRequest>;
  /** What builds get: part of it belongs to their keys. */
  readonly environment: Environment;
}

/** What tells the archive of a distribution. */
export interface SoughtArchive extends Pick<Decided, 'key' | 'source'> {
  readonly metadata: { readonly version: Version };
}

/**
 * The image of a decided distribution, or null where there is none. An image of the right
 * archive is as good as the archive, which is neither read nor missed.
 */
export function findImageOf(item: SoughtArchive, lookup: ImageLookup): Image | null {
  const archive = archiveOf(item, lookup);
  return archive ? findImage(lookup.store, archive, lookup.target) : null;
}

/** The wheel, or what was built of the sdist; null where there is none. Whether it is still there was not looked at. */
export function archiveOf(item: SoughtArchive, lookup: ImageLookup): Archive | null {
  const { key, metadata, source } = item;
  const sha256 = source.sha256 ?? findSource(lookup.store, source, lookup)?.sha256 ?? null;
  if (sha256 === null) return null;
  const { version } = metadata;
  if (source.filename.endsWith('.whl')) return { kind: 'wheel', key, version, path: '', sha256 };
  const { interpreter } = lookup.target;
  const request = {
    ...lookup.keyOptions(key),
    key,
    version,
    sdist: { sha256 },
    interpreter,
    builder: lookup.builder,
  };
  const paths = binaryPaths(lookup.store, binaryKeyInputs(request, lookup.environment));
  const manifest = readManifest(paths.manifest);
  if (manifest === 'absent' || manifest === 'damaged') return null;
  return { kind: 'binary', key, version, path: paths.archive, sha256: manifest.archive.sha256 };
}
