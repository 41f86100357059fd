import { PipAccelError } from '../../core/errors.ts';
import type { Decided } from '../../core/types.ts';
import { type AnsweredPage, pagesOf, shortestLife } from '../../plan/cold/freshness.ts';
import { type Place, searchRules } from '../../plan/pinned/places.ts';
import { isClosurePinned } from '../../plan/request/closure.ts';
import { filesInMessages } from '../../plan/request/request.ts';
import { type Decision, forPipAlone, keyOf } from '../decide.ts';
import type { InstallJob } from '../job.ts';
import { areRepeatable, isForPipAlone } from './local-projects.ts';
import { localPaths } from '../../plan/request/local.ts';
import { keptLines, keptWarnings } from '../../report/cold/kept-lines.ts';
import { decidePinned } from './pinned.ts';
import { plan } from './plan.ts';
import { remember } from './remember.ts';

/** A refusal is transient where the network was to blame. */
export type NewDecision =
  | Exclude<Decision, { readonly outcome: 'refused' }>
  | { readonly outcome: 'refused'; readonly exitCode: number; readonly transient: boolean };

/** What was decided, and what was said on the way; null where nobody heard it. */
interface Answer {
  readonly decided: readonly Decided[];
  readonly lines: readonly string[] | null;
  readonly warnings: readonly string[] | null;
  readonly isFromStore?: boolean;
  readonly answered?: readonly AnsweredPage[];
}

/**
 * A decision that memory does not hold: taken here where every version is pinned, else by pip;
 * kept for the next time under its key.
 */
export async function decideAnew(job: InstallJob, key: string | null): Promise<NewDecision> {
  const time = Date.now();
  const pinned = hasDirect(job) ? null : await decidePinned(job);
  // What pip would warn of, it is asked about.
  if (pinned) return await keep(job, key, { ...pinned, warnings: [], time });
  if (job.context.settings.offline && !isWithinFolders(job)) throw nothingRemembered();
  if (hasDirect(job) && (await isForPipAlone(job))) return forPipAlone;
  // With it comes the gateway, which a decision without pip has no use for.
  const { askUntilProvided } = await import('./ask-again.ts');
  const answer = await askUntilProvided(job);
  return answer.outcome === 'decided' ? await keep(job, key, { ...answer, time }) : answer;
}

async function keep(
  job: InstallJob,
  key: string | null,
  {
    decided,
    lines,
    warnings,
    time,
    answered,
    isFromStore = false,
  }: Answer & { readonly time: number },
): Promise<NewDecision> {
  const planned = plan(job, decided);
  const pages = answered ? pagesOf(job, decided, answered) : null;
  const items = planned.items.map((item) => ({ decided: item.decided, spelling: item.spelling }));
  await remember(job, (await isToKeep(job, key, decided)) ? key : null, {
    format: 4,
    items,
    conflicts: planned.conflicts,
    lines: lines && keptLines(lines, localPaths(job.request)),
    warnings: warnings && keptWarnings(warnings),
    files: filesInMessages(job.request),
    pinned: isClosurePinned(job.request, decided, job.context.interpreter.markers),
    pages,
    freshSeconds: pages && answered ? shortestLife(answered) : 0,
    time,
  });
  return { outcome: 'planned', ...planned, remembered: null, isFromStore, confirm: null };
}

async function isToKeep(
  job: InstallJob,
  key: string | null,
  decided: readonly Decided[],
): Promise<boolean> {
  const isNamed = !hasDirect(job) && decided.every(({ direct }) => direct === null);
  if (key === null || !(isNamed || (await areRepeatable(job, decided)))) return false;
  // Somebody may have installed something, or edited a file, while this was decided.
  return keyOf({ ...job, ...job.readAgain() }) === key;
}

function hasDirect({ request }: InstallJob): boolean {
  return request.entries.some(({ kind }) => kind === 'direct');
}

/** With `--no-index` and folders alone pip, too, decides without a network. */
function isWithinFolders(job: InstallJob): boolean {
  if (hasDirect(job)) return false;
  const search = searchRules(job.request, job.options);
  return 'places' in search && search.places.every(isLocal);
}

function isLocal(place: Place): boolean {
  return 'path' in place || place.url.startsWith('file:');
}

function nothingRemembered(): PipAccelError {
  return new PipAccelError(
    'offline',
    'Nothing is remembered of this very request, and --offline forbids to ask the index',
    {
      hint: 'Run it once without --offline; requirements, options, Python and what is installed have to be the same then.',
    },
  );
}
