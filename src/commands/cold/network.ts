import { type NetworkOnDemand, networkOnDemand } from '../../obtain/cold/network-on-demand.ts';
import type { InstallJob } from '../job.ts';

const opened = new WeakMap<InstallJob['options'], NetworkOnDemand>();

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
  if (known) return known;
  const network = networkOnDemand(options, environment, context.timings);
  opened.set(options, network);
  afterwards.add(async () => await hangUp(job));
  return network;
}

/** Ends what is still asked, because nobody wants the answers any more. */
export async function hangUp({ options }: Pick<InstallJob, 'options'>): Promise<void> {
  const network = opened.get(options);
  opened.delete(options);
  await network?.close();
}
