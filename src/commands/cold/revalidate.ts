import { setImmediate as nextLoop } from 'node:timers/promises';
import pLimit from 'p-limit';
import { errnoOf } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import { PipFields } from '../../gateway/cold/ahead/pip-fields.ts';
import type { NetworkOnDemand } from '../../obtain/cold/network-on-demand.ts';
import { collect, ProxyRefusal } from '../../obtain/cold/request.ts';
import type { ConsultedPage, RememberedDecision } from '../../plan/decisions.ts';
import { likelyIndexes, searchRules } from '../../plan/pinned/places.ts';
import { unlessAborted } from '../../process/cold/unless-aborted.ts';
import type { InstallJob } from '../job.ts';
import { networkOf } from './network.ts';
import { remember } from './remember.ts';

type Verdict = 'unchanged' | 'changed' | 'unreachable';

/**
 * Pages at a time: answers are short, so that it is round trips that count, of which a connection
 * takes two or three to open.
 */
const parallelRequests = 64;
/** Bytes; the largest pages of PyPI have some 30 million. */
const largestPage = 256 << 20;

/** What lines have asked, by the keys and times of their decisions. */
const asked = new WeakMap<InstallJob['options'], Map<string, Promise<Verdict>>>();

/**
 * Asks the indexes, all pages at a time and once for a line, whether those that a decision rests on
 * are as they were (RFC 9110, section 13). If so it counts as made now.
 *
 * @returns what waits for the answer, once the question is on its way; it throws what its signal
 *   is aborted with.
 */
export async function revalidate(
  job: InstallJob,
  key: string,
  decision: RememberedDecision & { readonly pages: readonly ConsultedPage[] },
): Promise<(signal: AbortSignal) => Promise<Verdict>> {
  const known = asked.get(job.options) ?? new Map<string, Promise<Verdict>>();
  asked.set(job.options, known);
  const question = `${key} ${decision.time}`;
  const verdict = known.get(question) ?? look(job, key, decision);
  known.set(question, verdict);
  // Who waits for it is told.
  verdict.catch(() => known.delete(question));
  // Else connections begin when this thread has nothing else to do.
  await nextLoop();
  return async (signal) => await unlessAborted(verdict, signal);
}

async function look(
  job: InstallJob,
  key: string,
  decision: RememberedDecision & { readonly pages: readonly ConsultedPage[] },
): Promise<Verdict> {
  const network = networkOf(job);
  const [first] = decision.pages;
  if (!network || !first) return 'unreachable';
  const time = Date.now();
  const index = new URL(first.url);
  const there = decision.pages.filter(({ url }) => new URL(url).origin === index.origin);
  network.expect(index, Math.min(there.length, parallelRequests));
  const verdict = await compare(job, network, decision.pages);
  if (verdict === 'unchanged') {
    job.afterwards.add(async () => await remember(job, key, { ...decision, time }));
  }
  return verdict;
}

async function compare(
  { context, options, request }: InstallJob,
  network: NetworkOnDemand,
  pages: readonly ConsultedPage[],
): Promise<Verdict> {
  const { interpreter, timings } = context;
  const indexes = likelyIndexes(searchRules(request, options));
  const fields = new PipFields(interpreter.pip?.version ?? '', indexes);
  const limit = pLimit(parallelRequests);
  const answers = pages.map(async (page) => {
    const isSame = await limit(async () => {
      const subject = { name: new URL(page.url).pathname.split('/').at(-2) ?? '', version: null };
      using _ = timings?.begin('index', subject);
      return await isUnchanged(page, { network, fields });
    });
    // The first that is not decides, and nobody waits for the others.
    if (!isSame) throw new Changed();
  });
  try {
    await Promise.all(answers);
    return 'unchanged';
  } catch (error) {
    // What a proxy has against it is for pip to hear.
    if (error instanceof Changed || error instanceof ProxyRefusal) return 'changed';
    if (errnoOf(error) === null) throw error;
    return 'unreachable';
  } finally {
    limit.clearQueue();
  }
}

class Changed extends Error {}

async function isUnchanged(
  { url, status, etag, lastModified, sha256: digest }: ConsultedPage,
  { network, fields }: { readonly network: NetworkOnDemand; readonly fields: PipFields },
): Promise<boolean> {
  const page = new URL(url);
  const answer = await network.ask(page, {
    ...(fields.ofPage(page) as Record<string, string>),
    ...(etag === null ? {} : { 'if-none-match': etag }),
    ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
  });
  const body = await collect(answer.body, largestPage);
  if (answer.status === 304) return status === 200;
  if (answer.status !== status) return false;
  const isSameVersion = etag !== null && answer.headers['etag'] === etag;
  return isSameVersion || sha256(body) === digest;
}
