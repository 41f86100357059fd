import { hasErrno, PipAccelError } from '../core/errors.ts';
import type { Store } from './layout.ts';

/**
 * True for a failure of the data directory (full, read-only, not ours, damaged), without which
 * pip can install all the same.
 */
export function isStoreTrouble(error: unknown, store: Store): boolean {
  if (error instanceof PipAccelError) return error.code === 'store-unusable';
  if (!(error instanceof Error && 'code' in error)) return false;
  // A write on an open file does not say which; only the store's are written where this is asked.
  const path = (error as NodeJS.ErrnoException).path;
  return path === undefined
    ? hasErrno(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS')
    : path === store.root || path.startsWith(`${store.root}/`);
}
