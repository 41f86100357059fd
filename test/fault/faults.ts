import { execFileSync, spawn } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A call that changes a file below the folders that are watched. */
export interface Point {
  /** 1, 2, 3, … over all processes and threads of a run. */
  readonly ordinal: number;
  /** `open` is one for writing; `write`, `fsync`, `truncate`, `utimens` and `chmod` are their whole families. */
  readonly call: string;
  /** Absolute; `from -> to` for a rename and a link. */
  readonly path: string;
}

export interface Run {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface Outcome {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** All that was reached, in order. */
  readonly points: readonly Point[];
  /** Where it was killed, or where the first call failed; null where it ended before. */
  readonly hit: Point | null;
}

/** A system error to inject. */
export interface Fault {
  readonly errno: 'ENOSPC' | 'EIO' | 'EROFS' | 'EACCES' | 'EMLINK' | 'EXDEV' | 'EDQUOT';
  /** The first to fail. */
  readonly at: number;
  /** From there on all fail, as on a full disk; else that one alone. */
  readonly lasts?: boolean;
  /** Only these calls fail; a lasting fault begins with the first of them. */
  readonly calls?: readonly string[];
}

/**
 * Runs commands that are killed, or whose calls fail, at a chosen change of a file. Runs of one
 * command from one state have the same points as far as its threads keep their order, and as many.
 */
export class Faults {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-faults-')));
  readonly #library = join(this.#folder, 'interpose.so');
  readonly #roots: readonly string[];

  /** @param roots absolute folders without links in their paths, existing or not. */
  constructor(roots: readonly string[]) {
    this.#roots = roots;
    const source = fileURLToPath(new URL('interpose.c', import.meta.url));
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', this.#library, source]);
  }

  /** Undisturbed; what it tells of is where it could have been killed. */
  async record(run: Run): Promise<Outcome> {
    return await this.#run(run, {});
  }

  /** SIGKILL to all of its processes before the change is made. */
  async killAt(ordinal: number, run: Run): Promise<Outcome> {
    return await this.#run(run, { FAULT_AT: String(ordinal), FAULT_ERROR: '0' }, ordinal);
  }

  async failAt({ errno, at, lasts = false, calls }: Fault, run: Run): Promise<Outcome> {
    const variables = {
      FAULT_AT: String(at),
      FAULT_ERROR: String(constants.errno[errno]),
      FAULT_LASTS: lasts ? '1' : '0',
      ...(calls ? { FAULT_CALLS: `,${calls.join(',')},` } : {}),
    };
    return await this.#run(run, variables, at, calls);
  }

  async #run(
    { command, environment, cwd }: Run,
    variables: Readonly<Record<string, string>>,
    at = Number.POSITIVE_INFINITY,
    calls?: readonly string[],
  ): Promise<Outcome> {
    const [log, counter] = [join(this.#folder, 'log'), join(this.#folder, 'counter')];
    writeFileSync(log, '');
    writeFileSync(counter, Buffer.alloc(8));
    const [file, ...words] = command;
    const child = spawn(file, words, {
      cwd,
      // The library kills the whole group.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...environment,
        LD_PRELOAD: this.#library,
        FAULT_ROOTS: this.#roots.join(':'),
        FAULT_COUNTER: counter,
        FAULT_LOG: log,
        ...variables,
      },
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
    }
    const { exitCode, signal } = await new Promise<Pick<Outcome, 'exitCode' | 'signal'>>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
      },
    );
    // A build is a process group of its own.
    if (signal === 'SIGKILL') killAll(`FAULT_COUNTER=${counter}`);
    const points = readPoints(log);
    const hit = points.find(
      ({ ordinal, call }) => ordinal >= at && (calls === undefined || calls.includes(call)),
    );
    return { ...said, exitCode, signal, points, hit: hit ?? null };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Ends the processes that have a variable, whoever started them. */
function killAll(variable: string): void {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const variables = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      if (variables.includes(variable)) process.kill(Number(name), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function readPoints(log: string): readonly Point[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [ordinal = '', call = '', path = ''] = line.split('\t');
      return { ordinal: Number(ordinal), call, path };
    })
    .sort((a, b) => a.ordinal - b.ordinal);
}

/** A folder that every run is to find as it was. */
export class State {
  readonly #folder: string;
  readonly #kept: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#kept = `${folder}.kept`;
    this.keep();
  }

  /** Takes the folder as it is now for what `restore` brings back. */
  keep(): void {
    copyTree(this.#folder, this.#kept);
  }

  restore(): void {
    copyTree(this.#kept, this.#folder);
  }
}

/** With links, modes and times; hardlinks among the files of the folder stay such. */
function copyTree(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync('cp', ['-a', from, to]);
}

/**
 * The ordinals to try: as many as a bounded run has time for, with `FAULT_POINTS=all` as many as a
 * long one has; of every kind of call in turn, and of a kind such that they lie far from each other.
 *
 * @param most left out: all there are.
 */
export function samplePoints(
  points: readonly Point[],
  wanted: number,
  most = Number.POSITIVE_INFINITY,
): readonly number[] {
  const all = points.map(({ ordinal }) => ordinal);
  const limit = process.env['FAULT_POINTS'] === 'all' ? most : wanted;
  if (all.length <= limit) return all;
  const kinds = Object.keys(countKinds(points)).map((kind) =>
    points.filter(({ call }) => call === kind),
  );
  const sampled = new Set<number>();
  for (let turn = 0; sampled.size < limit; turn += 1) {
    const kind = kinds[turn % kinds.length] ?? [];
    // Multiples of the golden ratio fill an interval evenly.
    const part = ((Math.floor(turn / kinds.length) + 1) * 0.618_034) % 1;
    sampled.add(kind[Math.floor(part * kind.length)]?.ordinal ?? 1);
  }
  return [...sampled].sort((left, right) => left - right);
}

/** How many points of each kind a matrix went through, as its report shows them. */
export function countKinds(points: readonly Point[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { call } of points) counts[call] = (counts[call] ?? 0) + 1;
  return counts;
}
