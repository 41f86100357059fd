import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Scheme } from '../core/types.ts';
import { type Lock, type LockMode, lockPath, type Waiting } from '../process/lock.ts';

/**
 * Locks an environment by its folder of modules: shared by those who read what is installed,
 * exclusive for who changes it. No file is made for that. Who waits to change it holds the folder
 * above meanwhile, at which new readers wait, so that they cannot keep him waiting for ever.
 *
 * @returns null where others held it until the timeout.
 */
export async function lockEnvironment(
  { purelib }: Scheme,
  mode: LockMode,
  waiting: Waiting,
): Promise<Lock | null> {
  const begun = performance.now();
  const left = () => Math.max(0, waiting.timeout - (performance.now() - begun));
  for (;;) {
    const folder = nearest(purelib);
    const lock = await lockBehindGate(folder, mode, waiting, left);
    // Whoever held it may have made the folder that was missing.
    if (lock === null || folder === nearest(purelib)) return lock;
    lock.release();
  }
}

async function lockBehindGate(
  folder: string,
  mode: LockMode,
  waiting: Waiting,
  left: () => number,
): Promise<Lock | null> {
  const gate = await lockPath(dirname(folder), mode, { ...waiting, timeout: left() });
  if (gate === null) return null;
  try {
    return await lockPath(folder, mode, { ...waiting, timeout: left() });
  } finally {
    gate.release();
  }
}

/** A system's folder for local modules may not be there before something is installed. */
function nearest(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : nearest(dirname(folder));
}
