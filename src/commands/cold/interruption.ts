import { constants } from 'node:os';
import { PipAccelError } from '../../core/errors.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The user, or a supervisor, wants the work to stop. */
export class Interruption extends PipAccelError {
  /** As a shell tells it: pip's own for Ctrl-C, else 128 + the signal's number. */
  readonly exitCode: number;

  constructor(signal: (typeof signals)[number]) {
    super('interrupted', 'Operation cancelled by user');
    this.exitCode = signal === 'SIGINT' ? 1 : 128 + constants.signals[signal];
  }
}

/**
 * Runs work that stops when a signal asks for it: children are ended, temporary folders
 * removed, and the work rejects with an Interruption.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const aborter = new AbortController();
  const listeners = signals.map((signal) => {
    const listener = () => aborter.abort(new Interruption(signal));
    process.on(signal, listener);
    return { signal, listener };
  });
  try {
    return await work(aborter.signal);
  } finally {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}
