import { Coverage } from './coverage.ts';
import { Mutator, seededRandom } from './mutate.ts';
import type { Target } from './target.ts';

export interface Outcome {
  readonly target: string;
  readonly executions: number;
  readonly blocks: number;
  /** What has reached something new, to go on with. */
  readonly corpus: readonly Buffer[];
  readonly finding: { readonly message: string; readonly input: Buffer } | null;
}

interface Watch {
  /** The URL of the file whose blocks tell what is new. */
  readonly watched: string;
  readonly seed: number;
  /** To begin with. */
  readonly seeds: readonly Uint8Array[];
  /** Told each input before it runs, for the case that it never ends. */
  readonly onInput: (input: Buffer) => void;
}

/** Milliseconds that an input of some kilobytes may take; far above what a busy machine adds. */
const slowest = 400;

/**
 * Runs a target on inputs made of what has reached new blocks, until its time is used up or
 * something is found.
 */
export async function fuzz(
  target: Target,
  seconds: number,
  { watched, seed, seeds, onInput }: Watch,
): Promise<Outcome> {
  const random = seededRandom(seed);
  const mutator = new Mutator(random, [
    ...target.dictionary,
    '\0',
    '\n',
    '\r\n',
    '\ufeff',
    '\u2028',
    'é',
    '\ud83d\ude00',
  ]);
  const coverage = new Coverage(watched);
  const corpus: Buffer[] = [Buffer.alloc(0)];
  const started = performance.now();
  let executions = 0;
  let current: Buffer = Buffer.alloc(0);

  const run = async (input: Buffer): Promise<void> => {
    current = input;
    onInput(input);
    executions += 1;
    await target.run(input);
  };
  const runTimed = async (input: Buffer): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      const from = performance.now();
      await run(input);
      const milliseconds = performance.now() - from;
      if (milliseconds < slowest) return;
      if (attempt === 2) throw new Error(`took ${Math.round(milliseconds)} ms`);
    }
  };
  /** Halves are run again, down to the single input that reached something new. */
  const sift = async (batch: readonly Buffer[]): Promise<void> => {
    for (const input of batch) await runTimed(input);
    const found = coverage.takeNew();
    if (found.length === 0) return;
    const [only] = batch;
    if (only && batch.length === 1) {
      coverage.mark(found);
      corpus.push(only);
      return;
    }
    await sift(batch.slice(0, batch.length >> 1));
    await sift(batch.slice(batch.length >> 1));
    // What only the order of the inputs had reached is not looked for again.
    coverage.mark(found);
  };
  const pick = (): Buffer => corpus[Math.floor(random() * corpus.length)] ?? current;

  let finding: Outcome['finding'] = null;
  try {
    coverage.takeNew();
    for (const input of seeds) await sift([Buffer.from(input)]);
    if (corpus.length < 8) corpus.push(...target.seeds);
    let size = 16;
    while (performance.now() - started < seconds * 1000) {
      const from = performance.now();
      await sift(Array.from({ length: size }, () => mutator.mutate(pick(), pick())));
      // Reading the counters takes some milliseconds, which a batch has to be worth.
      if (performance.now() - from < 60 && size < 4096) size *= 2;
      else if (performance.now() - from > 500 && size > 16) size /= 2;
    }
  } catch (error) {
    const message = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
    finding = { message, input: current };
  }
  return { target: target.name, executions, blocks: coverage.size, corpus, finding };
}
