import { setMaxListeners } from 'node:events';
import { PipAccelError } from '../../core/errors.ts';
import { type NetworkOnDemand, networkOnDemand } from '../../obtain/cold/network-on-demand.ts';
import type { InstallJob } from '../job.ts';

interface Opened {
  readonly network: NetworkOnDemand;
  readonly hungUp: AbortController;
}

const opened = new WeakMap<InstallJob['options'], Opened>();

/**
 * The network of a line, the same for pages, metadata and archives: to open a connection takes two
 * or three round trips. Closed when all is said.
 *
 * @returns null with `--offline`.
 */
export function networkOf(job: InstallJob): NetworkOnDemand | null {
  const { afterwards, context, environment, options } = job;
  if (context.settings.offline) return null;
  const known = opened.get(options);
  if (known) return known.network;
  const network = networkOnDemand(options, environment, context.timings);
  const hungUp = new AbortController();
  // Everything that is on its way listens.
  setMaxListeners(0, hungUp.signal);
  opened.set(options, { network, hungUp });
  afterwards.add(async () => await hangUp(job));
  return network;
}

/** Ends what is still asked, because nobody wants the answers any more. */
export async function hangUp({ options }: Pick<InstallJob, 'options'>): Promise<void> {
  const known = opened.get(options);
  opened.delete(options);
  known?.hungUp.abort(new PipAccelError('interrupted', 'It is not wanted any more'));
  await known?.network.close();
}

/** Aborted when a network is hung up, before its requests fail. */
export function whileConnected({ options }: Pick<InstallJob, 'options'>): AbortSignal {
  return opened.get(options)?.hungUp.signal ?? AbortSignal.abort();
}
