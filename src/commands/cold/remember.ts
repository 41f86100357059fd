import { existsSync } from 'node:fs';
import type { Decided, DistributionMetadata, Sha256 } from '../../core/types.ts';
import { rememberDecision } from '../../plan/cold/remember.ts';
import type { RememberedDecision } from '../../plan/decisions.ts';
import { publishDisposable } from '../../store/cold/publish.ts';
import type { Store } from '../../store/layout.ts';
import { metadataFile } from '../../store/metadata.ts';
import {
  type ReleaseFile,
  releaseFile,
  type ReleaseName,
  releaseText,
} from '../../store/releases.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { InstallJob } from '../job.ts';

/** Keeps a decision, and the metadata that came with it, as far as the store takes them. */
export async function remember(
  job: InstallJob,
  key: string | null,
  decision: RememberedDecision,
): Promise<void> {
  const { store } = job.context;
  await asFarAsPossible(
    store,
    Promise.all([
      ...(key === null ? [] : [rememberDecision(store, key, decision)]),
      ...decision.items.map(({ decided }) => rememberWheel(store, decided)),
    ]),
  );
}

/** Keeps which files an index has of a release. */
export async function rememberRelease(
  store: Store,
  name: ReleaseName,
  files: readonly ReleaseFile[],
): Promise<void> {
  const text = releaseText(files);
  await asFarAsPossible(store, publishDisposable(store, releaseFile(store, name), text));
}

async function asFarAsPossible(store: Store, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isStoreTrouble(error, store)) throw error;
  }
}

async function rememberWheel(store: Store, { metadata, source, direct }: Decided): Promise<void> {
  if (direct !== null || source.sha256 === null || !source.filename.endsWith('.whl')) return;
  await rememberMetadata(store, source.sha256, metadata);
}

/** @param archive the hash of the wheel, or of what was built. */
export async function rememberMetadata(
  store: Store,
  archive: Sha256,
  metadata: DistributionMetadata,
): Promise<void> {
  const file = metadataFile(store, archive);
  if (existsSync(file)) return;
  await asFarAsPossible(store, publishDisposable(store, file, JSON.stringify(metadata)));
}
