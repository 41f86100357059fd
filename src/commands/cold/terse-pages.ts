import { searchRules } from '../../plan/pinned/places.ts';
import { areHashesAsked } from '../../plan/request/hashes.ts';
import type { OutputLine } from '../../process/cold/run.ts';
import { atLeast } from '../../python/pip.ts';
import type { InstallJob } from '../job.ts';

/**
 * Whether a pip is given terse pages (see `Needless`): to read links is most of its work. It says so
 * where it would need more than is on them; then it is not to go on.
 */
export class TersePages {
  #areEnough: boolean;
  #wereGiven = false;
  readonly #ofMore: RegExp;
  readonly #missed = new AbortController();

  constructor(job: InstallJob) {
    const pip = job.context.interpreter.pip?.version ?? '';
    this.#areEnough = areEnough(job, pip);
    this.#ofMore = atLeast(pip, 25, 0) ? isOfDiscarded : isOfLink;
  }

  /** Aborted where pip would have needed more. */
  get missed(): AbortSignal {
    return this.#missed.signal;
  }

  /** Asked for each page. */
  areGiven(): boolean {
    this.#wereGiven ||= this.#areEnough;
    return this.#areEnough;
  }

  /** @param output what pip says, before anybody is told. */
  hear({ line, end }: Pick<OutputLine, 'line' | 'end'>): void {
    // What a pip within pip says nobody hears; and nobody wants to be asked for a password twice.
    if (isOfBuild.test(line) || end === '') this.#areEnough = false;
    if (this.#wereGiven && this.#ofMore.test(line)) this.#missed.abort();
  }
}

/** What pip says before it starts what may start a pip (`operations/prepare.py`, `build_env.py`). */
const isOfBuild =
  /^\s*(?:Installing (?:build|backend) dep|Getting requirements to build|Preparing |Checking if build)/;

/** The next that it tries is a file of the same release (`resolvelib/factory.py`, `_make_candidate_from_link`). */
const isOfDiscarded = /^\s*Discarding /;

/** Any, discarded or not, is told of with what it requires of Python (`models/link.py`, `__str__`). */
const isOfLink = /\(from https?:\/\/|^\s*Discarding /;

/** Whether metadata is all that pip looks at, and it is known which files it takes, and what it says. */
function areEnough({ context, options, request }: InstallJob, pip: string): boolean {
  const { markers } = context.interpreter;
  return (
    options.quiet === 0 &&
    options.values('use-deprecated').length === 0 &&
    atLeast(pip, 23, 2) &&
    // Lines that are not read here may say which files are taken.
    !request.entries.some(({ kind }) => kind === 'unknown') &&
    // Hashes may be the sdist's alone.
    !areHashesAsked(request, markers) &&
    !('reason' in searchRules(request, options))
  );
}
