import { hasErrno, PipAccelError } from '../core/errors.ts';
import type { Store } from './layout.ts';

/**
 * True for a failure of the data directory (full, read-only, not ours, damaged), without which
 * pip can install all the same.
 */
export function isStoreTrouble(error: unknown, store: Store): boolean {
  if (error instanceof PipAccelError) return error.code === 'store-unusable';
  if (!(error instanceof Error && 'code' in error)) return false;
  // A copy names two paths; a write on an open file does not say which, and only the store's are
  // written where this is asked.
  const { path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  if (path === undefined) return hasErrno(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS');
  return [path, dest ?? path].some((one) => `${one}/`.startsWith(`${store.root}/`));
}
