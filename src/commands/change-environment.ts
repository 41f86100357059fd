import type { InstalledDistribution, NormalizedName } from '../core/types.ts';
import { firstByName, readInstalled } from '../plan/installed.ts';
import type { PlannedItem } from '../plan/plan.ts';
import { installedLine } from '../report/install-lines.ts';
import type { Image } from '../store/images.ts';
import type { Confirm } from './decide.ts';
import type { InstallJob } from './job.ts';
import { warnAsRoot } from './root-warning.ts';

/** What was decided, and what there is of it. */
export interface Change {
  readonly items: readonly PlannedItem[];
  /** What pip warns of when they are in place; null where all is well. */
  readonly conflicts: string | null;
  readonly images: ReadonlyMap<NormalizedName, Image>;
  /** The key of the request, where the decision comes from memory. */
  readonly remembered: string | null;
  /** null where nothing is open. */
  readonly confirm: Confirm | null;
}

/** Why a change that was decided on is decided anew. */
export type Refutation =
  /** An image is gone that was there then. */
  | 'image gone'
  /** The indexes have changed, or take their time to say so. */
  | 'unconfirmed';

/** Puts what was obtained in place, and says what pip says; tells the exit code. */
export async function changeEnvironment(
  job: InstallJob,
  change: Change,
): Promise<number | Refutation> {
  const { items } = change;
  const { reporter, options, context } = job;
  const { putInPlace } = await import('./cold/put-in-place.ts');
  const outcome = await putInPlace(job, change);
  if (outcome !== 'in place') return outcome;
  context.timings?.enter('finish');
  if (change.conflicts !== null && options.warnConflicts) reporter.pipError(change.conflicts);
  const found = options.flag('ignore-installed')
    ? firstByName(readInstalled(context.interpreter))
    : new Map<NormalizedName, InstalledDistribution>();
  reporter.info(installedLine(items, found));
  return conclude(job, items);
}

/** What pip says in the end, of an environment that is as it was asked for; tells the exit code. */
export function conclude(job: InstallJob, items: readonly PlannedItem[]): number {
  const linked = items.filter(({ decided }) => !decided.direct).length;
  job.reporter.emit({ type: 'installed', linked, direct: items.length - linked });
  warnAsRoot(job);
  return 0;
}
