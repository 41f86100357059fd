import { fstatSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

/**
 * Has `process.stderr` write without a stream of its own. Node opens one as soon as anybody looks at
 * it, and its own modules do (`node:assert`, every socket that closes): a pipe is non-blocking then,
 * also for the pip that shares it, whose `print` fails when it is full.
 */
export function keepErrorsBlocking(): void {
  const status = fstatSync(2);
  if (!status.isFIFO() && !status.isSocket()) return;
  const write = (chunk: Uint8Array, _encoding: unknown, done: (error?: Error) => void) => {
    writeSync(2, chunk);
    done();
  };
  Object.defineProperty(process, 'stderr', {
    configurable: true,
    value: Object.assign(new Writable({ write }), { fd: 2 }),
  });
}
