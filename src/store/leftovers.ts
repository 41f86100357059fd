import { readdirSync } from 'node:fs';
import type { Store } from './layout.ts';

/** Whether somebody is at work in the store, or was killed there. */
export function hasWorkInProgress(store: Store): boolean {
  try {
    return readdirSync(store.temporary).length > 0;
  } catch {
    // There is none yet, or it is another user's.
    return false;
  }
}
