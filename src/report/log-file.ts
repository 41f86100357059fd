import { appendFileSync } from 'node:fs';
import type { Emit } from '../core/events.ts';

/**
 * Adds every event to a file, a line of JSON each. Lines of runs that write at the same time do
 * not mix: each is one `write` to a file opened for appending.
 */
export function logFile(path: string | null): Emit {
  if (path === null) return () => {};
  return (event) => {
    try {
      appendFileSync(path, `${JSON.stringify({ time: Date.now(), pid: process.pid, ...event })}\n`);
    } catch {
      // A log that cannot be written is no reason to fail an installation.
    }
  };
}
