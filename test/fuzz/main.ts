/**
 * Fuzzes our parsers and readers: `node test/fuzz/run.mjs SECONDS PAIRS [EXECUTIONS]`, with the time
 * for a round of all targets, how many questions are put to Python's parsers too, and after how many
 * executions no further round begins; options are vitest's. `replay TARGET FILE` runs one input; FUZZ_SEED repeats a run.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { archiveTargets } from './archive-targets.ts';
import { compareWithPython } from './differential.ts';
import { fuzz, type Outcome } from './fuzz.ts';
import { longestInput } from './mutate.ts';
import { textTargets } from './text-targets.ts';

const targets = [...textTargets, ...archiveTargets];
/** As vitest has it: where the counts go, for `.ci/run`. */
const reportOption = '--outputFile.json=';
/** Seconds without an end after which an input hangs. */
const patience = 20;

interface Task {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  readonly seeds: readonly Uint8Array[];
  /** The number of the input in hand, its length, and its bytes. */
  readonly current: SharedArrayBuffer;
}

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === 'replay') {
    const [, name, file = ''] = words;
    await targets.find((target) => target.name === name)?.run(readFileSync(file));
    return 0;
  }
  const isOption = (word: string) => word.startsWith('--');
  const numbers = words.filter((word) => !isOption(word)).map(Number);
  const [seconds = 60, pairs = 20_000, wanted = 0] = numbers;
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed ${seed}\n`);
  const compared = await compareWithPython(pairs, seed);
  const outcomes = new Map<string, Outcome>();
  const total = (): number => [...outcomes.values()].reduce((sum, one) => sum + one.executions, 0);
  const isSound = (): boolean => [...outcomes.values()].every(({ finding }) => finding === null);
  do {
    await round((seconds * 2) / targets.length, seed + total(), outcomes);
  } while (total() < wanted && isSound());
  for (const outcome of outcomes.values()) report(outcome);
  process.stdout.write(`${total()} executions\n`);
  const failed = [...outcomes.values()].filter(({ finding }) => finding).length + compared.failed;
  const passed = outcomes.size + compared.passed + compared.failed - failed;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  const file = words.find((word) => word.startsWith(reportOption))?.slice(reportOption.length);
  if (file !== undefined) {
    writeFileSync(file, JSON.stringify({ numPassedTests: passed, numFailedTests: failed }));
  }
  return failed > 0 ? 1 : 0;
}

/** Each target for some seconds, two at a time, from where the round before it came to. */
async function round(seconds: number, seed: number, outcomes: Map<string, Outcome>): Promise<void> {
  const queue = [...targets];
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const before = outcomes.get(next.name);
      const seeds = before?.corpus ?? next.seeds;
      const outcome = await inWorker({ target: next.name, seconds, seed, seeds });
      const executions = outcome.executions + (before?.executions ?? 0);
      outcomes.set(next.name, { ...outcome, executions });
    }
  };
  await Promise.all([lane(), lane()]);
}

/** In a thread of its own, so that one that never ends can be ended. */
function inWorker(task: Omit<Task, 'current'>): Promise<Outcome> {
  const current = new SharedArrayBuffer(8 + longestInput);
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { ...task, current } satisfies Task,
  });
  const numbers = new Int32Array(current, 0, 2);
  return new Promise((resolve, reject) => {
    let last = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      const now = Atomics.load(numbers, 0);
      if (now !== last) since = performance.now();
      last = now;
      if (performance.now() - since < patience * 1000) return;
      const input = Buffer.from(Buffer.from(current, 8, Atomics.load(numbers, 1)));
      clearInterval(watch);
      void worker.terminate();
      const finding = { message: `did not end within ${patience} s`, input };
      resolve({ target: task.target, executions: now, blocks: 0, corpus: [], finding });
    }, 1000);
    worker.once('message', (outcome: Outcome) => {
      clearInterval(watch);
      resolve(outcome);
    });
    worker.once('error', (error) => {
      clearInterval(watch);
      reject(error);
    });
  });
}

function report({ target, executions, blocks, corpus, finding }: Outcome): void {
  const kept = `${corpus.length} inputs kept`;
  process.stdout.write(`${target}: ${executions} executions, ${blocks} blocks, ${kept}\n`);
  if (!finding) return;
  const bytes = Buffer.from(finding.input);
  mkdirSync('.tmp/fuzz', { recursive: true });
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const path = `.tmp/fuzz/${target}-${digest}`;
  writeFileSync(path, bytes);
  const shown = JSON.stringify(bytes.toString('latin1').slice(0, 600));
  process.stdout.write(`FAILED ${target}: ${finding.message}\n  input ${path}: ${shown}\n`);
}

async function work({ target: name, seconds, seed, seeds, current }: Task): Promise<Outcome> {
  const target = targets.find((candidate) => candidate.name === name);
  if (!target) throw new Error(`no target ${name}`);
  const numbers = new Int32Array(current, 0, 2);
  const bytes = Buffer.from(current, 8);
  const watched = new URL('src.mjs', import.meta.url).href;
  const onInput = (input: Buffer): void => {
    input.copy(bytes);
    Atomics.store(numbers, 1, Math.min(input.length, bytes.length));
    Atomics.add(numbers, 0, 1);
  };
  return await fuzz(target, seconds, { watched, seed, seeds, onInput });
}

if (isMainThread) process.exitCode = await main(process.argv.slice(2));
else parentPort?.postMessage(await work(workerData as Task));
