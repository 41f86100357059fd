import type { Decided, MarkerEnvironment } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { evaluateMarker, parseRequirement } from '../../python/pep508.ts';

/**
 * Why a distribution is wanted, from itself up to what the user named: `b 1.0, required by a 2.0`.
 *
 * @returns null for what the user named himself, or where nothing of the decision leads to it.
 */
export function requiredBy(
  item: Decided,
  decided: readonly Decided[],
  markers: MarkerEnvironment,
): string | null {
  const seen = new Set([item]);
  const words: string[] = [];
  for (let at = item; !at.requested; ) {
    const parents = decided.filter((other) => !seen.has(other) && requires(other, at, markers));
    const parent = parents.find(({ requested }) => requested) ?? parents[0];
    if (!parent) break;
    seen.add(parent);
    words.push(`${parent.metadata.name} ${parent.metadata.version}`);
    at = parent;
  }
  return words.length > 0 ? words.join(', required by ') : null;
}

function requires(parent: Decided, { key }: Decided, markers: MarkerEnvironment): boolean {
  return parent.metadata.requiresDist.some((line) => {
    const requirement = parseRequirement(line);
    if (!requirement || normalizeName(requirement.name) !== key) return false;
    const { marker } = requirement;
    return (
      !marker || ['', ...parent.extras].some((extra) => evaluateMarker(marker, markers, extra))
    );
  });
}
