import { PipAccelError } from '../core/errors.ts';
import type { Decided, Interpreter } from '../core/types.ts';
import { isFresh, recallDecision, type RememberedDecision } from '../plan/decisions.ts';
import { readMetadata } from '../plan/installed.ts';
import { makePlan, type PlannedItem } from '../plan/plan.ts';
import {
  isClosurePinned,
  mentioned,
  requestedRoots,
  requestKey,
  filesInMessages,
} from '../plan/request.ts';
import { atLeast, resolverOf } from '../python/pip.ts';
import { replayedLines } from '../report/install-lines.ts';
import type { InstallJob } from './job.ts';
import { decidePinned } from './pinned.ts';

export type Decision =
  | { readonly outcome: 'planned'; readonly items: readonly PlannedItem[] }
  /** pip has said why. */
  | { readonly outcome: 'refused'; readonly exitCode: number }
  | { readonly outcome: 'hand-over'; readonly reason: string };

/** What is to be installed, in order: remembered where that holds, else as pip decides now. */
export async function decide(job: InstallJob): Promise<Decision> {
  const { context, installed, request } = job;
  const { settings, store } = context;
  const key = requestKey(request, context.interpreter, installed.values());
  const isQuiet = job.options.quiet > 0;
  const found = key === null ? null : recallDecision(store, key);
  // What nobody heard cannot be said again.
  const remembered = found?.lines || isQuiet || settings.offline ? found : null;
  // Who upgrades wants to know what there is now.
  const maxAgeSeconds = job.options.flag('upgrade') ? 0 : settings.indexMaxAge;
  const limits = { now: Date.now(), maxAgeSeconds };
  if (remembered && (settings.offline || isFresh(remembered, limits)))
    return recall(job, remembered);
  const pinned = await pinnedDecision(job);
  if (pinned)
    return { outcome: 'planned', items: await keep(job, key, { ...pinned, said: limits.now }) };
  if (settings.offline) throw nothingRemembered();
  const { ask } = await import('./cold/ask.ts');
  const answer = await ask(job);
  switch (answer.outcome) {
    case 'refused':
      if (!found || !answer.transient) return answer;
      job.reporter.warning(
        'the index cannot be reached; going on with the decision of an earlier run',
      );
      return recall(job, found);
    case 'hand-over':
      return answer;
    case 'decided':
      return {
        outcome: 'planned',
        items: await keep(job, key, { ...answer, said: limits.now }),
      };
    default:
      return answer satisfies never;
  }
}

/** What is decided here: every version is pinned, and consistent; null where pip has to decide. */
async function pinnedDecision(
  job: InstallJob,
): Promise<{ readonly decided: readonly Decided[]; readonly lines: readonly string[] } | null> {
  const { question, learned, answer: known } = decidePinned(job);
  let answer = known;
  if (question && known.outcome === 'unknown' && !known.isOpen) {
    const { learn } = await import('./cold/learn.ts');
    answer = await learn(job, question, learned);
  }
  if (answer.outcome !== 'decided') return null;
  if (job.options.quiet === 0) {
    for (const line of answer.lines) {
      job.reporter.emit({ type: 'pip-line', stream: 'stdout', line, end: '\n' });
    }
  }
  return answer;
}

/** Keeps a new decision for the next time, and makes the plan of it. */
async function keep(
  job: InstallJob,
  key: string | null,
  answer: {
    readonly decided: readonly Decided[];
    readonly lines: readonly string[] | null;
    readonly said: number;
  },
): Promise<readonly PlannedItem[]> {
  const { decided, lines, said } = answer;
  const { request } = job;
  if (decided.every(({ direct }) => direct === null)) {
    const { remember } = await import('./cold/remember.ts');
    await remember(job, key, {
      format: 1,
      decided,
      lines,
      files: filesInMessages(request),
      pinned: isClosurePinned(request, decided, job.context.interpreter.markers),
      time: said,
    });
  }
  return plan(job, decided);
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

function recall(job: InstallJob, { decided, lines, files }: RememberedDecision): Decision {
  const now = filesInMessages(job.request);
  const renamed = (line: string) =>
    files.reduce(
      (text, file, index) => text.replaceAll(`-r ${file} (`, `-r ${now[index] ?? file} (`),
      line,
    );
  const installed = [...job.installed.values()];
  for (const line of job.options.quiet > 0 ? [] : replayedLines(lines ?? [], installed)) {
    job.reporter.emit({ type: 'pip-line', stream: 'stdout', line: renamed(line), end: '\n' });
  }
  return { outcome: 'planned', items: plan(job, decided) };
}

function plan(job: InstallJob, decided: readonly Decided[]): readonly PlannedItem[] {
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
