import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Environment } from '../../config/load.ts';

export interface OutputLine {
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
  /** Nothing after a question, whose answer is awaited on the same line. */
  readonly end: '\n' | '';
}

export interface RunOptions {
  readonly environment: Environment;
  /** Descriptors that it has to hold open for as long as it runs: locks. */
  readonly held?: readonly number[];
  /** What its question gets for an answer, null for the end of its input; it reads ours where this is not given. */
  readonly answer?: (question: string) => Promise<string | null>;
  /** Told as soon as it has ended. */
  readonly onEnd?: () => void;
  /** Ends it, as Ctrl-C would: nothing that it says from then on is handed over. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a program with our standard input and hands over its output line by line.
 * A terminal's Ctrl-C reaches it too; this process waits for it and lives on.
 *
 * @returns its exit code; 128 + n after signal n.
 */
export async function runLines(
  command: readonly string[],
  { environment, held = [], answer, onEnd, signal }: RunOptions,
  onLine: (output: OutputLine) => void,
): Promise<number> {
  const [file = '', ...words] = command;
  const child = spawn(file, words, {
    env: environment,
    stdio: [answer ? 'pipe' : 'inherit', 'pipe', 'pipe', ...held],
  });
  const { stdin, stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('pipes were asked for');
  // It may end while its answer is on its way.
  stdin?.on('error', () => {});
  child.once('exit', () => onEnd?.());
  let failure: unknown = null;
  const reply = async (question: string): Promise<void> => {
    try {
      const text = await answer?.(question);
      if (text === null) stdin?.end();
      else if (text !== undefined) stdin?.write(text);
    } catch (error) {
      failure = error;
      child.kill();
    }
  };
  const stop = () => child.kill('SIGINT');
  signal?.addEventListener('abort', stop, { once: true });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  const ignore = () => {};
  process.on('SIGINT', ignore).on('SIGTERM', forward).on('SIGHUP', forward);
  try {
    const ended = new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
      });
    });
    const reading = [
      readLines(stdout, (line, end) => {
        if (!signal?.aborted) onLine({ stream: 'stdout', line, end });
        if (end === '') void reply(line);
      }),
      readLines(stderr, (line, end) => {
        if (!signal?.aborted) onLine({ stream: 'stderr', line, end });
      }),
    ];
    const exitCode = await ended;
    await Promise.all(reading);
    if (failure !== null) throw failure;
    return exitCode;
  } finally {
    signal?.removeEventListener('abort', stop);
    process.off('SIGINT', ignore).off('SIGTERM', forward).off('SIGHUP', forward);
  }
}

/** Milliseconds after which text without a line end is a question, to be shown as it stands. */
const promptDelay = 100;

async function readLines(
  stream: Readable,
  onLine: (line: string, end: OutputLine['end']) => void,
): Promise<void> {
  stream.setEncoding('utf8');
  let pending = '';
  const flush = () => {
    if (pending !== '') onLine(pending, '');
    pending = '';
  };
  let timer: NodeJS.Timeout | undefined;
  for await (const chunk of stream as AsyncIterable<string>) {
    clearTimeout(timer);
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) onLine(line, '\n');
    if (pending !== '') timer = setTimeout(flush, promptDelay);
  }
  clearTimeout(timer);
  flush();
}
