import pLimit from 'p-limit';
import { PipFields } from '../../gateway/cold/ahead/pip-fields.ts';
import { errnoOf } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import { collect } from '../../obtain/cold/request.ts';
import { openTransport, type Transport } from '../../obtain/cold/transport.ts';
import type { ConsultedPage, RememberedDecision } from '../../plan/decisions.ts';
import { likelyIndexes, searchRules } from '../../plan/pinned/places.ts';
import type { InstallJob } from '../job.ts';
import { remember } from './remember.ts';

type Verdict = 'unchanged' | 'changed' | 'unreachable';

/**
 * Pages at a time: answers are short, so that it is round trips that count, of which a connection
 * takes two or three to open.
 */
const parallelRequests = 64;
/** Bytes; the largest pages of PyPI have some 30 million. */
const largestPage = 256 << 20;

/**
 * Asks the indexes, all pages at a time, whether those that a decision rests on are as they were
 * (RFC 9110, section 13). If so it counts as made now.
 */
export async function revalidate(
  job: InstallJob,
  key: string,
  decision: RememberedDecision & { readonly pages: readonly ConsultedPage[] },
): Promise<Verdict> {
  const time = Date.now();
  const verdict = await look(job, decision.pages);
  if (verdict === 'unchanged') await remember(job, key, { ...decision, time });
  return verdict;
}

async function look(job: InstallJob, pages: readonly ConsultedPage[]): Promise<Verdict> {
  const { context, environment, options, request } = job;
  const { timings } = context;
  timings?.enter('prepare');
  const fields = new PipFields(
    context.interpreter.pip?.version ?? '',
    likelyIndexes(searchRules(request, options)),
  );
  const transport = await openTransport(options, environment);
  const limit = pLimit(parallelRequests);
  timings?.enter(null);
  try {
    const answers = pages.map(async (page) => {
      const isSame = await limit(async () => {
        const subject = { name: new URL(page.url).pathname.split('/').at(-2) ?? '', version: null };
        using _ = timings?.begin('index', subject);
        return await isUnchanged(page, { transport, fields });
      });
      // The first that is not decides, and nobody waits for the others.
      if (!isSame) throw new Changed();
    });
    // What comes next is loaded meanwhile.
    await Promise.all([...answers, import('./put-in-place.ts')]);
    return 'unchanged';
  } catch (error) {
    if (error instanceof Changed) return 'changed';
    if (errnoOf(error) === null) throw error;
    return 'unreachable';
  } finally {
    timings?.enter('finish');
    limit.clearQueue();
    await transport.close();
  }
}

class Changed extends Error {}

async function isUnchanged(
  { url, status, etag, lastModified, sha256: digest }: ConsultedPage,
  { transport, fields }: { readonly transport: Transport; readonly fields: PipFields },
): Promise<boolean> {
  const page = new URL(url);
  const answer = await transport.ask(page, {
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
