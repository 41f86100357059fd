import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { availableParallelism, constants, getPriority, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import type { Environment } from '../../config/load.ts';
import { PipAccelError } from '../../core/errors.ts';
import type { Span } from '../../core/timings.ts';
import type { Interpreter } from '../../core/types.ts';
import { placeScript } from '../../python/cold/place-script.ts';
import compileScript from '../../python/scripts/compile.py';
import type { Store } from '../../store/layout.ts';

export interface CompileJob {
  readonly source: string;
  readonly bytecode: string;
  /** The name that tracebacks show until the import corrects it. */
  readonly name: string;
}

/** What came of a file: no bytecode, bytecode, or bytecode for which a codec had to be imported. */
export type Compiled = 'no' | 'yes' | 'by-codec';

const outcomes: readonly Compiled[] = ['no', 'yes', 'by-codec'];

/** Files per request: large enough to hide the pipe, small enough to share out evenly. */
const batchSize = 24;

/** Batches that a Python has at a time, the first of which it is at work on. */
const inAdvance = 2;

/** `nice` of what nobody waits for yet: it takes what pip leaves of the processor. */
const patience = 10;

/**
 * The target's own Python, once per core, started with the first file and kept while there are
 * more: starting it costs as much as compiling a dozen files.
 */
export class Compiler {
  readonly #store: Store;
  readonly #interpreter: Interpreter;
  readonly #environment: Environment;
  readonly #waiting: Batch[] = [];
  #workers: readonly Worker[] = [];
  readonly #ending = new Set<Promise<void>>();
  #isAwaited = true;
  #isExpecting = false;
  #isClosed = false;

  constructor(store: Store, interpreter: Interpreter, environment: Environment) {
    this.#store = store;
    this.#interpreter = interpreter;
    this.#environment = environment;
  }

  /**
   * Compiles the files; the answer is in their order.
   *
   * @param begin called whenever a Python takes some of them in hand.
   */
  async compile(jobs: readonly CompileJob[], begin: () => Span | undefined): Promise<Compiled[]> {
    const script = await placeScript(this.#store, 'compile.py', compileScript);
    if (this.#isClosed) throw notWanted();
    const batches: Promise<Compiled[]>[] = [];
    for (let at = 0; at < jobs.length; at += batchSize) {
      const batch = jobs.slice(at, at + batchSize);
      batches.push(
        new Promise((resolve, reject) => {
          this.#waiting.push({ jobs: batch, begin, resolve, reject });
        }),
      );
    }
    const compiled = Promise.all(batches);
    this.#share(script);
    return (await compiled).flat();
  }

  /** Files will come: starts the first Python. */
  expect(): void {
    if (this.#isExpecting) return;
    this.#isExpecting = true;
    void placeScript(this.#store, 'compile.py', compileScript)
      .then((script) => (this.#workers.length === 0 ? this.#hire(script) : null))
      // Whoever compiles meets it again.
      .catch(() => {});
  }

  /** Whether somebody waits for what is compiled; else it is done when nothing else is. */
  set isAwaited(isAwaited: boolean) {
    this.#isAwaited = isAwaited;
    if (!isAwaited) return;
    for (const worker of this.#workers) worker.hurry();
    this.#dismiss(({ inHand, isPatient }) => isPatient && inHand === 0);
  }

  /**
   * Hands waiting batches to idle workers; starts one more while there are cores for it. Each gets
   * another in advance, for this thread may be busy when it has done the first.
   */
  #share(script: string): void {
    while (this.#waiting.length > 0) {
      const worker =
        this.#workers.find(({ inHand }) => inHand === 0) ??
        this.#hire(script) ??
        this.#workers.find(({ inHand, isPatient }) => inHand < inAdvance && !isPatient);
      if (!worker) return;
      const batch = this.#waiting.shift();
      if (batch) {
        void worker.run(batch).finally(() => {
          const isOver = worker.isPatient && this.#isAwaited && worker.inHand === 0;
          if (isOver) this.#dismiss((one) => one === worker);
          this.#share(script);
        });
      }
    }
  }

  #hire(script: string): Worker | null {
    if (this.#isClosed || this.#workers.length >= availableParallelism()) return null;
    const worker = new Worker(this.#interpreter, this.#environment, {
      script,
      isPatient: !this.#isAwaited,
    });
    this.#workers = [...this.#workers, worker];
    return worker;
  }

  /** Ends the Pythons that have nothing to do; more files start others. */
  rest(): void {
    this.#dismiss(({ inHand }) => inHand === 0);
  }

  #dismiss(isMeant: (worker: Worker) => boolean): void {
    const dismissed = this.#workers.filter(isMeant);
    this.#workers = this.#workers.filter((worker) => !dismissed.includes(worker));
    for (const worker of dismissed) {
      const ended = worker.close().finally(() => this.#ending.delete(ended));
      this.#ending.add(ended);
    }
  }

  /** Begins nothing more, and waits until all of them have ended, with the files that they have in hand. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(notWanted());
    this.#dismiss(() => true);
    await Promise.all(this.#ending);
  }
}

function notWanted(): PipAccelError {
  return new PipAccelError('interrupted', 'No bytecode is wanted any more');
}

interface Batch {
  readonly jobs: readonly CompileJob[];
  readonly begin: () => Span | undefined;
  readonly resolve: (compiled: Compiled[]) => void;
  readonly reject: (error: unknown) => void;
}

class Worker {
  /** How many batches it has. */
  inHand = 0;
  /** Its process lets all others go first. */
  isPatient: boolean;
  readonly #executable: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<void>;
  readonly #answers: AsyncIterator<string>;
  /** When what was handed to it is done. */
  #done: Promise<void> = Promise.resolve();

  constructor(
    interpreter: Interpreter,
    environment: Environment,
    { script, isPatient }: { readonly script: string; readonly isPatient: boolean },
  ) {
    this.#executable = interpreter.executable;
    this.isPatient = isPatient;
    this.#process = startPython(interpreter, environment, script);
    if (isPatient) setNiceness(this.#process, getPriority() + patience);
    this.#ended = new Promise((resolve) => {
      this.#process.on('close', () => resolve()).on('error', () => resolve());
    });
    this.#process.stdin.on('error', () => {
      // A Python that is gone shows in its answer, which is missing.
    });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** It takes its turn from now on, where the system lets us say so: most let root alone. */
  hurry(): void {
    if (this.isPatient) this.isPatient = !setNiceness(this.#process, getPriority());
  }

  async run(batch: Batch): Promise<void> {
    this.inHand += 1;
    const jobs = batch.jobs.map(({ source, bytecode, name }) => [source, bytecode, name]);
    this.#process.stdin.write(`${asciiJson(jobs)}\n`);
    this.#done = this.#done.then(async () => await this.#hear(batch));
    await this.#done;
  }

  async #hear(batch: Batch): Promise<void> {
    using _ = batch.begin();
    try {
      const answer = await this.#answers.next();
      if (answer.done) {
        throw new PipAccelError('install-failed', `${this.#executable} died while it compiled`);
      }
      const compiled = JSON.parse(answer.value) as number[];
      const failure = compiled.find((outcome) => outcome < 0);
      if (failure !== undefined) {
        const reason = getSystemErrorName(failure);
        throw new PipAccelError('store-unusable', `${reason}: bytecode cannot be written`);
      }
      batch.resolve(batch.jobs.map((_job, at) => outcomes[compiled[at] ?? 0] ?? 'no'));
    } catch (error) {
      batch.reject(error);
    } finally {
      this.inHand -= 1;
    }
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
  }
}

/** False where it has ended, or nobody may: then it goes on as before. */
function setNiceness({ pid }: { readonly pid?: number | undefined }, niceness: number): boolean {
  if (pid === undefined) return false;
  try {
    setPriority(pid, Math.min(niceness, constants.priority.PRIORITY_LOW));
    return true;
  } catch {
    return false;
  }
}

function startPython(
  { executable, versionInfo }: Interpreter,
  environment: Environment,
  script: string,
): ChildProcessByStdio<Writable, Readable, null> {
  // -E and -S: neither the user's variables nor site-packages change what bytecode says. In an
  // environment of Python 2 it is site that finds the standard library.
  const flags = versionInfo[0] === 2 ? ['-E', '-B'] : ['-E', '-S'];
  return spawn(executable, [...flags, script], {
    // Python 3.6 takes file names for ASCII in the C locale.
    env: { ...environment, LC_ALL: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

/** JSON in ASCII, whatever encoding the Python at the other end reads stdin in. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
