import type { OldPipAnswer } from '../../plan/cold/ask-old-pip.ts';
import { askPip } from '../../plan/cold/ask-pip.ts';
import { rememberDecision } from '../../plan/cold/remember.ts';
import type { RememberedDecision } from '../../plan/decisions.ts';
import { atLeast } from '../../python/pip.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { InstallJob } from '../job.ts';
import { decideByDownload } from './decide-by-download.ts';

/** pip's answer to a line, in whichever way this pip can give one. */
export async function ask(job: InstallJob): Promise<OldPipAnswer> {
  const { context, environment, line, reporter } = job;
  if (!atLeast(context.interpreter.pip?.version ?? '', 22, 2)) return await decideByDownload(job);
  return await askPip(
    {
      pip: context.pip,
      general: line.general,
      arguments: line.arguments,
      environment,
      maxRetries: context.settings.maxRetries,
    },
    reporter.emit,
  );
}

/** Keeps a decision, as far as the store takes one. */
export async function remember(
  job: InstallJob,
  key: string,
  decision: RememberedDecision,
): Promise<void> {
  try {
    await rememberDecision(job.context.store, key, decision);
  } catch (error) {
    if (!isStoreTrouble(error, job.context.store)) throw error;
  }
}
