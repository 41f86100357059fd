import { Session } from 'node:inspector';

/**
 * Which blocks of a file have run, by V8's own counters. (Jazzer.js would tell it
 * for each input, but its library needs a newer C library than Debian 12 has.)
 */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();
  readonly #url: string;

  /** @param url the file whose blocks count. */
  constructor(url: string) {
    this.#url = url;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  get size(): number {
    return this.#seen.size;
  }

  /** The blocks that have run since the last call, and never before one that was marked. */
  takeNew(): readonly string[] {
    const found: string[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error) throw error;
      for (const { url, functions } of taken.result) {
        if (url !== this.#url) continue;
        for (const { ranges } of functions) {
          for (const range of ranges) {
            const block = `${range.startOffset}-${range.endOffset}`;
            if (range.count > 0 && !this.#seen.has(block)) found.push(block);
          }
        }
      }
    });
    return found;
  }

  mark(blocks: readonly string[]): void {
    for (const block of blocks) this.#seen.add(block);
  }
}
