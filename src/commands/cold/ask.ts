import { withoutOptions } from '../../cli/cold/without-options.ts';
import type { Environment } from '../../config/load.ts';
import type { Emit } from '../../core/events.ts';
import type { Archive } from '../../core/types.ts';
import { type Gateway, takenOver } from '../../gateway/cold/gateway.ts';
import type { OldPipAnswer } from '../../plan/cold/ask-old-pip.ts';
import { askPip } from '../../plan/cold/ask-pip.ts';
import { areHashesAsked } from '../../plan/request/hashes.ts';
import { atLeast } from '../../python/pip.ts';
import type { InstallJob } from '../job.ts';
import { aheadOf } from './ahead.ts';
import { imageMakerOf } from './image-maker.ts';
import { decideByDownload } from './decide-by-download.ts';
import { openLineGateway } from './line-gateway.ts';
import { SaidBefore } from './said-before.ts';
import { TersePages } from './terse-pages.ts';

/** How a pip is asked: through a gateway or by itself. */
export interface Asking {
  readonly emit: Emit;
  /** Those of the gateway. */
  readonly variables: Environment;
  /** Words of the user's, without what the gateway takes over. */
  readonly wordsOf: (words: readonly string[]) => readonly string[];
  /** Aborted where the answer is not wanted any more. */
  readonly signal?: AbortSignal;
}

/**
 * pip's answer to a line. Where a server cannot be reached, pip is asked anew without the gateway,
 * from where it was: only pip itself has the words for each way in which a network can fail, and
 * through a proxy they would be about the proxy. So it is where pip needs more of a page than it was
 * given.
 */
export async function ask(job: InstallJob): Promise<OldPipAnswer> {
  const { context, environment, options, reporter } = job;
  const { emit } = reporter;
  const images = imageMakerOf(job);
  images.isAwaited = false;
  // What comes of it, whoever installs it will be told.
  const arrived = (wheel: Archive) => void images.imageOf(wheel).catch(() => {});
  // What the user's hashes exclude is not even unpacked.
  const isTrusted = !areHashesAsked(job.request, context.interpreter.markers);
  const pages = new TersePages(job);
  const isTerse = () => pages.areGiven();
  const openAhead = aheadOf({ ...job, emit, isTerse, ...(isTrusted ? { arrived } : {}) });
  const rules = { options, environment, stepsAside: true, openAhead };
  context.timings?.enter('prepare');
  const gateway = await openLineGateway(rules, context);
  const said = new SaidBefore();
  if (gateway) {
    const listening: Emit = (event) => {
      if (event.type === 'decide-retry') said.clear();
      if (event.type === 'pip-line') {
        pages.hear(event);
        if (pages.missed.aborted) return;
        said.add(event);
      }
      emit(event);
    };
    const lost = AbortSignal.any([gateway.lost, pages.missed]);
    const answer = await askThrough(job, { ...gateway, lost }, listening);
    if (answer) return answer;
  }
  const continuing: Emit = (event) => {
    if (event.type !== 'pip-line' || !said.take(event)) emit(event);
  };
  return await askWith(job, { emit: continuing, variables: {}, wordsOf: (words) => words });
}

/** null where the network is for pip to speak of. */
async function askThrough(
  job: InstallJob,
  { variables, lost, ahead, shut, close }: Gateway,
  emit: Emit,
): Promise<OldPipAnswer | null> {
  const wordsOf = (words: readonly string[]) => withoutOptions(words, takenOver);
  // Archives that were decided on go on to come; they are installed next.
  job.afterwards.add(close);
  try {
    const answer = await askWith(job, { emit, variables, wordsOf, signal: lost });
    ahead?.settle(
      answer.outcome === 'decided' ? answer.decided.map(({ source }) => source.url) : [],
    );
    if (lost.aborted) return null;
    return answer.outcome === 'decided' && ahead
      ? { ...answer, answered: ahead.consulted() }
      : answer;
  } finally {
    await (lost.aborted ? close() : shut());
  }
}

/**
 * Asks in whichever way this pip can answer. Under a single `-q` pip talks all the same, and nobody
 * hears it: what it says belongs to the decision.
 */
async function askWith(job: InstallJob, through: Asking): Promise<OldPipAnswer> {
  const { context, environment, line, options } = job;
  const asking = { ...through, variables: { ...withoutBars(job), ...through.variables } };
  context.timings?.enter('decide');
  if (!atLeast(context.interpreter.pip?.version ?? '', 22, 2)) {
    return heard(await decideByDownload(job, asking), options.quiet, options.quiet === 0);
  }
  const given = job.request.parsed.options;
  const isHushed = options.quiet === 1 && given.some(({ option }) => option.name === 'quiet');
  const loud = given.flatMap(({ option, words }) => (option.name === 'quiet' ? [] : words));
  const { signal, variables, wordsOf } = asking;
  const question = {
    pip: context.pip,
    general: isHushed ? [] : wordsOf(line.general),
    arguments: wordsOf(
      isHushed ? [...loud, '--', ...job.request.parsed.requirements] : line.arguments,
    ),
    environment: { ...environment, ...variables },
    maxRetries: context.settings.maxRetries,
    signal,
  };
  const emit = isHushed ? unheard(asking.emit) : asking.emit;
  const answer = await job.whileReading(async () => await askPip(question, emit));
  return heard(answer, options.quiet, options.quiet === 0 || isHushed);
}

/** They would show how fast the gateway is; who asks for them gets them. */
function withoutBars({ options }: InstallJob): Environment {
  return options.value('progress-bar') === null ? { PIP_PROGRESS_BAR: 'off' } : {};
}

/** Under `-q` pip warns all the same. */
function heard(answer: OldPipAnswer, quiet: number, isComplete: boolean): OldPipAnswer {
  if (answer.outcome !== 'decided' || isComplete) return answer;
  return { ...answer, lines: null, warnings: quiet > 1 ? null : answer.warnings };
}

/** `-q` takes from pip what goes to standard output, and nothing else. */
function unheard(emit: Emit): Emit {
  return (event) => {
    if (event.type !== 'pip-line' || event.stream === 'stderr') emit(event);
  };
}
