import { PipAccelError } from '../core/errors.ts';
import type { Decided } from '../core/types.ts';
import { isFresh, recallDecision, type RememberedDecision } from '../plan/decisions.ts';
import type { PlannedItem } from '../plan/plan.ts';
import { isClosurePinned } from '../plan/request/closure.ts';
import { requestKey } from '../plan/request/key.ts';
import { localPaths } from '../plan/request/local.ts';
import { filesInMessages } from '../plan/request/request.ts';
import { replayedLines } from '../report/install-lines.ts';
import type { InstallJob } from './job.ts';

export type Decision =
  | {
      readonly outcome: 'planned';
      readonly items: readonly PlannedItem[];
      /** What pip warns of when they are installed; null where all is well. */
      readonly conflicts: string | null;
      /** The key of the request, where the answer comes from memory. */
      readonly remembered: string | null;
    }
  /** pip has said why. */
  | { readonly outcome: 'refused'; readonly exitCode: number }
  | { readonly outcome: 'hand-over'; readonly reason: string };

/** What is to be installed, in order: remembered where that holds, else as pip decides now. */
export async function decide(job: InstallJob): Promise<Decision> {
  const { settings, store } = job.context;
  const key = keyOf(job);
  const isQuiet = job.options.quiet > 0;
  const found = key === null ? null : recallDecision(store, key);
  // What nobody heard cannot be said again.
  const remembered = found?.lines || isQuiet || settings.offline ? found : null;
  // Who upgrades wants to know what there is now.
  const maxAgeSeconds = job.options.flag('upgrade') ? 0 : settings.indexMaxAge;
  const limits = { now: Date.now(), maxAgeSeconds };
  if (remembered && (settings.offline || isFresh(remembered, limits))) {
    return recall(job, remembered, key);
  }
  const pinned = hasDirect(job) ? null : await (await import('./cold/pinned.ts')).decidePinned(job);
  if (pinned) return await newDecision(job, key, { ...pinned, time: limits.now });
  if (settings.offline) throw nothingRemembered();
  if (hasDirect(job)) {
    const { isForPipAlone } = await import('./cold/local-projects.ts');
    if (await isForPipAlone(job)) return forPipAlone;
  }
  const { ask } = await import('./cold/ask.ts');
  const answer = await ask(job);
  switch (answer.outcome) {
    case 'refused':
      if (!found || !answer.transient) return answer;
      job.reporter.warning(
        'the index cannot be reached; going on with the decision of an earlier run',
      );
      return recall(job, found, key);
    case 'hand-over':
      return answer;
    case 'decided':
      return await newDecision(job, key, { ...answer, time: limits.now });
    default:
      return answer satisfies never;
  }
}

async function newDecision(
  job: InstallJob,
  key: string | null,
  answer: Pick<RememberedDecision, 'lines' | 'time'> & { readonly decided: readonly Decided[] },
): Promise<Decision> {
  const { plan } = await import('./cold/plan.ts');
  const planned = plan(job, answer.decided);
  if (key !== null) await rememberAnswer(job, key, { ...answer, ...planned });
  return { outcome: 'planned', ...planned, remembered: null };
}

function keyOf({ context, installed, request }: InstallJob): string | null {
  const { interpreter, settings } = context;
  const { trustModTimes } = settings;
  return requestKey(request, { interpreter, installed: installed.values(), trustModTimes });
}

const forPipAlone: Decision = {
  outcome: 'hand-over',
  reason: 'nothing to link beside what pip installs itself',
};

function hasDirect({ request }: InstallJob): boolean {
  return request.entries.some(({ kind }) => kind === 'direct');
}

async function rememberAnswer(
  job: InstallJob,
  key: string,
  answer: Pick<RememberedDecision, 'lines' | 'conflicts' | 'time'> & {
    readonly items: readonly PlannedItem[];
  },
): Promise<void> {
  const { request } = job;
  const { items, lines, conflicts, time } = answer;
  const decided = items.map((item) => item.decided);
  if (hasDirect(job) || decided.some(({ direct }) => direct)) {
    const { areRepeatable } = await import('./cold/local-projects.ts');
    // A project may have been edited while pip looked at it.
    if (!(await areRepeatable(job, decided)) || keyOf(job) !== key) return;
  }
  const { remember } = await import('./cold/remember.ts');
  await remember(job, key, {
    format: 2,
    items: items.map((item) => ({ decided: item.decided, spelling: item.spelling })),
    conflicts,
    lines,
    files: filesInMessages(request),
    pinned: isClosurePinned(request, decided, job.context.interpreter.markers),
    time,
  });
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

function recall(job: InstallJob, decision: RememberedDecision, key: string | null): Decision {
  const { items, conflicts, lines, files } = decision;
  const isDirect = items.length > 0 && items.every(({ decided }) => decided.direct !== null);
  if (isDirect && !job.context.settings.offline) return forPipAlone;
  const now = filesInMessages(job.request);
  const renamed = (line: string) =>
    files.reduce(
      (text, file, index) => text.replaceAll(`-r ${file} (`, `-r ${now[index] ?? file} (`),
      line,
    );
  const place = { installed: job.installed.values(), direct: localPaths(job.request) };
  for (const line of job.options.quiet > 0 ? [] : replayedLines(lines ?? [], place)) {
    job.reporter.emit({ type: 'pip-line', stream: 'stdout', line: renamed(line), end: '\n' });
  }
  const isBeside = job.options.flag('ignore-installed');
  return {
    outcome: 'planned',
    items: items.map((item) => ({
      ...item,
      replaces: isBeside ? null : (job.installed.get(item.decided.key) ?? null),
    })),
    conflicts,
    remembered: key,
  };
}
