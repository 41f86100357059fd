import {
  type ConsultedPage,
  isFresh,
  recallDecision,
  type RememberedDecision,
} from '../plan/decisions.ts';
import type { PlannedItem } from '../plan/plan.ts';
import { requestKey } from '../plan/request/key.ts';
import { filesInMessages } from '../plan/request/request.ts';
import { replayedLines, satisfiedNames } from '../report/install-lines.ts';
import type { InstallJob } from './job.ts';

export type Decision =
  | {
      readonly outcome: 'planned';
      readonly items: readonly PlannedItem[];
      /** What pip warns of when they are installed; null where all is well. */
      readonly conflicts: string | null;
      /** The key of the request, where the answer comes from memory. */
      readonly remembered: string | null;
      /** It rests on memory, which an index could contradict by now. */
      readonly isFromStore: boolean;
      /** null where nothing is open, and all is said. */
      readonly confirm: Confirm | null;
    }
  /** pip has said why. */
  | { readonly outcome: 'refused'; readonly exitCode: number }
  | { readonly outcome: 'hand-over'; readonly reason: string };

/**
 * Waits for what the indexes say of a remembered decision that is out of date, and says what pip
 * said of it; false where they have changed.
 *
 * @throws what the signal is aborted with.
 */
export type Confirm = (signal: AbortSignal) => Promise<boolean>;

/**
 * What is to be installed, in order: remembered where that holds, else decided now.
 *
 * @param isAhead takes a remembered decision that is still to be confirmed, too.
 */
export async function decide(job: InstallJob, isAhead: boolean): Promise<Decision> {
  const { settings, timings } = job.context;
  timings?.enter('decide');
  const key = keyOf(job);
  const found = key === null ? null : recallTrue(job, key);
  const remembered = found && (settings.offline || canBeSaid(job, found)) ? found : null;
  // Who upgrades wants to know what there is now.
  const maxAgeSeconds = job.options.flag('upgrade') ? 0 : settings.indexMaxAge;
  const limits = { now: Date.now(), maxAgeSeconds };
  if (remembered && (settings.offline || isFresh(remembered, limits))) {
    return recall(job, remembered, key);
  }
  if (remembered?.pages && key !== null) {
    const plan = planOf(job, remembered, key);
    if (plan.outcome !== 'planned') return plan;
    const confirm = await confirmation(job, key, { ...remembered, pages: remembered.pages });
    if (isAhead) return { ...plan, confirm };
    if (await isConfirmed(job, confirm)) return plan;
    // pip has connections of its own, and some servers take one at a time.
    const { hangUp } = await import('./cold/network.ts');
    await hangUp(job);
  }
  const { decideAnew } = await import('./cold/decide-anew.ts');
  const decision = await decideAnew(job, key);
  if (decision.outcome !== 'refused' || !decision.transient || !found) return decision;
  job.reporter.warning(outOfReach);
  return recall(job, found, key);
}

/** Begins to ask the indexes, which goes on beside other work. */
async function confirmation(
  job: InstallJob,
  key: string,
  remembered: RememberedDecision & { readonly pages: readonly ConsultedPage[] },
): Promise<Confirm> {
  const { timings } = job.context;
  timings?.enter('prepare');
  const { revalidate } = await import('./cold/revalidate.ts');
  const verdict = await revalidate(job, key, remembered);
  timings?.enter('decide');
  return async (signal) => {
    const found = await verdict(signal);
    if (found === 'changed') return false;
    if (found === 'unreachable') job.reporter.warning(outOfReach);
    say(job, remembered);
    return true;
  };
}

/** Waits with nothing else to do. */
export async function isConfirmed(job: InstallJob, confirm: Confirm): Promise<boolean> {
  const { timings } = job.context;
  timings?.enter(null);
  const { interruptible } = await import('./cold/interruption.ts');
  const answer = await interruptible(confirm);
  timings?.enter('decide');
  return answer;
}

/** Whether what pip would say now was heard when it decided. */
function canBeSaid({ options }: InstallJob, { lines, warnings }: RememberedDecision): boolean {
  if (options.quiet === 0) return lines !== null && warnings !== null;
  return options.quiet > 1 || warnings !== null;
}

const outOfReach = 'the index cannot be reached; going on with the decision of an earlier run';

/** The decision on a job, unless it rests on something that is not there. */
function recallTrue({ context, installed }: InstallJob, key: string): RememberedDecision | null {
  const decision = recallDecision(context.store, key);
  const satisfied = satisfiedNames(decision?.lines ?? []);
  return satisfied.every((name) => installed.has(name)) ? decision : null;
}

/** The name under which the decision on a job is remembered; null where none can be. */
export function keyOf({ build, context, installedDigest, request }: InstallJob): string | null {
  const { interpreter, settings } = context;
  const { trustModTimes } = settings;
  const buildConstraints = build?.constraints ?? [];
  const installed = installedDigest;
  return requestKey(request, { interpreter, installed, trustModTimes, buildConstraints });
}

export const forPipAlone: Extract<Decision, { readonly outcome: 'hand-over' }> = {
  outcome: 'hand-over',
  reason: 'nothing to link beside what pip installs itself',
};

function recall(job: InstallJob, decision: RememberedDecision, key: string | null): Decision {
  const plan = planOf(job, decision, key);
  if (plan.outcome === 'planned') say(job, decision);
  return plan;
}

/** Says what pip said when it decided. */
function say(job: InstallJob, { lines, warnings, files }: RememberedDecision): void {
  const { quiet } = job.options;
  const said = quiet > 0 ? [] : replayedLines(lines ?? [], job.installed);
  if (said.length > 0) {
    const line = withFiles(said.join('\n'), files, filesInMessages(job.request));
    job.reporter.emit({ type: 'pip-line', stream: 'stdout', line, end: '\n' });
  }
  for (const line of quiet > 1 ? [] : (warnings ?? [])) {
    job.reporter.emit({ type: 'pip-line', stream: 'stderr', line, end: '\n' });
  }
}

function planOf(
  job: InstallJob,
  { items, conflicts }: RememberedDecision,
  key: string | null,
): Decision {
  const isDirect = items.length > 0 && items.every(({ decided }) => decided.direct !== null);
  if (isDirect && !job.context.settings.offline) return forPipAlone;
  const isBeside = job.options.flag('ignore-installed');
  return {
    outcome: 'planned',
    items: items.map((item) => ({
      ...item,
      replaces: isBeside ? null : (job.installed.get(item.decided.key) ?? null),
    })),
    conflicts,
    remembered: key,
    isFromStore: true,
    confirm: null,
  };
}

/** A text of pip's lines with requirement files as they are called now. */
function withFiles(text: string, before: readonly string[], now: readonly string[]): string {
  return before.reduce((renamed, file, index) => {
    const name = now[index] ?? file;
    return name === file ? renamed : renamed.replaceAll(`-r ${file} (`, `-r ${name} (`);
  }, text);
}
