import { askPip } from '../../plan/cold/ask-pip.ts';
import { readMetadata } from '../../plan/installed.ts';
import { makePlan, type PlannedItem } from '../../plan/plan.ts';
import { atLeast } from '../../python/pip.ts';
import type { InstallJob } from './install.ts';

export type Decision =
  | { readonly outcome: 'planned'; readonly items: readonly PlannedItem[] }
  /** pip has said why. */
  | { readonly outcome: 'refused'; readonly exitCode: number }
  | { readonly outcome: 'hand-over' };

/** What is to be installed, in order: as pip decides. */
export async function decide(job: InstallJob): Promise<Decision> {
  const { context, environment, line, options, reporter } = job;
  const version = context.interpreter.pip?.version ?? '';
  if (!atLeast(version, 22, 2)) return { outcome: 'hand-over' };
  const answer = await askPip(
    {
      pip: context.pip,
      general: line.general,
      arguments: line.arguments,
      environment,
      maxRetries: context.settings.maxRetries,
    },
    reporter.emit,
  );
  if (answer.outcome === 'refused') return answer;
  const items = makePlan({
    decided: answer.decided,
    interpreter: context.interpreter,
    installed: job.installed,
    metadataOf: (installed) => readMetadata(installed.metadataPath),
    roots: answer.decided
      .filter(({ requested }) => requested)
      .map(({ metadata, extras }) => ({ name: metadata.name, extras })),
    ignoreDependencies: options.flag('no-deps'),
    ignoreRequiresPython: options.flag('ignore-requires-python'),
    ignoreInstalled: options.flag('ignore-installed'),
    pruning: atLeast(version, 22, 0),
  });
  return { outcome: 'planned', items };
}
