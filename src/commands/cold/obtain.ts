import { umask } from '../../process/umask.ts';
import type { Decided, NormalizedName } from '../../core/types.ts';
import { buildSemantics } from '../../obtain/cold/build/request.ts';
import { obtainImages } from '../../obtain/cold/obtain.ts';
import { openTransport } from '../../obtain/cold/transport.ts';
import { archiveOf } from '../../store/find-image.ts';
import type { Image } from '../../store/images.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup } from './known.ts';
import { rememberMetadata } from './remember.ts';

/** Images of all that was decided, downloaded, built and unpacked where the store lacks them. */
export async function obtain(
  job: InstallJob,
  decided: readonly Decided[],
  signal: AbortSignal,
): Promise<ReadonlyMap<NormalizedName, Image>> {
  const { context, environment, options, reporter } = job;
  const { settings, store, interpreter } = context;
  const transport = settings.offline ? null : await openTransport(options, environment);
  try {
    const { images } = await obtainImages(decided, {
      signal,
      store,
      transport,
      environment,
      emit: reporter.emit,
      maxRetries: settings.maxRetries,
      trustModTimes: settings.trustModTimes,
      builder: settings.builder,
      buildSemantics: buildSemantics(interpreter.pip?.version ?? null, job.tools),
      target: { interpreter, umask: umask() },
      claims: job.claims,
      fillEnvironment: (requirements, prefix, claims) =>
        job.fillEnvironment(job, { requirements, prefix, claims, signal }),
    });
    await rememberWhatTheyRequire(job, decided, images);
    return images;
  } finally {
    await transport?.close();
  }
}

/** The next decision that leads to one of them then need not look into the image. */
async function rememberWhatTheyRequire(
  job: InstallJob,
  decided: readonly Decided[],
  images: ReadonlyMap<NormalizedName, Image>,
): Promise<void> {
  const lookup = imageLookup(job);
  await Promise.all(
    decided.map(async (item) => {
      const image = images.get(item.key);
      const archive = archiveOf(item, lookup);
      if (image && archive) await rememberMetadata(job.context.store, archive, image);
    }),
  );
}
