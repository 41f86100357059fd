import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Environment } from '../../config/load.ts';

export type OutputLine = { readonly stream: 'stdout' | 'stderr'; readonly line: string };

/**
 * Runs a program with our standard input and hands over its output line by line.
 * A terminal's Ctrl-C reaches it too; this process waits for it and lives on.
 *
 * @returns its exit code; 128 + n after signal n.
 */
export async function runLines(
  command: readonly string[],
  environment: Environment,
  onLine: (output: OutputLine) => void,
): Promise<number> {
  const [file = '', ...words] = command;
  const child = spawn(file, words, { env: environment, stdio: ['inherit', 'pipe', 'pipe'] });
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
      readLines(child.stdout, (line) => onLine({ stream: 'stdout', line })),
      readLines(child.stderr, (line) => onLine({ stream: 'stderr', line })),
    ];
    const exitCode = await ended;
    await Promise.all(reading);
    return exitCode;
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', forward).off('SIGHUP', forward);
  }
}

async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line);
}
