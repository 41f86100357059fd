import { lockSync } from 'proper-lockfile';
import { hasErrno } from '../../core/errors.ts';
import type { Lock } from '../lock.ts';

/**
 * Milliseconds after which a lock file that nobody touched belongs to nobody. Its holder touches it
 * from a timer, which has to wait for as long as files are linked.
 */
const staleAfter = 300_000;

/**
 * Locks by a folder `<path>.lock`, which every file system makes for one process only; never shared.
 *
 * @throws where the folder cannot be made.
 */
export function tryLockFile(path: string): Lock | 'busy' {
  try {
    const release = lockSync(path, { stale: staleAfter, update: staleAfter / 10 });
    return { descriptor: null, release };
  } catch (error) {
    if (hasErrno(error, 'ELOCKED')) return 'busy';
    throw error;
  }
}
