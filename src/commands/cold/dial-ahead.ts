import { existsSync } from 'node:fs';
import { setImmediate as nextLoop } from 'node:timers/promises';
import { projectPage } from '../../plan/pinned/places.ts';
import type { PinnedQuestion } from '../../plan/pinned/request.ts';
import { normalizeName } from '../../python/names.ts';
import { publicVersion } from '../../python/pep440.ts';
import { releaseFile } from '../../store/releases.ts';
import type { InstallJob } from '../job.ts';
import { networkOf } from './network.ts';

/** What more is wanted finds them open, or opens its own. */
const mostConnections = 16;

/**
 * Begins connections to an index where it will have to be asked for a release: they take two or three
 * round trips to open, and what is known of the other releases takes a while to read.
 *
 * @returns whether there are any now.
 */
export async function dialAhead(
  job: InstallJob,
  { request, places }: PinnedQuestion,
): Promise<boolean> {
  const { store } = job.context;
  const indexes = places.filter((place) => place.kind === 'index');
  const missing = request.demands.flatMap(({ requirement: { name, specifiers } }) => {
    const [specifier] = specifiers;
    const key = normalizeName(name);
    if (specifier?.operator !== '==' || specifier.wildcard || request.installed.has(key)) return [];
    const version = publicVersion(specifier.parsed);
    const isKnown = ({ id: place }: { readonly id: string }) =>
      !request.upgrade && existsSync(releaseFile(store, { place, key, version }));
    const index = indexes.find((place) => !isKnown(place) && !place.url.startsWith('file:'));
    return index ? [projectPage(index.url, key)] : [];
  });
  const [first] = missing;
  const network = first === undefined ? null : networkOf(job);
  if (first === undefined || !network) return false;
  // One for what the first answer leads to.
  network.expect(new URL(first), Math.min(missing.length + 1, mostConnections));
  // Else they begin when this thread has nothing else to do.
  await nextLoop();
  return true;
}
