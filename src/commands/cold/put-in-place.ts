import { hasErrno, PipAccelError } from '../../core/errors.ts';
import { expectLinking } from '../../install/crew.ts';
import { install, type InstallStep } from '../../install/install.ts';
import { planRemoval } from '../../install/uninstall.ts';
import { readMetadata } from '../../plan/installed.ts';
import type { PlannedItem } from '../../plan/plan.ts';
import { installingLine, uninstallLines } from '../../report/install-lines.ts';
import { isThere } from '../../store/images.ts';
import type { Change, Refutation } from '../change-environment.ts';
import type { Confirm } from '../decide.ts';
import type { InstallJob } from '../job.ts';
import { interruptible } from './interruption.ts';

export { expectLinking };

/**
 * Milliseconds that the answers of indexes are waited for when all is linked, or as long as that
 * took: then others get at the environment, which is as it was, until they are there.
 */
const patience = 1000;

/** Under the lock. @returns the exit code of what ended otherwise. */
export async function putInPlace(
  job: InstallJob,
  change: Change,
): Promise<'in place' | number | Refutation> {
  const { items, images, confirm } = change;
  const { reporter, options, context } = job;
  const steps: InstallStep[] = [];
  for (const { decided, replaces, spelling } of items) {
    const image = images.get(decided.key);
    if (!image) continue;
    const removal = replaces && planRemoval(replaces, context.interpreter);
    // What has no RECORD, or lies outside the environment.
    if (replaces && !removal?.paths.size) {
      return await job.handOver(`${spelling} is for pip to replace`);
    }
    const { requested } = decided;
    steps.push({ image, requested, replaces: removal, directUrl: null, spelling });
  }
  const isMixed = items.some(({ decided }) => decided.direct !== null);
  const changed: string[] = [];
  const beforeCommit = async () => {
    changed.push(...(await installDirect(job, change)));
    if (changed.length > 0) throw new PipAccelError('install-failed', changed.join(', '));
  };
  const refuted = new PipAccelError('install-failed', 'the indexes have changed');
  const started = performance.now();
  const beforePublish = async (confirmed: Confirm, signal: AbortSignal) => {
    context.timings?.enter(null);
    const milliseconds = Math.max(patience, Math.ceil(performance.now() - started));
    if (!(await inTime(confirmed, signal, milliseconds))) throw refuted;
    announce(job, items);
  };
  try {
    const { warnings, fallbacks, leftovers } = await interruptible(async (signal) => {
      // pip builds before it says what it installs.
      if (!isMixed && confirm === null) announce(job, items);
      return await install(steps, context.interpreter, {
        compile: options.compile,
        linkMode: context.settings.linkMode,
        path: job.environment['PATH'] ?? '',
        signal,
        timings: context.timings,
        ...(confirm ? { beforePublish: async () => await beforePublish(confirm, signal) } : {}),
        ...(isMixed ? { beforeCommit } : {}),
      });
    });
    for (const reason of fallbacks) reporter.emit({ type: 'copied', reason });
    for (const folder of leftovers) reporter.warning(`${folder} could not be removed`);
    if (options.warnScriptLocation) for (const text of warnings) reporter.pipWarning(text);
    return 'in place';
  } catch (error) {
    if (!(error instanceof PipAccelError)) throw error;
    // Another one where not all could be put back.
    if (error === refuted) return 'unconfirmed';
    if (changed.length > 0) return await job.handOver('metadata other than remembered');
    if (await isImageAtFault(error, steps, job)) return 'image gone';
    reporter.error(error.message, error.hint);
    return error.exitCode;
  }
}

async function inTime(
  confirm: Confirm,
  signal: AbortSignal,
  milliseconds: number,
): Promise<boolean> {
  const late = AbortSignal.timeout(milliseconds);
  try {
    return await confirm(AbortSignal.any([signal, late]));
  } catch (error) {
    if (error !== late.reason || signal.aborted) throw error;
    return false;
  }
}

/** Whether an image lacks what its lists name; it is then taken away, to be made again. */
async function isImageAtFault(
  error: PipAccelError,
  steps: readonly InstallStep[],
  { context, reporter }: InstallJob,
): Promise<boolean> {
  if (!hasErrno(error.cause, 'ENOENT')) return false;
  const images = steps.map(({ image }) => image);
  if (images.some((image) => !isThere(image))) return true;
  const { removeDamaged } = await import('../../store/cold/check-images.ts');
  return (await removeDamaged(context.store, images, reporter.emit)).size > 0;
}

/** The names of the projects that are not what the decision took them for. */
async function installDirect(
  job: InstallJob,
  { items, remembered }: Change,
): Promise<readonly string[]> {
  const cold = await import('./direct.ts');
  const direct = items.filter(({ decided }) => decided.direct !== null);
  await cold.installDirect(job, direct, () => announce(job, items));
  await cold.markDependencies(job, direct);
  return remembered === null ? [] : await cold.forgetIfChanged(job, direct, remembered);
}

function announce({ reporter }: InstallJob, items: readonly PlannedItem[]): void {
  reporter.info(installingLine(items));
  for (const item of items) {
    if (item.decided.direct || !item.replaces) continue;
    const replaced = readMetadata(item.replaces.metadataPath);
    for (const text of uninstallLines(item, replaced)) reporter.info(text);
  }
}
