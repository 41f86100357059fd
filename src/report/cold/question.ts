import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { isatty } from 'node:tty';
import type { Streams } from '../text.ts';

export type Ask = (question: string, signal: AbortSignal) => Promise<boolean>;

/** Asks at the terminal; null where there is none, on either side. */
export function terminalQuestion({ stderr }: Streams): Ask | null {
  if (!isatty(0) || !isatty(2)) return null;
  return async (question, signal) => {
    stderr(question);
    const answer = await nextLine(signal);
    return /^\s*y(es)?\s*$/i.test(answer);
  };
}

/** Milliseconds in which a signal to both has reached this process as well. */
const signalDelay = 100;

/**
 * By a process of its own, which ends with the line: a stream on a terminal keeps Bun alive even
 * when it is destroyed, and standard input has to stay as it is for the children that come after.
 *
 * @returns the empty text at the end of the input.
 * @throws the signal's reason.
 */
async function nextLine(signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const reader = spawn('head', ['-n', '1'], { stdio: ['inherit', 'pipe', 'ignore'] });
  const stop = () => reader.kill();
  signal.addEventListener('abort', stop, { once: true });
  try {
    let said = '';
    reader.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = await new Promise<string | null>((resolve, reject) => {
      reader.once('error', reject).once('close', (_code, signal) => resolve(signal));
    });
    // Ctrl-C reaches both; this process may hear of the other's end first.
    if (ended !== null && !signal.aborted) await setTimeout(signalDelay);
    signal.throwIfAborted();
    return said;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
