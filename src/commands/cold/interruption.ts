import { constants } from 'node:os';
import { PipAccelError } from '../../core/errors.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The exit code is pip's own after Ctrl-C, else as a shell tells it: 128 + the signal's number. */
function interruption(signal: (typeof signals)[number]): PipAccelError {
  const exitCode = signal === 'SIGINT' ? 1 : 128 + constants.signals[signal];
  return new PipAccelError('interrupted', 'Operation cancelled by user', { exitCode });
}

const running = new Set<AbortController>();
/** The same for all, however many builds go on at a time. */
const listeners = signals.map((signal) => {
  const listener = () => {
    for (const aborter of running) aborter.abort(interruption(signal));
  };
  return { signal, listener };
});

/**
 * Runs work that stops when a signal asks for it: children are ended, temporary folders
 * removed, and the work rejects with PipAccelError `interrupted`.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const aborter = new AbortController();
  if (running.size === 0) {
    for (const { signal, listener } of listeners) process.on(signal, listener);
  }
  running.add(aborter);
  try {
    return await work(aborter.signal);
  } finally {
    running.delete(aborter);
    if (running.size === 0) {
      for (const { signal, listener } of listeners) process.off(signal, listener);
    }
  }
}
