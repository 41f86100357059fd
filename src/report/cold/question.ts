import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isatty, ReadStream } from 'node:tty';
import type { Streams } from '../text.ts';

export type Ask = (question: string, signal: AbortSignal) => Promise<boolean>;

/** Asks at the terminal; null where there is none, on either side. */
export function terminalQuestion({ stderr }: Streams): Ask | null {
  if (!isatty(0) || !isatty(2)) return null;
  return async (question, signal) => {
    stderr(question);
    const answer = await nextLine(signal);
    return /^\s*y(es)?\s*$/i.test(answer ?? '');
  };
}

/**
 * By a descriptor of its own: standard input stays as it is for the children that come after.
 *
 * @returns null at the end of the input.
 * @throws the signal's reason.
 */
async function nextLine(signal: AbortSignal): Promise<string | null> {
  signal.throwIfAborted();
  const input = new ReadStream(openSync('/dev/stdin', 'r'));
  const reader = createInterface({ input, terminal: false });
  let stop = () => {};
  try {
    return await new Promise<string | null>((resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      reader.once('line', resolve);
      reader.once('close', () => resolve(null));
    });
  } finally {
    signal.removeEventListener('abort', stop);
    reader.close();
    input.destroy();
  }
}
