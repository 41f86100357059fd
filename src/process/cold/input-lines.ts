import { createInterface, type Interface } from 'node:readline';

/** Standard input by lines, asked for one by one, while signals and children go on being heard. */
export class InputLines {
  #reader: Interface | null = null;
  readonly #lines: string[] = [];
  #waiting: ((line: string | null) => void) | null = null;
  #isEnded = false;

  /** The next line with its end; null at the end of the input. */
  async next(): Promise<string | null> {
    this.#reader ??= this.#open();
    const line = this.#lines.shift();
    if (line !== undefined) return line;
    if (this.#isEnded) return null;
    return await new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  [Symbol.dispose](): void {
    this.#reader?.close();
    // A terminal that is merely paused would keep this process alive.
    if (this.#reader) process.stdin.destroy();
  }

  #open(): Interface {
    const reader = createInterface({ input: process.stdin, terminal: false });
    reader.on('line', (line) => this.#take(`${line}\n`));
    reader.on('close', () => {
      this.#isEnded = true;
      this.#take(null);
    });
    return reader;
  }

  #take(line: string | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting) waiting(line);
    else if (line !== null) this.#lines.push(line);
  }
}
