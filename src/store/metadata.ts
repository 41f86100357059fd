import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DistributionMetadata, Sha256 } from '../core/types.ts';
import type { Store } from './layout.ts';

/** Where the metadata of an archive is kept, a wheel's or a binary distribution's: read from its own bytes. */
export function metadataFile(store: Store, archive: Sha256): string {
  return join(store.metadata, `${archive}.json`);
}

/** The metadata of an archive, or null where it is not known. */
export function readStoredMetadata(store: Store, archive: Sha256): DistributionMetadata | null {
  try {
    const text = readFileSync(metadataFile(store, archive), 'utf8');
    const metadata = JSON.parse(text) as DistributionMetadata;
    return Array.isArray(metadata.requiresDist) ? metadata : null;
  } catch {
    return null;
  }
}
