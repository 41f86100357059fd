import type { Decided, DistributionMetadata, Interpreter } from '../../core/types.ts';
import { conflictMessage } from '../../plan/conflicts.ts';
import { readMetadata } from '../../plan/installed.ts';
import { makePlan, type PlannedItem } from '../../plan/plan.ts';
import { mentioned, requestedRoots } from '../../plan/request/roots.ts';
import { atLeast, resolverOf } from '../../python/pip.ts';
import type { InstallJob } from '../job.ts';

/** What a new decision comes to: the order of installation, and what pip will warn of afterwards. */
export function plan(
  job: InstallJob,
  decided: readonly Decided[],
): { readonly items: readonly PlannedItem[]; readonly conflicts: string | null } {
  // Else the metadata of all that is installed would be read.
  if (decided.length === 0) return { items: [], conflicts: null };
  const { context, installed, options, request } = job;
  const items = makePlan({
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
  return { items, conflicts: options.flag('no-deps') ? null : conflicts(job, decided) };
}

function orderOf(interpreter: Interpreter): 'pruning' | 'longest-path' | 'legacy' {
  if (resolverOf(interpreter) === 'legacy') return 'legacy';
  return atLeast(interpreter.pip?.version ?? '', 22, 0) ? 'pruning' : 'longest-path';
}

function conflicts(job: InstallJob, decided: readonly Decided[]): string | null {
  const packages = new Map<Decided['key'], DistributionMetadata>();
  for (const [key, { metadataPath }] of job.installed) {
    packages.set(key, readMetadata(metadataPath));
  }
  for (const { key, metadata } of decided) packages.set(key, metadata);
  const changed = new Set(decided.map(({ key }) => key));
  return conflictMessage(packages, changed, job.context.interpreter.markers);
}
