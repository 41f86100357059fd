import type { Emit } from '../../core/events.ts';
import type { InstalledDistribution, NormalizedName } from '../../core/types.ts';
import type { OutputLine } from '../../process/cold/run.ts';
import { normalizeName } from '../../python/names.ts';
import { displayPath } from '../../python/pip.ts';
import type { Candidate } from './download-log.ts';

/** A requirement that pip would find satisfied. */
export interface Satisfied {
  readonly present: InstalledDistribution;
  /** The requirement as pip prints it. */
  readonly text: string;
  readonly comesFrom: string | null;
  /** `already satisfied`, `already up-to-date`. */
  readonly word: string;
}

/**
 * Turns what `pip download` says into what `pip install` would have said: what it saved is not
 * told, and a block on something that is installed becomes pip's line on a satisfied requirement.
 * From the first such block on, everything is held back until the answer is known.
 */
export class DownloadTalk {
  readonly #installed: ReadonlySet<NormalizedName>;
  readonly #emit: Emit;
  readonly #held: OutputLine[] = [];
  #isHolding = false;
  /** Blocks on distributions so far, those that are held left out. */
  #blocks = 0;
  /** What went where. */
  readonly said: Readonly<Record<OutputLine['stream'], string[]>> = { stdout: [], stderr: [] };

  constructor(installed: ReadonlySet<NormalizedName>, emit: Emit) {
    this.#installed = installed;
    this.#emit = emit;
  }

  hear(output: OutputLine): void {
    if (output.stream === 'stdout' && isOfDownload(output.line)) return;
    const subject = output.stream === 'stdout' ? subjectOf(output.line) : null;
    if (subject !== null && mayName(subject, this.#installed)) this.#isHolding = true;
    if (this.#isHolding) this.#held.push(output);
    else this.#say(output, subject !== null);
  }

  /**
   * Says what was held back: as it is, or told what pip looked at, with what is satisfied in its place.
   *
   * @returns false where blocks and candidates do not match, and nothing was said.
   */
  release(
    tried: readonly Candidate[] = [],
    satisfiedBy: (candidate: Candidate) => Satisfied | null = () => null,
  ): boolean {
    const isSubject = ({ stream, line }: OutputLine) =>
      stream === 'stdout' && subjectOf(line) !== null;
    const blocks = this.#blocks + this.#held.filter(isSubject).length;
    // Told to be quiet, pip says nothing of any.
    if (tried.length > 0 && blocks !== 0 && blocks !== tried.length) return false;
    let isReplaced = false;
    for (const output of this.#held.splice(0)) {
      const isStart = isSubject(output);
      if (isStart || (output.stream === 'stdout' && !/^\s/.test(output.line))) isReplaced = false;
      const candidate = isStart ? tried[this.#blocks] : undefined;
      const satisfied = candidate ? satisfiedBy(candidate) : null;
      if (satisfied) {
        isReplaced = true;
        this.#say({ stream: 'stdout', line: satisfiedLine(satisfied), end: '\n' }, true);
      } else if (!isReplaced || output.stream === 'stderr') {
        this.#say(output, isStart);
      }
    }
    return true;
  }

  #say(output: OutputLine, isBlock: boolean): void {
    if (isBlock) this.#blocks += 1;
    this.said[output.stream].push(output.line);
    this.#emit({ type: 'pip-line', ...output });
  }
}

function isOfDownload(line: string): boolean {
  return /^\s*(Saved |File was already downloaded |Successfully downloaded )/.test(line);
}

/** What a block of lines is about: a requirement, or an archive's path. */
function subjectOf(line: string): string | null {
  return /^(?:Collecting|Processing) (.+)$/.exec(line)?.[1] ?? null;
}

/** Whether a block may be about one of these. An archive's name says not where its project's name ends. */
function mayName(subject: string, keys: ReadonlySet<NormalizedName>): boolean {
  const name = /^[\w.-]+/.exec(subject.slice(subject.lastIndexOf('/') + 1))?.[0] ?? '';
  const parts = name.split('-');
  return parts.some((_, index) => keys.has(normalizeName(parts.slice(0, index + 1).join('-'))));
}

/** `InstallRequirement.__str__` of each pip, with what satisfies it. */
function satisfiedLine({ present, text, comesFrom, word }: Satisfied): string {
  const from = comesFrom === null ? '' : ` (from ${comesFrom})`;
  const place = displayPath(present.location);
  return `Requirement ${word}: ${text} in ${place}${from} (${present.version})`;
}
