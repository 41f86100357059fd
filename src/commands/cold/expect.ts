import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import { PipAccelError } from '../../core/errors.ts';
import type { Decided } from '../../core/types.ts';
import { obtainSource } from '../../obtain/cold/download.ts';
import { parallelDownloads } from '../../obtain/cold/obtain.ts';
import type { InstallJob } from '../job.ts';
import { imageMakerOf } from './image-maker.ts';
import { networkOf } from './network.ts';

const expectations = new WeakMap<InstallJob['options'], AbortController>();

/**
 * Gets wheels that will most likely be wanted, and makes their images, while it is decided. Whatever
 * goes wrong is met again by who wants them.
 */
export function expectArchives(job: InstallJob, wheels: readonly Decided[]): void {
  const { context, options, reporter } = job;
  const { settings, store, timings } = context;
  const transport = networkOf(job);
  const images = imageMakerOf(job);
  const aborter = expectations.get(options) ?? new AbortController();
  expectations.set(options, aborter);
  const { signal } = aborter;
  setMaxListeners(0, signal);
  const { maxRetries, trustModTimes } = settings;
  const { emit } = reporter;
  const reader = { signal, answered: () => {}, grew: () => {} };
  const downloads = { store, transport, maxRetries, trustModTimes, emit, timings, signal, reader };
  const limit = pLimit(parallelDownloads);
  const all = wheels.map(async ({ key, metadata: { version }, source }) => {
    const stored = await limit(async () => {
      signal.throwIfAborted();
      return await obtainSource(source, downloads);
    });
    await images.imageOf({ kind: 'wheel', key, version, ...stored }, signal);
  });
  const ended = Promise.allSettled(all);
  job.afterwards.add(async () => {
    callOffArchives(job);
    await ended;
  });
}

/** They are not wanted after all. */
export function callOffArchives({ options }: Pick<InstallJob, 'options'>): void {
  expectations.get(options)?.abort(new PipAccelError('interrupted', 'It is not wanted any more'));
  expectations.delete(options);
}
