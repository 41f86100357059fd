import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** What one run of one command took. */
export interface Sample {
  readonly milliseconds: number;
  readonly userMilliseconds: number;
  readonly systemMilliseconds: number;
  readonly peakMegabytes: number;
}

export interface Command {
  /** The program by its path. */
  readonly argv: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** One of those that are measured side by side. */
export interface Entrant {
  readonly id: string;
  /** Untimed: makes what a run needs. */
  prepare(): Promise<Command>;
  /** Untimed: throws where the run did not do its work; removes what it made. */
  finish(): Promise<void>;
}

/** Who takes longer than this to warm up runs in three rounds only. */
const slowMilliseconds = 8_000;
const slowRounds = 3;

/** A process of `stopwatch.py`, which starts commands and measures them. */
export class Stopwatch {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  readonly #output: string;

  /** @param folder gets what the commands say. */
  constructor(python: string, folder: string) {
    const script = join(import.meta.dirname, 'stopwatch.py');
    this.#process = spawn(python, ['-I', '-S', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (!this.#process.stdout) throw new Error('the stopwatch has no standard output');
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#output = join(folder, 'output.txt');
  }

  /** @throws Error with the end of what the command said, where it failed. */
  async run(command: Command): Promise<Sample> {
    const answer = this.#nextLine();
    const { argv, variables: env, cwd } = command;
    const job = { argv, env, cwd, output: this.#output };
    this.#process.stdin?.write(`${JSON.stringify(job)}\n`);
    const { exitCode, ...sample } = JSON.parse(await answer) as Sample & { exitCode: number };
    if (exitCode === 0) return sample;
    const said = readFileSync(this.#output, 'utf8').split('\n').slice(-30).join('\n');
    throw new Error(`${argv.join(' ')}\nended with ${exitCode}:\n${said}`);
  }

  #nextLine(): Promise<string> {
    return new Promise((resolve, reject) => {
      const ended = () => {
        reject(new Error('the stopwatch ended'));
      };
      this.#lines.once('close', ended);
      this.#lines.once('line', (line) => {
        this.#lines.off('close', ended);
        resolve(line);
      });
    });
  }

  [Symbol.dispose](): void {
    this.#process.stdin?.end();
  }
}

/**
 * Runs the entrants in turn, each round beginning with the next of them, after a round that does
 * not count. So what the machine does meanwhile happens to all of them.
 */
export async function race(
  entrants: readonly Entrant[],
  { rounds, stopwatch }: { readonly rounds: number; readonly stopwatch: Stopwatch },
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>(entrants.map(({ id }) => [id, []]));
  const slow = new Set<string>();
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < entrants.length; turn += 1) {
      const entrant = entrants[(turn + round) % entrants.length];
      if (!entrant || (slow.has(entrant.id) && round > slowRounds)) continue;
      const sample = await stopwatch.run(await entrant.prepare());
      await entrant.finish();
      if (round > 0) samples.get(entrant.id)?.push(sample);
      else if (sample.milliseconds > slowMilliseconds) slow.add(entrant.id);
    }
  }
  return samples;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? upper) + upper) / 2 : upper;
}
