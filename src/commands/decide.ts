import { PipAccelError } from '../core/errors.ts';
import type { Decided, Interpreter } from '../core/types.ts';
import { isFresh, recallDecision, type RememberedDecision } from '../plan/decisions.ts';
import { readMetadata } from '../plan/installed.ts';
import { makePlan, type PlannedItem } from '../plan/plan.ts';
import { isClosurePinned } from '../plan/request/closure.ts';
import { requestKey } from '../plan/request/key.ts';
import { localPaths } from '../plan/request/local.ts';
import { filesInMessages } from '../plan/request/request.ts';
import { mentioned, requestedRoots } from '../plan/request/roots.ts';
import { atLeast, resolverOf } from '../python/pip.ts';
import { replayedLines } from '../report/install-lines.ts';
import type { InstallJob } from './job.ts';

export type Decision =
  | {
      readonly outcome: 'planned';
      readonly items: readonly PlannedItem[];
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
      if (key !== null) await rememberAnswer(job, key, { ...answer, time: limits.now });
      return { outcome: 'planned', items: plan(job, answer.decided), remembered: null };
    default:
      return answer satisfies never;
  }
}

function keyOf({ context, installedDigest, request }: InstallJob): string | null {
  const { interpreter, settings } = context;
  const { trustModTimes } = settings;
  return requestKey(request, { interpreter, installed: installedDigest, trustModTimes });
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
  { decided, lines, time }: Pick<RememberedDecision, 'decided' | 'lines' | 'time'>,
): Promise<void> {
  const { request } = job;
  if (hasDirect(job) || decided.some(({ direct }) => direct)) {
    const { areRepeatable } = await import('./cold/local-projects.ts');
    // A project may have been edited while pip looked at it.
    if (!(await areRepeatable(job, decided)) || keyOf(job) !== key) return;
  }
  const { remember } = await import('./cold/ask.ts');
  await remember(job, key, {
    format: 1,
    decided,
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

function recall(
  job: InstallJob,
  { decided, lines, files }: RememberedDecision,
  key: string | null,
): Decision {
  const isDirect = decided.length > 0 && decided.every(({ direct }) => direct !== null);
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
  return { outcome: 'planned', items: plan(job, decided), remembered: key };
}

function plan(job: InstallJob, decided: readonly Decided[]): readonly PlannedItem[] {
  // Else the metadata of all that is installed would be read.
  if (decided.length === 0) return [];
  const { context, installed, options, request } = job;
  return makePlan({
    decided,
    interpreter: context.interpreter,
    installed,
    metadataOf: ({ metadataPath }) => readMetadata(metadataPath),
    roots: requestedRoots(request, decided, context.interpreter),
    ignoreDependencies: options.flag('no-deps'),
    ignoreRequiresPython: options.flag('ignore-requires-python'),
    ignoreInstalled: options.flag('ignore-installed'),
    order: orderOf(context.interpreter),
    mentioned: mentioned(request, context.interpreter.markers),
  });
}

function orderOf(interpreter: Interpreter): 'pruning' | 'longest-path' | 'legacy' {
  if (resolverOf(interpreter) === 'legacy') return 'legacy';
  return atLeast(interpreter.pip?.version ?? '', 22, 0) ? 'pruning' : 'longest-path';
}
