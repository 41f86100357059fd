import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Store } from '../layout.ts';
import { distrust } from '../trust.ts';

/**
 * Makes a folder of the store, and those above it, such that their names outlive a power cut and
 * that nobody else can write to them, whatever the umask.
 *
 * @throws PipAccelError `store-unusable` where somebody else could have put something there.
 */
export async function makeFolder(store: Store, folder: string, mode = 0o755): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode });
  const fault = distrust(store, [folder]);
  if (fault) throw fault;
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await syncPath(dirname(made));
  }
}

/** `fsync(2)` of a file or a folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
