import { PipAccelError } from '../core/errors.ts';
import type { InstalledDistribution, NormalizedName } from '../core/types.ts';
import { install } from '../install/install.ts';
import { conflictMessage } from '../plan/conflicts.ts';
import { firstByName, readInstalled, readMetadata } from '../plan/installed.ts';
import type { PlannedItem } from '../plan/plan.ts';
import { installedLine, installingLine, uninstallLines } from '../report/install-lines.ts';
import type { Image } from '../store/images.ts';
import type { InstallJob } from './job.ts';

/** What was decided, and what there is of it. */
export interface Change {
  readonly items: readonly PlannedItem[];
  readonly images: ReadonlyMap<NormalizedName, Image>;
  /** The key of the request, where the decision comes from memory. */
  readonly remembered: string | null;
}

/** Puts what was obtained in place, and says what pip says; tells the exit code. */
export async function changeEnvironment(job: InstallJob, change: Change): Promise<number> {
  const { items } = change;
  const { reporter, options, context } = job;
  if (items.length > 0) {
    const outcome = await putInPlace(job, change);
    if (outcome !== null) return outcome;
    warnOfConflicts(job, items);
    const found = options.flag('ignore-installed')
      ? firstByName(readInstalled(context.interpreter))
      : new Map<NormalizedName, InstalledDistribution>();
    reporter.info(installedLine(items, found));
  }
  if (items.length === 0) await job.keepInstalled();
  const linked = items.filter(({ decided }) => !decided.direct).length;
  reporter.emit({ type: 'installed', linked, direct: items.length - linked });
  const { rootWarning, isVirtualEnvironment } = context.interpreter;
  if (rootWarning && !isVirtualEnvironment && options.warnRoot && process.getuid?.() === 0) {
    reporter.pipWarning(rootWarning);
  }
  return 0;
}

/** The exit code of what ended otherwise; null where all is in place. */
async function putInPlace(job: InstallJob, change: Change): Promise<number | null> {
  const { items, images } = change;
  const { reporter, options, context } = job;
  const steps = items.flatMap(({ decided, replaces, spelling }) => {
    const image = images.get(decided.key);
    return image
      ? [{ image, requested: decided.requested, replaces, directUrl: null, spelling }]
      : [];
  });
  const isMixed = items.some(({ decided }) => decided.direct !== null);
  // pip builds before it says what it installs.
  if (!isMixed) announce(job, items);
  const changed: string[] = [];
  const beforeCommit = async () => {
    changed.push(...(await installDirect(job, change)));
    if (changed.length > 0) throw new PipAccelError('install-failed', changed.join(', '));
  };
  try {
    const { warnings, leftovers } = await install(steps, context.interpreter, {
      compile: options.compile,
      linkMode: context.settings.linkMode,
      path: job.environment['PATH'] ?? '',
      ...(isMixed ? { beforeCommit } : {}),
    });
    for (const folder of leftovers) reporter.warning(`${folder} could not be removed`);
    if (options.warnScriptLocation) for (const text of warnings) reporter.pipWarning(text);
    return null;
  } catch (error) {
    if (!(error instanceof PipAccelError)) throw error;
    if (changed.length > 0) return await job.handOver('metadata other than remembered');
    reporter.error(error.message, error.hint);
    return error.exitCode;
  }
}

/** The names of the projects that are not what the decision took them for. */
async function installDirect(
  job: InstallJob,
  { items, remembered }: Change,
): Promise<readonly string[]> {
  const cold = await import('./cold/direct.ts');
  const direct = items.filter(({ decided }) => decided.direct !== null);
  await cold.installDirect(job, direct, () => announce(job, items));
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

function warnOfConflicts(job: InstallJob, items: readonly PlannedItem[]): void {
  if (!job.options.warnConflicts || job.options.flag('no-deps')) return;
  const packages = new Map(
    [...job.installed].flatMap(([key, distribution]) => {
      const metadata = readMetadata(distribution.metadataPath);
      return metadata ? [[key, metadata] as const] : [];
    }),
  );
  for (const { decided } of items) packages.set(decided.key, decided.metadata);
  const changed = new Set(items.map(({ decided }) => decided.key));
  const message = conflictMessage(packages, changed, job.context.interpreter.markers);
  if (message) job.reporter.pipError(message);
}
