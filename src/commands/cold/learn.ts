import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { PipAccelError } from '../../core/errors.ts';
import type { Decided, Version } from '../../core/types.ts';
import { fetchMetadata, fetchPage, type ListedPlace } from '../../obtain/cold/index/client.ts';
import type { NetworkOnDemand } from '../../obtain/cold/network-on-demand.ts';
import { likelyFile } from '../../plan/pinned/likely.ts';
import { sourceOf } from '../../plan/pinned/source.ts';
import type { PinnedQuestion } from '../../plan/pinned/request.ts';
import type { ChosenFile, Knowledge, PinnedAnswer, Questions } from '../../plan/pinned/resolve.ts';
import { formatVersion } from '../../python/pep440.ts';
import { findSource } from '../../store/sources.ts';
import { unlessAborted } from '../../process/cold/unless-aborted.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup } from '../sound-images.ts';
import { expectArchive, whenUnpacked } from './expect.ts';
import { interruptible } from './interruption.ts';
import { imageMetadata, knowledgeOf, type Learned, learnedFiles, pageName } from './known.ts';
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
  /** Lists folders once. */
  readonly knowledge: Knowledge;
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
  const knowledge = knowledgeOf(job, lesson.question.places, lesson.learned);
  const network = { ...lesson, knowledge, transport: networkOf(job), requests, underWay };
  let given = first;
  try {
    await interruptible(async (signal) => {
      // What nothing pins is for pip, which would ask for the same pages again.
      while (given.outcome === 'unknown' && !given.isOpen) {
        timings?.enter(null);
        begin(network, given.questions);
        await underWay.some(signal);
        // To decide keeps this thread busy; what comes just now is compiled meanwhile.
        if (underWay.isEmpty) await Promise.race([whenUnpacked(job), sleep(lull)]);
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

/** So many answers are worth another look at what they lead to, */
const fewAnswers = 128;

/** and any, when so many milliseconds brought no other. */
const lull = 20;

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

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Waits for a few answers, or all that come for now. @throws what one of them failed with */
  async some(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size === 0) throw new Error('what is asked has been answered');
    const enough = Math.max(0, this.#waiting.size - fewAnswers);
    await this.#another(signal);
    while (this.#waiting.size > enough && !this.#failure) {
      const hasCome = await Promise.race([this.#another(signal), sleep(lull, false)]);
      if (hasCome === false) break;
    }
    if (this.#failure) throw this.#failure.error;
  }

  async #another(signal: AbortSignal): Promise<void> {
    await unlessAborted(Promise.race(this.#waiting), signal);
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
  const { underWay } = network;
  for (const release of releases) {
    const { key, version } = release;
    underWay.begin(`${key} ${version}`, async () => {
      await learnRelease(network, release);
      // Not to wait for the other pages: what is large had better begin early.
      const file = likelyFile(network.question.request, network.knowledge, release);
      if (file && isLight(network, file)) beginLight(network, file);
      // Not before what was just asked for is on its way.
      await nextLoop();
      await rememberReleases(network, release);
    });
  }
  for (const file of files) if (isLight(network, file)) beginLight(network, file);
  const others = files.filter((file) => !isLight(network, file));
  const [first] = others;
  // Together, so that they are built side by side; once it is known which they are.
  if (first && releases.length === 0) {
    const { url } = first.candidate.file;
    underWay.begin(url, async () => await learnByObtaining(network, others));
  }
}

/** Whether metadata lies beside a file. */
function isLight({ transport }: Network, { candidate: { file, filename } }: ChosenFile): boolean {
  const isPromised = file.metadata !== null && file.hashes['sha256'] !== undefined;
  return isPromised && filename.endsWith('.whl') && transport !== null;
}

function beginLight(network: Network, file: ChosenFile): void {
  const { job, question, requests, underWay } = network;
  const isList = question.request.demands.length >= fewestPins;
  if (isList) expectArchive(job, provisional(file));
  underWay.begin(
    file.candidate.file.url,
    async () => await requests(async () => await learnMetadata(network, file)),
  );
}

type Release = Questions['releases'][number];

type Limit = ReturnType<typeof pLimit>;

/** Gets the pages that a release may have files on. */
async function learnRelease(
  { job, question, learned, requests, transport }: Network,
  { key }: Release,
): Promise<void> {
  const { pip } = question.request;
  await Promise.all(
    listedPlaces(question).map(async (place) => {
      const name = pageName(place.id, key);
      if (learned.pages.has(name)) return;
      const page = await requests(async () => {
        using _ = job.context.timings?.begin('index', { name: key, version: null });
        return await fetchPage(place, key, { pip, transport });
      });
      learned.pages.set(name, page);
    }),
  );
}

async function rememberReleases(
  { job, question, learned }: Lesson,
  { key, version }: Release,
): Promise<void> {
  const { pip } = question.request;
  // A local page is read each time.
  const remote = listedPlaces(question).filter(({ url }) => !url.startsWith('file:'));
  await Promise.all(
    remote.map(async ({ id }) => {
      const files = learnedFiles(learned, id, { key, version, pip }) ?? [];
      await rememberRelease(job.context.store, { place: id, key, version }, files);
    }),
  );
}

function listedPlaces({ places }: PinnedQuestion): readonly ListedPlace[] {
  return places.filter(
    (place): place is ListedPlace => place.kind === 'index' || place.kind === 'page',
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
