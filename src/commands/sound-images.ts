import type { Decided, NormalizedName } from '../core/types.ts';
import { keyOptions } from '../plan/request/build-options.ts';
import { umask } from '../process/umask.ts';
import { dueForCheck } from '../store/check-due.ts';
import { findImageOf, type ImageLookup } from '../store/find-image.ts';
import type { Image } from '../store/images.ts';
import type { InstallJob } from './job.ts';

/** What decides which image is meant. */
export type Sought = Pick<
  InstallJob,
  'build' | 'context' | 'environment' | 'installedDigest' | 'options'
>;

export function imageLookup(sought: Sought): ImageLookup {
  const { build, context, environment, installedDigest, options } = sought;
  return {
    keyOptions: (key) => (build ? keyOptions(build, key, installedDigest) : {}),
    store: context.store,
    target: { interpreter: context.interpreter, umask: umask(), bytecode: options.compile },
    builder: context.settings.builder,
    trustModTimes: context.settings.trustModTimes,
    environment,
  };
}

/** The images that the store has of what was decided, checked where that is due; damaged ones are gone. */
export async function soundImages(
  job: InstallJob,
  decided: readonly Decided[],
): Promise<ReadonlyMap<NormalizedName, Image>> {
  const { settings, store } = job.context;
  const lookup = imageLookup(job);
  const found = new Map<NormalizedName, Image>();
  for (const item of decided) {
    const image = findImageOf(item, lookup);
    if (image) found.set(item.key, image);
  }
  const due = dueForCheck(found.values(), settings.verifyImages);
  if (due.length === 0) return found;
  const { expectChecking, removeDamaged } = await import('../store/cold/check-images.ts');
  expectChecking(due);
  // What comes next is loaded while threads start, which would have to be waited for.
  await import('./cold/put-in-place.ts');
  const damaged = await removeDamaged(store, due, job.reporter.emit);
  return new Map([...found].filter(([, image]) => !damaged.has(image)));
}
