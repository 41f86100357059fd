import pLimit from 'p-limit';
import { PipAccelError } from '../../core/errors.ts';
import type { Decided, NormalizedName, Version } from '../../core/types.ts';
import { fetchFiles, fetchMetadata, type ListedPlace } from '../../obtain/cold/index/client.ts';
import type { NetworkOnDemand } from '../../obtain/cold/network-on-demand.ts';
import { sourceOf } from '../../plan/pinned/source.ts';
import type { PinnedQuestion } from '../../plan/pinned/request.ts';
import type { ChosenFile, PinnedAnswer, Questions } from '../../plan/pinned/resolve.ts';
import { formatVersion } from '../../python/pep440.ts';
import { findSource } from '../../store/sources.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup } from '../sound-images.ts';
import { interruptible } from './interruption.ts';
import { imageMetadata, type Learned, pageName, releaseFiles } from './known.ts';
import { obtain } from './obtain.ts';
import { hangUp, networkOf } from './network.ts';
import { rememberRelease } from './remember.ts';

/** Requests at a time; more than this a single index does not serve faster. */
const parallelRequests = 16;

/** A pinned request that lacks something. */
export interface Lesson {
  readonly job: InstallJob;
  readonly question: PinnedQuestion;
  readonly learned: Learned;
}

type Network = Lesson & { readonly transport: NetworkOnDemand | null };

/**
 * Asks the indexes what an answer wants to know, pages of projects and metadata, until it wants
 * no more. Whatever goes wrong is for pip to meet again, and to say: then the answer is null.
 *
 * @param first the answer that what is known allows.
 * @param answer the one that what was learned allows.
 * @throws PipAccelError `interrupted`, `system-packages-missing`
 */
export async function learn(
  lesson: Lesson,
  first: PinnedAnswer,
  answer: () => PinnedAnswer,
): Promise<PinnedAnswer | null> {
  const { context } = lesson.job;
  const transport = networkOf(lesson.job);
  try {
    let given = first;
    // What nothing pins is for pip, which would ask for the same pages again.
    while (given.outcome === 'unknown' && !given.isOpen) {
      context.timings?.enter(null);
      await answerQuestions({ ...lesson, transport }, given.questions);
      context.timings?.enter('decide');
      given = answer();
    }
    return given;
  } catch (error) {
    if (!(error instanceof Error) || isStoreTrouble(error, context.store)) throw error;
    if (error instanceof PipAccelError && isFinal(error)) throw error;
    await hangUp(lesson.job);
    return null;
  } finally {
    context.timings?.enter('decide');
  }
}

/** pip would build the same on the same system. */
function isFinal({ code }: PipAccelError): boolean {
  return code === 'interrupted' || code === 'system-packages-missing';
}

async function answerQuestions(network: Network, { releases, files }: Questions): Promise<void> {
  const limit = pLimit(parallelRequests);
  const pages = releases.map(async (release) => await learnRelease(network, release, limit));
  const light = files.filter(({ candidate: { file, filename } }) => {
    const isBeside = file.metadata !== null && filename.endsWith('.whl');
    return isBeside && file.hashes['sha256'] !== undefined && network.transport !== null;
  });
  const metadata = light.map((file) => limit(async () => await learnMetadata(network, file)));
  const others = files.filter((file) => !light.includes(file));
  await Promise.all([...pages, ...metadata, learnByObtaining(network, others)]);
}

type Limit = ReturnType<typeof pLimit>;

async function learnRelease(
  { job, question, learned, transport }: Network,
  { key, version }: { readonly key: NormalizedName; readonly version: string },
  limit: Limit,
): Promise<void> {
  const { context } = job;
  const { pip } = question.request;
  const places = question.places.filter(
    (place): place is ListedPlace => place.kind === 'index' || place.kind === 'page',
  );
  await Promise.all(
    places.map(async (place) => {
      const name = pageName(place.id, key);
      const known = learned.pages.get(name);
      const fetched = async () => {
        using _ = context.timings?.begin('index', { name: key, version: null });
        return await fetchFiles(place, key, { pip, transport });
      };
      const files = known ?? (await limit(fetched));
      learned.pages.set(name, files);
      // A local page is read each time.
      if (place.url.startsWith('file:')) return;
      const release = releaseFiles(files, { key, version, pip });
      await rememberRelease(context.store, { place: place.id, key, version }, release);
    }),
  );
}

/** For this run alone: what lies beside a wheel is the index's word, and not the wheel's. */
async function learnMetadata(
  { job, learned, transport }: Network,
  chosen: ChosenFile,
): Promise<void> {
  const { file, filename } = chosen.candidate;
  using _ = job.context.timings?.begin('metadata', { filename });
  const metadata = await fetchMetadata(file, transport);
  const { sha256 } = sourceOf(chosen.candidate);
  learned.facts.set(file.url, { metadata, sha256 });
}

/** Downloads, or builds, what is going to be installed anyway, and looks into it. */
async function learnByObtaining(
  { job, learned }: Lesson,
  files: readonly ChosenFile[],
): Promise<void> {
  if (files.length === 0) return;
  const items = files.map(provisional);
  const images = await interruptible((signal) => obtain(job, items, signal));
  for (const [index, item] of items.entries()) {
    const image = images.get(item.key);
    const chosen = files[index];
    if (!image || !chosen) throw new Error(`no image was made of ${item.source.filename}`);
    const lookup = imageLookup(job);
    const { store } = job.context;
    const sha256 = item.source.sha256 ?? findSource(store, item.source, lookup)?.sha256 ?? null;
    learned.facts.set(item.source.url, { metadata: imageMetadata(image), sha256 });
  }
}

/** Enough of a decision to get hold of the archive. */
function provisional(file: ChosenFile): Decided {
  const { filename, version } = file.candidate;
  return {
    metadata: {
      name: filename,
      version: formatVersion(version) as Version,
      requiresDist: [],
      requiresPython: null,
      providesExtra: [],
    },
    key: file.key,
    source: sourceOf(file.candidate),
    requested: false,
    extras: [],
    direct: null,
  };
}
