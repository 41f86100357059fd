import { errnoOf, hasErrno } from '../../core/errors.ts';
import type { Decided, NormalizedName } from '../../core/types.ts';
import { buildSemantics } from '../../obtain/cold/build/request.ts';
import { obtainImages } from '../../obtain/cold/obtain.ts';
import { provideSystemPackages } from '../../obtain/cold/system-packages/provide.ts';
import { setAccessTime } from '../../store/cold/access-time.ts';
import { archiveOf } from '../../store/find-image.ts';
import type { Image } from '../../store/images.ts';
import { sourcePath } from '../../store/sources.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup, soundImages } from '../sound-images.ts';
import { imageMakerOf } from './image-maker.ts';
import { assistanceOf } from './assistance.ts';
import { hangUp, networkOf } from './network.ts';

/** Images of all that was decided, downloaded, built and unpacked where the store lacks them. */
export async function obtain(
  job: InstallJob,
  decided: readonly Decided[],
  signal: AbortSignal,
): Promise<ReadonlyMap<NormalizedName, Image>> {
  try {
    return await obtainNow(job, decided, signal);
  } catch (error) {
    // Somebody emptied the store between a look at an archive and its reading.
    if (!hasErrno(error, 'ENOENT') || !isStoreTrouble(error, job.context.store)) throw error;
    return await obtainNow(job, decided, signal);
  }
}

async function obtainNow(
  job: InstallJob,
  decided: readonly Decided[],
  signal: AbortSignal,
): Promise<ReadonlyMap<NormalizedName, Image>> {
  const { context, environment, reporter } = job;
  const { settings, store, interpreter } = context;
  const { keyOptions, target, builder, trustModTimes } = imageLookup(job);
  const { timings } = context;
  timings?.enter('check');
  // Where there is an image, its archive is not missed; so a damaged one has to be gone by now.
  await soundImages(job, decided);
  markUsed(job, decided);
  const transport = networkOf(job);
  const maker = imageMakerOf(job);
  maker.isAwaited = true;
  // Else the answer of a slow server would be waited for.
  const stop = () => void hangUp(job);
  signal.addEventListener('abort', stop, { once: true });
  timings?.enter(null);
  try {
    const images = await obtainImages(decided, {
      signal,
      store,
      transport,
      environment,
      emit: reporter.emit,
      timings,
      maxRetries: settings.maxRetries,
      trustModTimes,
      builder,
      keyOptions,
      isolated: job.build?.isolated !== false,
      images: maker,
      buildSemantics: buildSemantics(interpreter.pip?.version ?? null, job.tools),
      target,
      claims: job.claims,
      provideSystemPackages: (build) => provideSystemPackages(build, assistanceOf(job, signal)),
      fillEnvironment: (requirements, prefix, claims) =>
        job.fillEnvironment(job, { requirements, prefix, claims, signal }),
    });
    timings?.enter('finish');
    return images;
  } finally {
    signal.removeEventListener('abort', stop);
    maker.rest();
  }
}

/**
 * A file system need not keep when a file was read, or only to the day: archives say by their time of
 * access that they are wanted, so that no prune takes them before they are read.
 */
function markUsed(job: InstallJob, decided: readonly Decided[]): void {
  const { store } = job.context;
  const lookup = imageLookup(job);
  for (const item of decided) {
    markAccessed(sourcePath(store, item.source));
    const archive = archiveOf(item, lookup);
    if (archive?.kind === 'binary') markAccessed(archive.path);
  }
}

/** Not of a file that is not there, or not ours. */
function markAccessed(path: string): void {
  try {
    setAccessTime(path, Date.now());
  } catch (error) {
    if (errnoOf(error) === null) throw error;
  }
}
