import { ImageMaker } from '../../obtain/cold/unpack.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup } from '../sound-images.ts';
import { keepWithin } from './keep-within.ts';
import { rememberMetadata } from './remember.ts';

const opened = new WeakMap<InstallJob['options'], ImageMaker>();

/** What makes the images of a line, before all is decided and afterwards. Closed when all is said. */
export function imageMakerOf(job: InstallJob): ImageMaker {
  const { afterwards, claims, context, environment, options, reporter } = job;
  const { store, timings } = context;
  const known = opened.get(options);
  if (known) return known;
  const { emit } = reporter;
  const { target } = imageLookup(job);
  const maker = new ImageMaker(target, {
    store,
    environment,
    emit,
    timings,
    claims,
    made: async (archive, image) => await rememberMetadata(store, archive, image),
  });
  opened.set(options, maker);
  afterwards.add(async () => {
    opened.delete(options);
    using _ = timings?.begin('finish', null);
    await maker.close();
  });
  afterwards.add(keepWithin);
  return maker;
}
