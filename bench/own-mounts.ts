import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Tells a process that what it mounts is seen by nobody else, and goes with it. */
const mark = 'PIP_ACCEL_BENCH_MOUNTS';

/**
 * Starts this program once more, where it can mount volumes of its own (`unshare(1)`).
 *
 * @returns its exit code; null where it is that program, or the system has no such place.
 */
export async function withOwnMounts(): Promise<number | null> {
  if (process.env[mark] !== undefined) return null;
  const isRoot = process.getuid?.() === 0;
  const words = ['--mount', ...(isRoot ? [] : ['--user', '--map-root-user'])];
  if (spawnSync('unshare', [...words, 'true']).status !== 0) return null;
  const child = spawn('unshare', [...words, process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [mark]: 'yes' },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}

/**
 * A folder that is a volume by itself, in memory, below another folder.
 *
 * @returns null where none can be mounted.
 */
export function ownVolume(parent: string): string | null {
  if (process.env[mark] === undefined) return null;
  const folder = mkdtempSync(join(parent, 'pip-accel-bench-'));
  if (spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]).status === 0) return folder;
  rmSync(folder, { recursive: true });
  return null;
}
