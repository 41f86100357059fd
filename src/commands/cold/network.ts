import { type DialedTransport, openTransport } from '../../obtain/cold/transport.ts';
import type { InstallJob } from '../job.ts';

const opened = new WeakMap<InstallJob['options'], Promise<DialedTransport>>();

/**
 * The network of a line, the same for pages, metadata and archives: to open a connection takes two
 * or three round trips. Closed when all is said.
 *
 * @returns null with `--offline`.
 */
export async function networkOf(job: InstallJob): Promise<DialedTransport | null> {
  const { afterwards, context, environment, options } = job;
  if (context.settings.offline) return null;
  const known = opened.get(options);
  if (known) return await known;
  const opening = openTransport(options, environment);
  opened.set(options, opening);
  await opening;
  afterwards.add(async () => await hangUp(job));
  return await opening;
}

/** Ends what is still asked, because nobody wants the answers any more. */
export async function hangUp({ options }: Pick<InstallJob, 'options'>): Promise<void> {
  const transport = await opened.get(options);
  opened.delete(options);
  await transport?.close();
}
