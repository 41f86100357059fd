import type { Decided } from '../../core/types.ts';
import { type PinnedQuestion, pinnedQuestion } from '../../plan/pinned/request.ts';
import { type PinnedAnswer, resolvePinned } from '../../plan/pinned/resolve.ts';
import type { InstallJob } from '../job.ts';
import { dialAhead } from './dial-ahead.ts';
import { knowledgeOf, type Learned } from './known.ts';
import { hangUp } from './network.ts';

export interface PinnedDecision {
  readonly decided: readonly Decided[];
  readonly lines: readonly string[];
  /** An index could tell otherwise by now. */
  readonly isFromStore: boolean;
}

/**
 * Decides without pip, where every version is pinned and all of them are consistent: by what is
 * known, else by what the indexes tell; null where it is pip that has to decide, or to say why not.
 */
export async function decidePinned(job: InstallJob): Promise<PinnedDecision | null> {
  const question = pinnedQuestion({
    request: job.request,
    options: job.options,
    interpreter: job.context.interpreter,
    installed: job.installed,
  });
  if ('reason' in question) return null;
  const isDialed = await dialAhead(job, question);
  const learned: Learned = { pages: new Map(), releases: new Map(), facts: new Map() };
  const tell = () => answerWith(job, question, learned);
  let answer: PinnedAnswer | null = tell();
  if (answer.outcome === 'unknown' && !answer.isOpen) {
    const { learn } = await import('./learn.ts');
    answer = await learn({ job, question, learned }, answer, tell);
  } else if (isDialed) await hangUp(job);
  if (answer?.outcome !== 'decided') return null;
  if (job.options.quiet === 0) {
    for (const line of answer.lines) {
      job.reporter.emit({ type: 'pip-line', stream: 'stdout', line, end: '\n' });
    }
  }
  return answer;
}

function answerWith(
  job: InstallJob,
  { request, places, lines }: PinnedQuestion,
  learned: Learned,
): PinnedAnswer {
  const answer = resolvePinned(request, knowledgeOf(job, places, learned));
  if (answer.outcome !== 'decided') return answer;
  return { ...answer, lines: [...lines, ...answer.lines] };
}
