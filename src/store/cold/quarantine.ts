import { lstatSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { randomText } from '../../core/random.ts';
import type { Store } from '../layout.ts';
import { makeFolder } from './folders.ts';

/** How much of what was damaged is kept for somebody to look at. */
const keptEntries = 20;

/**
 * Takes what is damaged out of use, with one warning: it is renamed into `damaged/`, where the
 * newest few are kept, and can be made anew in its place.
 *
 * @param paths what belongs together, existing or not; the first gives the name in the warning.
 * @param damage `kind` as in `a damaged source`, `fault` as in `its sha256 is another`.
 */
export async function setAside(
  store: Store,
  paths: readonly [string, ...string[]],
  damage: { readonly kind: string; readonly fault: string },
  emit: Emit,
): Promise<void> {
  await makeFolder(store, store.damaged);
  const time = new Date().toISOString().replace(/[-:.]/g, '');
  const prefix = `${time}-${randomText(3)}`;
  for (const path of paths) {
    const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    if (isThere) await moveAway(path, join(store.damaged, `${prefix}-${basename(path)}`));
  }
  emit({
    type: 'warning',
    message: `Set aside a damaged ${damage.kind}: ${paths[0]}: ${damage.fault}`,
  });
  const names = await readdir(store.damaged);
  for (const name of names.sort().slice(0, -keptEntries)) {
    await rm(join(store.damaged, name), { recursive: true, force: true });
  }
}

async function moveAway(path: string, target: string): Promise<void> {
  try {
    await rename(path, target);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    // A folder of the store that lies on another volume.
    if (!hasErrno(error, 'EXDEV')) throw error;
    await rm(path, { recursive: true, force: true });
  }
}
