import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { listFolder, readBytes } from '../../../core/if-there.ts';
import type { Timings } from '../../../core/timings.ts';
import type { NormalizedName, Version } from '../../../core/types.ts';
import type { Network } from '../../../obtain/cold/request.ts';
import { openZip } from '../../../obtain/cold/zip.ts';
import type { RankedFile } from '../../../plan/pinned/candidates.ts';
import { sourceOf } from '../../../plan/pinned/source.ts';
import { formatVersion } from '../../../python/pep440.ts';
import { findImageOf, type ImageLookup } from '../../../store/find-image.ts';
import type { Store } from '../../../store/layout.ts';
import type { Download } from './download.ts';
import { metadataEntry, readRemoteMetadata } from './remote-metadata.ts';

/**
 * The METADATA of a file that is known by its hash, a wheel's or what an sdist was built to: out of
 * its image, without a request. null where there is none, or where the index promises another.
 */
export function keptMetadata(
  { file, filename, version }: RankedFile,
  key: NormalizedName,
  lookup: ImageLookup,
): Uint8Array | null {
  const source = sourceOf({ file, filename });
  if (source.sha256 === null) return null;
  const item = { key, source, metadata: { version: formatVersion(version) as Version } };
  const image = findImageOf(item, lookup);
  if (!image) return null;
  const { root, distInfo } = image.manifest;
  const metadata = readBytes(join(image.path, root, distInfo, 'METADATA'));
  const promised = file.metadata?.['sha256'];
  if (!metadata || promised === undefined) return file.metadata === null ? metadata : null;
  const digest = createHash('sha256').update(metadata).digest('hex');
  return digest === promised.toLowerCase() ? metadata : null;
}

/** The projects of which the store has a binary distribution, of whatever version and Python. */
export function builtProjects({ binaries }: Store): ReadonlySet<string> {
  return new Set(listFolder(binaries).flatMap((name) => name.split(':', 1)));
}

/** Which servers answer range requests, and the METADATA of wheels that they have, each read once. */
export class RemoteWheels {
  readonly #network: Network;
  readonly #timings: Timings | null;
  readonly #known = new Map<string, Promise<Uint8Array | null>>();
  readonly #origins = new Map<string, boolean>();

  constructor(network: Network, timings: Timings | null) {
    this.#network = network;
    this.#timings = timings;
  }

  /** Whether the server of a file answers range requests; null where nobody has tried. */
  hasRanges(url: string): boolean | null {
    return this.#origins.get(new URL(url).origin) ?? null;
  }

  /** null where it is not to be had without the whole wheel. */
  async metadata({
    file,
    filename,
  }: Pick<RankedFile, 'file' | 'filename'>): Promise<Uint8Array | null> {
    if (this.hasRanges(file.url) === false) return null;
    const known = this.#known.get(file.url) ?? this.#read(new URL(file.url), filename);
    this.#known.set(file.url, known);
    return await known;
  }

  async #read(url: URL, filename: string): Promise<Uint8Array | null> {
    using _ = this.#timings?.begin('metadata', { filename });
    const answer = await readRemoteMetadata({ url, filename }, this.#network);
    if (answer !== 'unreadable') this.#origins.set(url.origin, answer !== 'no ranges');
    return typeof answer === 'string' ? null : answer;
  }
}

/** The METADATA of a wheel that has to come as a whole. @throws PipAccelError, ZipFault */
export async function wholeMetadata(
  download: Download,
  filename: string,
): Promise<Uint8Array | null> {
  const { path } = await download.stored();
  const zip = openZip(path);
  try {
    const entry = metadataEntry(zip.entries, filename);
    return entry && zip.read(entry);
  } finally {
    zip.close();
  }
}
