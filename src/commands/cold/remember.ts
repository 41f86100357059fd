import { existsSync } from 'node:fs';
import type { Archive } from '../../core/types.ts';
import { decisionFile, type RememberedDecision } from '../../plan/decisions.ts';
import { type KeptState, stateFile } from '../../plan/installed-state.ts';
import { publishDisposable, publishJson } from '../../store/cold/publish.ts';
import type { Image } from '../../store/images.ts';
import type { Store } from '../../store/layout.ts';
import { metadataFile } from '../../store/metadata.ts';
import {
  type ReleaseFile,
  releaseFile,
  type ReleaseName,
  releaseText,
} from '../../store/releases.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { CommandContext } from '../context.ts';
import type { InstallJob } from '../job.ts';
import { imageMetadata } from './known.ts';

/** Keeps a decision, as far as the store takes it. */
export async function remember(
  job: InstallJob,
  key: string | null,
  decision: RememberedDecision,
): Promise<void> {
  const { store } = job.context;
  if (key === null) return;
  await asFarAsPossible(store, publishJson(store, decisionFile(store, key), decision));
}

/** Keeps what is installed, for the next line that meets the environment as it is. */
export async function rememberState(
  { store, interpreter }: CommandContext,
  state: KeptState,
): Promise<void> {
  await asFarAsPossible(store, publishJson(store, stateFile(store, interpreter), state));
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

export async function asFarAsPossible(store: Store, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isStoreTrouble(error, store)) throw error;
  }
}

/**
 * Keeps what an archive requires, as it says itself: what an index says of an archive is that
 * index's word, and its hash is no proof of it.
 *
 * @param archive the wheel, or what was built.
 */
export async function rememberMetadata(
  store: Store,
  archive: Archive,
  image: Image,
): Promise<void> {
  const file = metadataFile(store, archive.sha256);
  if (existsSync(file)) return;
  const text = JSON.stringify(imageMetadata(image));
  await asFarAsPossible(store, publishDisposable(store, file, text));
}
