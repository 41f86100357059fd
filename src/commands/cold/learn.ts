import pLimit from 'p-limit';
import { PipAccelError } from '../../core/errors.ts';
import type { Decided, NormalizedName, Version } from '../../core/types.ts';
import { fetchMetadata, fetchPage, type ListedPlace } from '../../obtain/cold/index/client.ts';
import type { NetworkOnDemand } from '../../obtain/cold/network-on-demand.ts';
import { sourceOf } from '../../plan/pinned/source.ts';
import type { PinnedQuestion } from '../../plan/pinned/request.ts';
import type { ChosenFile, PinnedAnswer, Questions } from '../../plan/pinned/resolve.ts';
import { formatVersion } from '../../python/pep440.ts';
import { findSource } from '../../store/sources.ts';
import { unlessAborted } from '../../process/cold/unless-aborted.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup } from '../sound-images.ts';
import { expectArchives } from './expect.ts';
import { interruptible } from './interruption.ts';
import { imageMetadata, type Learned, learnedFiles, pageName } from './known.ts';
import { obtain } from './obtain.ts';
import { hangUp, networkOf } from './network.ts';
import { rememberRelease } from './remember.ts';

/** Requests at a time: answers are short, so that it is round trips that count. */
const parallelRequests = 48;

/**
 * So many pins are a list of all that is to be installed. Of fewer, something that they require may
 * not be pinned, and what was fetched of them would be fetched again by whoever asks pip.
 */
const fewestPins = 5;

/** A pinned request that lacks something. */
export interface Lesson {
  readonly job: InstallJob;
  readonly question: PinnedQuestion;
  readonly learned: Learned;
}

type Network = Lesson & {
  readonly transport: NetworkOnDemand | null;
  readonly requests: Limit;
  readonly underWay: UnderWay;
};

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
  const { job } = lesson;
  const { timings } = job.context;
  const underWay = new UnderWay();
  const requests = pLimit(parallelRequests);
  const network = { ...lesson, transport: networkOf(job), requests, underWay };
  let given = first;
  try {
    await interruptible(async (signal) => {
      // What nothing pins is for pip, which would ask for the same pages again.
      while (given.outcome === 'unknown' && !given.isOpen) {
        timings?.enter(null);
        begin(network, given.questions);
        await underWay.some(signal);
        timings?.enter('decide');
        given = answer();
      }
    });
    return given;
  } catch (error) {
    if (!(error instanceof Error) || isStoreTrouble(error, job.context.store)) throw error;
    if (error instanceof PipAccelError && isFinal(error)) throw error;
    return null;
  } finally {
    timings?.enter('decide');
    if (given.outcome !== 'decided') await hangUp(job);
    await underWay.all();
  }
}

/** pip would build the same on the same system. */
function isFinal({ code }: PipAccelError): boolean {
  return code === 'interrupted' || code === 'system-packages-missing';
}

/** So many answers are worth another look at what they lead to. */
const fewAnswers = 32;

/** Questions that wait for their answers, each asked once. */
class UnderWay {
  readonly #asked = new Set<string>();
  readonly #waiting = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  begin(question: string, ask: () => Promise<void>): void {
    if (this.#asked.has(question)) return;
    this.#asked.add(question);
    const answer = this.#heard(ask).finally(() => this.#waiting.delete(answer));
    this.#waiting.add(answer);
  }

  /** Waits for a few answers, or the last ones. @throws what one of them failed with */
  async some(signal: AbortSignal): Promise<void> {
    const enough = this.#waiting.size - fewAnswers;
    if (this.#waiting.size === 0) throw new Error('what is asked has been answered');
    while (this.#waiting.size > Math.max(0, enough) && !this.#failure) {
      await unlessAborted(Promise.race(this.#waiting), signal);
    }
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits until nothing is asked any more. */
  async all(): Promise<void> {
    await Promise.all(this.#waiting);
  }

  async #heard(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      this.#failure ??= { error };
    }
  }
}

function begin(network: Network, { releases, files }: Questions): void {
  const { job, question, requests, transport, underWay } = network;
  for (const release of releases) {
    const { key, version } = release;
    underWay.begin(`${key} ${version}`, async () => await learnRelease(network, release));
  }
  const isLight = ({ candidate: { file, filename } }: ChosenFile) =>
    file.metadata !== null &&
    filename.endsWith('.whl') &&
    file.hashes['sha256'] !== undefined &&
    transport !== null;
  const light = files.filter(isLight);
  const isList = question.request.demands.length >= fewestPins;
  if (isList && transport !== null) expectArchives(job, light.map(provisional));
  for (const file of light) {
    const asked = async () => await requests(async () => await learnMetadata(network, file));
    underWay.begin(file.candidate.file.url, asked);
  }
  const others = files.filter((file) => !isLight(file));
  const [first] = others;
  // Together, so that they are built side by side; once it is known which they are.
  if (first && releases.length === 0) {
    const { url } = first.candidate.file;
    underWay.begin(url, async () => await learnByObtaining(network, others));
  }
}

type Limit = ReturnType<typeof pLimit>;

async function learnRelease(
  { job, question, learned, requests, transport }: Network,
  { key, version }: { readonly key: NormalizedName; readonly version: string },
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
        return await fetchPage(place, key, { pip, transport });
      };
      learned.pages.set(name, known ?? (await requests(fetched)));
      // A local page is read each time.
      if (place.url.startsWith('file:')) return;
      const release = learnedFiles(learned, place.id, { key, version, pip }) ?? [];
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
