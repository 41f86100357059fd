import { PipAccelError } from '../core/errors.ts';
import type { InstalledDistribution, NormalizedName } from '../core/types.ts';
import { install as putInPlace } from '../install/install.ts';
import { conflictMessage } from '../plan/conflicts.ts';
import { firstByName, readInstalled, readMetadata } from '../plan/installed.ts';
import type { PlannedItem } from '../plan/plan.ts';
import { installedLine, installingLine, uninstallLines } from '../report/install-lines.ts';
import type { Image } from '../store/images.ts';
import type { InstallJob } from './job.ts';

/** Puts what was obtained in place, and says what pip says; tells the exit code. */
export async function changeEnvironment(
  job: InstallJob,
  items: readonly PlannedItem[],
  images: ReadonlyMap<NormalizedName, Image>,
): Promise<number> {
  const { reporter, options, context } = job;
  if (items.length > 0) {
    const steps = items.flatMap(({ decided, replaces, spelling }) => {
      const image = images.get(decided.key);
      return image
        ? [{ image, requested: decided.requested, replaces, directUrl: null, spelling }]
        : [];
    });
    const direct = items.filter(({ decided }) => decided.direct);
    // pip builds before it says what it installs.
    if (direct.length === 0) announce(job, items);
    try {
      const { warnings, leftovers } = await putInPlace(steps, context.interpreter, {
        compile: options.compile,
        linkMode: context.settings.linkMode,
        path: job.environment['PATH'] ?? '',
        ...(direct.length > 0 ? { beforeCommit: () => installDirect(job, direct, items) } : {}),
      });
      for (const folder of leftovers) reporter.warning(`${folder} could not be removed`);
      if (options.warnScriptLocation) for (const text of warnings) reporter.pipWarning(text);
    } catch (error) {
      if (!(error instanceof PipAccelError)) throw error;
      reporter.error(error.message, error.hint);
      return error.exitCode;
    }
    warnOfConflicts(job, items);
    const found = options.flag('ignore-installed')
      ? firstByName(await readInstalled(context.interpreter))
      : new Map<NormalizedName, InstalledDistribution>();
    reporter.info(installedLine(items, found));
  }
  const linked = items.filter(({ decided }) => !decided.direct).length;
  reporter.emit({ type: 'installed', linked, direct: items.length - linked });
  const { rootWarning, isVirtualEnvironment } = context.interpreter;
  if (rootWarning && !isVirtualEnvironment && options.warnRoot && process.getuid?.() === 0) {
    reporter.pipWarning(rootWarning);
  }
  return 0;
}

async function installDirect(
  job: InstallJob,
  direct: readonly PlannedItem[],
  items: readonly PlannedItem[],
): Promise<void> {
  const cold = await import('./cold/direct.ts');
  await cold.installDirect(job, direct, () => announce(job, items));
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
