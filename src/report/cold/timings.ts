import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { errnoOf, PipAccelError } from '../../core/errors.ts';
import type { Phase, RunPhase, Span, Stretch, Subject, Timings } from '../../core/timings.ts';
import { writeAll } from '../../process/cold/write-all.ts';
import { normalizeName } from '../../python/names.ts';

/**
 * The file of the option `timings`, format 1. All times are milliseconds since the process began.
 * Stretches of one phase of one distribution do not overlap; those of different ones do where the
 * work was done at the same time.
 */
interface TimingsFile {
  readonly format: 1;
  /** When the process began, ISO 8601. */
  readonly began: string;
  /** When there was code to keep time: before that the executable was loaded. */
  readonly started: number;
  readonly ended: number;
  /** null where a signal ended the run. */
  readonly exitCode: number | null;
  /** In the order in which they began. */
  readonly phases: readonly {
    readonly phase: Phase;
    /** Its normalized name; null for what is done for all of the line. */
    readonly distribution: string | null;
    /** null where there is none yet, as for the pages of an index. */
    readonly version: string | null;
    readonly began: number;
    readonly ended: number;
  }[];
}

/** Timings of a run, which become a file when it ends, however that happens. */
export interface TimingsReport {
  readonly timings: Timings;
  readonly write: (exitCode: number | null) => void;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @throws PipAccelError `invalid-option` where the file cannot be written. */
export function openTimings(path: string): TimingsReport {
  const descriptor = openFile(path);
  const book = new Book();
  let isWritten = false;
  const write = (exitCode: number | null) => {
    if (isWritten) return;
    isWritten = true;
    for (const signal of signals) process.off(signal, listeners[signal]);
    const text = JSON.stringify(fileOf(book, { started, exitCode }), null, 1);
    writeFile(descriptor, `${text}\n`);
  };
  const heard = (signal: NodeJS.Signals) => () => {
    // Who else listens ends the run in his own way.
    if (process.listenerCount(signal) > 1) return;
    write(null);
    process.kill(process.pid, signal);
  };
  const listeners = {
    SIGINT: heard('SIGINT'),
    SIGTERM: heard('SIGTERM'),
    SIGHUP: heard('SIGHUP'),
  };
  for (const signal of signals) process.on(signal, listeners[signal]);
  const started = performance.now();
  return { timings: new Line(book), write };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PipAccelError('invalid-option', `Cannot write the timings: ${reason}`, {
      cause: error,
      hint: 'Name a file in a folder that is there, by --timings or PIP_ACCEL_TIMINGS.',
    });
  }
}

/** The last of several runs that share a file leaves its own. */
function writeFile(descriptor: number, text: string): void {
  try {
    ftruncateSync(descriptor);
  } catch (error) {
    // A pipe or a terminal.
    if (errnoOf(error) !== 'EINVAL') throw error;
  }
  writeAll(descriptor, Buffer.from(text));
  closeSync(descriptor);
}

function fileOf(
  book: Book,
  { started, exitCode }: Pick<TimingsFile, 'started' | 'exitCode'>,
): TimingsFile {
  const ended = performance.now();
  const phases = book.entries(ended).flatMap(({ phase, subject, stretches }) => {
    const { name, version } = subject ? distributionOf(subject) : { name: null, version: null };
    return stretches.map((stretch) => ({
      phase,
      distribution: name,
      version,
      began: rounded(stretch.began),
      ended: rounded(stretch.ended),
    }));
  });
  return {
    format: 1,
    began: new Date(performance.timeOrigin).toISOString(),
    started: rounded(started),
    ended: rounded(ended),
    exitCode,
    phases: phases.sort((left, right) => left.began - right.began),
  };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

/** Of a wheel by PEP 427, of an sdist as its last dash says. */
function distributionOf(subject: Subject): {
  readonly name: string;
  readonly version: string | null;
} {
  if ('name' in subject) return { name: normalizeName(subject.name), version: subject.version };
  const { filename } = subject;
  const stem = filename.replace(/\.(?:tar\.\w+|tgz|zip|whl|egg)$/i, '');
  const [, name = stem, version = null] = filename.endsWith('.whl')
    ? (/^([^-]+)-([^-]+)/.exec(stem) ?? [])
    : (/^(.+)-([^-]+)$/.exec(stem) ?? []);
  return { name: normalizeName(name), version };
}

/** A phase of a distribution, or of a line. */
interface Entry {
  readonly phase: Phase;
  readonly subject: Subject | null;
  readonly stretches: Stretch[];
  /** When the stretches began that have not ended. */
  readonly open: Set<{ readonly began: number }>;
}

/** All that was timed, by phase and distribution. */
class Book {
  readonly #entries = new Map<string, Entry>();

  entry(phase: Phase, subject: Subject | null): Entry {
    const key = JSON.stringify([phase, subject && distributionOf(subject)]);
    const found = this.#entries.get(key);
    if (found) return found;
    const entry = { phase, subject, stretches: [], open: new Set<never>() };
    this.#entries.set(key, entry);
    return entry;
  }

  /** What has not ended ends now; what overlaps or follows at once is one stretch. */
  entries(now: number): readonly Pick<Entry, 'phase' | 'subject' | 'stretches'>[] {
    return [...this.#entries.values()].map(({ phase, subject, stretches, open }) => {
      const unended = Array.from(open, ({ began }) => ({ began, ended: now }));
      return { phase, subject, stretches: united([...stretches, ...unended]) };
    });
  }
}

/** Milliseconds: a shorter gap between two stretches is none. */
const shortestGap = 0.1;

function united(stretches: readonly Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const stretch of stretches.toSorted((left, right) => left.began - right.began)) {
    const last = result.at(-1);
    if (!last || stretch.began - last.ended > shortestGap) {
      result.push(stretch);
    } else if (stretch.ended > last.ended) {
      result[result.length - 1] = { began: last.began, ended: stretch.ended };
    }
  }
  return result;
}

class Work implements Span {
  readonly #entry: Entry;
  #open: { readonly began: number } | null = null;

  constructor(entry: Entry) {
    this.#entry = entry;
    this.resume();
  }

  pause(): void {
    if (!this.#open) return;
    this.#entry.open.delete(this.#open);
    this.#entry.stretches.push({ began: this.#open.began, ended: performance.now() });
    this.#open = null;
  }

  resume(): void {
    if (this.#open) return;
    this.#open = { began: performance.now() };
    this.#entry.open.add(this.#open);
  }

  [Symbol.dispose](): void {
    this.pause();
  }
}

class Line implements Timings {
  readonly #book: Book;
  readonly #waits = new Set<object>();
  #current: Work | null = null;

  constructor(book: Book) {
    this.#book = book;
  }

  enter(phase: RunPhase | null): void {
    this.#waits.clear();
    this.#current?.pause();
    this.#current = phase === null ? null : new Work(this.#book.entry(phase, null));
  }

  pause(): () => void {
    const wait = {};
    this.#waits.add(wait);
    this.#current?.pause();
    return () => {
      if (this.#waits.delete(wait) && this.#waits.size === 0) this.#current?.resume();
    };
  }

  begin(phase: Phase, subject: Subject | null): Span {
    return new Work(this.#book.entry(phase, subject));
  }

  add(phase: Phase, subject: Subject, { began, ended }: Stretch): void {
    const { timeOrigin } = performance;
    const stretch = { began: began - timeOrigin, ended: ended - timeOrigin };
    this.#book.entry(phase, subject).stretches.push(stretch);
  }

  fork(): Timings {
    return new Line(this.#book);
  }
}
