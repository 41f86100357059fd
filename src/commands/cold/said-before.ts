import type { OutputLine } from '../../process/cold/run.ts';

/** What was said by a pip that was ended, for who asks another the same: nothing is to be said twice. */
export class SaidBefore {
  readonly #lines = new Map<string, number>();

  add(output: OutputLine): void {
    // A question has to be asked again.
    if (output.end === '') return;
    const name = nameOf(output);
    this.#lines.set(name, (this.#lines.get(name) ?? 0) + 1);
  }

  /** Another was asked that said it all again. */
  clear(): void {
    this.#lines.clear();
  }

  /** Whether a line was said before; each counts once. */
  take(output: OutputLine): boolean {
    // By now files may come out of pip's cache, or slower: then there are other bars.
    if (this.#lines.size > 0 && isBar.test(output.line)) return true;
    const name = nameOf(output);
    const count = this.#lines.get(name) ?? 0;
    if (count === 0) return false;
    if (count === 1) this.#lines.delete(name);
    else this.#lines.set(name, count - 1);
    return true;
  }
}

/** pip's bars of progress, by rich and before (`cli/progress_bars.py`). */
const isBar = /^\s*(?:[━╸╺]|\|[█ ▏▎▍▌▋▊▉]|Progress \d+ of \d+)/;

/** The same for a file and its metadata, from the network and from pip's cache. */
function nameOf({ stream, line }: OutputLine): string {
  const file = /^\s*(?:Downloading|Using cached) (\S+?)(?:\.metadata)?(?: \(.*\))?$/.exec(
    line,
  )?.[1];
  return `${stream} ${file === undefined ? line : `a file ${file}`}`;
}
