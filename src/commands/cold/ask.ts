import type { Emit } from '../../core/events.ts';
import type { OldPipAnswer } from '../../plan/cold/ask-old-pip.ts';
import { askPip } from '../../plan/cold/ask-pip.ts';
import { atLeast } from '../../python/pip.ts';
import type { InstallJob } from '../job.ts';
import { decideByDownload } from './decide-by-download.ts';

/**
 * pip's answer to a line, in whichever way this pip can give one. Under a single `-q` pip talks
 * all the same, and nobody hears it: what it says belongs to the decision.
 */
export async function ask(job: InstallJob): Promise<OldPipAnswer> {
  const { context, environment, line, options, reporter } = job;
  if (!atLeast(context.interpreter.pip?.version ?? '', 22, 2)) {
    return heard(await decideByDownload(job), options.quiet === 0);
  }
  const given = job.request.parsed.options;
  const isHushed = options.quiet === 1 && given.some(({ option }) => option.name === 'quiet');
  const loud = given.flatMap(({ option, words }) => (option.name === 'quiet' ? [] : words));
  const question = {
    pip: context.pip,
    general: isHushed ? [] : line.general,
    arguments: isHushed ? [...loud, '--', ...job.request.parsed.requirements] : line.arguments,
    environment,
    maxRetries: context.settings.maxRetries,
  };
  const emit = isHushed ? unheard(reporter.emit) : reporter.emit;
  const answer = await job.whileReading(async () => await askPip(question, emit));
  return heard(answer, options.quiet === 0 || isHushed);
}

function heard(answer: OldPipAnswer, isComplete: boolean): OldPipAnswer {
  return answer.outcome === 'decided' && !isComplete ? { ...answer, lines: null } : answer;
}

/** `-q` takes from pip what goes to standard output, and nothing else. */
function unheard(emit: Emit): Emit {
  return (event) => {
    if (event.type !== 'pip-line' || event.stream === 'stderr') emit(event);
  };
}
