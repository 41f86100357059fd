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
  /** Those that have come, or will not. */
  readonly arrivals: Promise<unknown>[];
}

const expectations = new WeakMap<InstallJob['options'], Expectations>();

/**
 * Gets a wheel that will most likely be wanted, and makes its image, while it is decided, until
 * the network is hung up. Whatever goes wrong is met again by who wants it.
 */
export function expectArchive(job: InstallJob, wheel: Decided): void {
  const { arrivals, begun, limit } = expectationsOf(job);
  const { key, metadata, source } = wheel;
  if (begun.has(source.url)) return;
  const { context, reporter } = job;
  const { settings, store, timings } = context;
  const transport = networkOf(job);
  const images = imageMakerOf(job);
  const signal = whileConnected(job);
  const { maxRetries, trustModTimes } = settings;
  const { emit } = reporter;
  const reader = { signal, answered: () => {}, grew: () => {} };
  const downloads = { store, transport, maxRetries, trustModTimes, emit, timings, signal, reader };
  images.expect();
  const arriving = limit(async () => {
    signal.throwIfAborted();
    return await obtainSource(source, downloads);
  });
  arrivals.push(arriving.catch(() => null));
  const expected = async () => {
    const stored = await arriving;
    await images.imageOf({ kind: 'wheel', key, version: metadata.version, ...stored }, signal);
  };
  begun.set(
    source.url,
    expected().catch(() => null),
  );
}

/** Waits until all that is expected has come and is unpacked, as far as it does. */
export async function whenUnpacked(job: InstallJob): Promise<void> {
  const known = expectations.get(job.options);
  if (!known) return;
  await Promise.all(known.arrivals);
  await imageMakerOf(job).unpacked();
}

function expectationsOf(job: InstallJob): Expectations {
  const known = expectations.get(job.options);
  if (known) return known;
  const limit = pLimit(parallelDownloads);
  const opened: Expectations = { limit, begun: new Map(), arrivals: [] };
  expectations.set(job.options, opened);
  job.afterwards.add(async () => {
    await hangUp(job);
    await Promise.all(opened.begun.values());
  });
  return opened;
}
