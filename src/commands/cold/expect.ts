import pLimit from 'p-limit';
import type { Decided } from '../../core/types.ts';
import { obtainSource } from '../../obtain/cold/download.ts';
import { parallelDownloads } from '../../obtain/cold/obtain.ts';
import type { InstallJob } from '../job.ts';
import { imageMakerOf } from './image-maker.ts';
import { hangUp, networkOf, whileConnected } from './network.ts';

interface Expectations {
  readonly limit: ReturnType<typeof pLimit>;
  /** By URL. */
  readonly begun: Map<string, Promise<unknown>>;
}

const expectations = new WeakMap<InstallJob['options'], Expectations>();

/**
 * Gets wheels that will most likely be wanted, and makes their images, while it is decided, until
 * the network is hung up. Whatever goes wrong is met again by who wants them.
 */
export function expectArchives(job: InstallJob, wheels: readonly Decided[]): void {
  const { context, reporter } = job;
  const { settings, store, timings } = context;
  const { begun, limit } = expectationsOf(job);
  const transport = networkOf(job);
  const images = imageMakerOf(job);
  const signal = whileConnected(job);
  const { maxRetries, trustModTimes } = settings;
  const { emit } = reporter;
  const reader = { signal, answered: () => {}, grew: () => {} };
  const downloads = { store, transport, maxRetries, trustModTimes, emit, timings, signal, reader };
  const expect = async ({ key, metadata: { version }, source }: Decided) => {
    const stored = await limit(async () => {
      signal.throwIfAborted();
      return await obtainSource(source, downloads);
    });
    await images.imageOf({ kind: 'wheel', key, version, ...stored }, signal);
  };
  images.expect();
  for (const wheel of wheels) {
    const { url } = wheel.source;
    if (!begun.has(url))
      begun.set(
        url,
        expect(wheel).catch(() => null),
      );
  }
}

function expectationsOf(job: InstallJob): Expectations {
  const known = expectations.get(job.options);
  if (known) return known;
  const opened = { limit: pLimit(parallelDownloads), begun: new Map<string, Promise<unknown>>() };
  expectations.set(job.options, opened);
  job.afterwards.add(async () => {
    await hangUp(job);
    await Promise.all(opened.begun.values());
  });
  return opened;
}
