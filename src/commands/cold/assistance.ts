import type { Assistance } from '../../obtain/cold/system-packages/provide.ts';
import { terminalQuestion } from '../../report/cold/question.ts';
import { consoleStreams } from '../../report/text.ts';
import type { InstallJob } from '../job.ts';

/** How packages of the system may be installed for a line's builds. */
export function assistanceOf(job: InstallJob, signal: AbortSignal): Assistance {
  const { context, environment, options, console } = job;
  return {
    settings: context.settings,
    environment,
    emit: console.emit,
    ask: options.flag('no-input') ? null : terminalQuestion(consoleStreams()),
    signal,
  };
}
