import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno, PipAccelError } from '../../core/errors.ts';
import type { Decided, NormalizedName } from '../../core/types.ts';
import { HttpStatus } from '../../obtain/cold/request.ts';
import { decisionFile } from '../../plan/decisions.ts';
import type { Image } from '../../store/images.ts';
import { keyOf } from '../decide.ts';
import type { InstallJob } from '../job.ts';
import { obtain } from './obtain.ts';
import { asFarAsPossible } from './remember.ts';

/**
 * Obtains what was decided by memory, which the index may contradict by now.
 *
 * @returns null where an archive is not there any more, or another lies in its place: then what
 *   was remembered of it is forgotten, and the next decision asks the index.
 * @throws as `obtain` does.
 */
export async function obtainIfThere(
  job: InstallJob,
  decided: readonly Decided[],
  signal: AbortSignal,
): Promise<ReadonlyMap<NormalizedName, Image> | null> {
  try {
    return await obtain(job, decided, signal);
  } catch (error) {
    if (job.context.settings.offline || !isGone(error)) throw error;
    await forget(job, decided);
    return null;
  }
}

function isGone(error: unknown): boolean {
  if (!(error instanceof PipAccelError)) return false;
  const { code, cause } = error;
  const isMissing =
    cause instanceof HttpStatus
      ? cause.status === 404 || cause.status === 410
      : hasErrno(cause, 'ENOENT');
  return code === 'hash-mismatch' || (code === 'download-failed' && isMissing);
}

async function forget(job: InstallJob, decided: readonly Decided[]): Promise<void> {
  const { store } = job.context;
  const key = keyOf(job);
  const places = await namesIn(store.releases);
  const releases = places.flatMap((place) =>
    decided.map((item) => join(store.releases, place, item.key)),
  );
  const forgotten = [...releases, ...(key === null ? [] : [decisionFile(store, key)])];
  const removals = forgotten.map((path) => rm(path, { recursive: true, force: true }));
  await asFarAsPossible(store, Promise.all(removals));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    return [];
  }
}
