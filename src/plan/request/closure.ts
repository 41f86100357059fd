import type { Decided, MarkerEnvironment } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import type { Requirement } from '../../python/pep508.ts';
import { dependencies } from '../graph.ts';
import { isPinned, type NamedEntry } from '../requirements/entries.ts';
import { restsOnFolders } from './find-links.ts';
import { mentionsOption } from './options.ts';
import { holds, type InstallRequest } from './request.ts';
import { namedRoots } from './roots.ts';

/**
 * True where no index can change a decision: each distribution is pinned by what was asked, or
 * by one that is. Then it holds for ever; so does "all is satisfied", for which pip asks no index.
 */
export function isClosurePinned(
  request: InstallRequest,
  decided: readonly Decided[],
  markers: MarkerEnvironment,
): boolean {
  if (restsOnFolders(request)) return true;
  if (mentionsOption(request, 'upgrade') || mentionsOption(request, 'pre')) return false;
  const pinned = new Set(
    request.entries
      .filter((entry): entry is NamedEntry => entry.kind === 'named' && holds(entry, markers))
      .filter(
        (entry) => isPinned(entry.requirement) || Object.keys(entry.options.hashes).length > 0,
      )
      .map((entry) => normalizeName(entry.requirement.name)),
  );
  if (!mentionsOption(request, 'no-deps') && !mentionsOption(request, 'no-dependencies')) {
    for (const requirement of requirementsOf(request, decided, markers)) {
      if (isPinned(requirement)) pinned.add(normalizeName(requirement.name));
    }
  }
  // The bytes at a path are a part of the request.
  return decided.every(({ key, direct }) => direct !== null || pinned.has(key));
}

/** What the decided distributions require of each other here, with the extras that are asked for. */
function requirementsOf(
  request: InstallRequest,
  decided: readonly Decided[],
  markers: MarkerEnvironment,
): readonly Requirement[] {
  const metadataOf = new Map(decided.map(({ key, metadata }) => [key, metadata]));
  const queue: { readonly name: string; readonly extras: readonly string[] }[] = [
    ...decided.map(({ key }) => ({ name: key, extras: [] })),
    ...decided.flatMap(({ key, extras, direct }) => (direct ? [{ name: key, extras }] : [])),
    ...namedRoots(request, markers),
  ];
  const met = new Set<string>();
  const found: Requirement[] = [];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const key = normalizeName(next.name);
    const node = `${key}[${next.extras.join(',')}]`;
    const metadata = metadataOf.get(key);
    if (!metadata || met.has(node)) continue;
    met.add(node);
    const required = dependencies(metadata, next.extras, markers);
    found.push(...required);
    queue.push(...required);
  }
  return found;
}
