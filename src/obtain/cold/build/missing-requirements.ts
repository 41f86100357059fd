import type { MarkerEnvironment } from '../../../core/types.ts';
import { normalizeName } from '../../../python/names.ts';
import { contains } from '../../../python/pep440.ts';
import { evaluateMarker, parseRequirement } from '../../../python/pep508.ts';
import type { Present } from './environment.ts';

export interface Checked {
  readonly missing: readonly string[];
  /** `setuptools==65.5.0 is there, setuptools>=70 is wanted`. */
  readonly conflicting: readonly string[];
}

/**
 * What of a backend's requirements an environment lacks (pip's `check_requirements`). A line that
 * cannot be read counts as missing: whoever installs it says what is wrong.
 */
export function checkRequirements(
  requirements: readonly string[],
  present: readonly Present[],
  markers: MarkerEnvironment,
): Checked {
  const missing: string[] = [];
  const conflicting: string[] = [];
  for (const line of requirements) {
    const requirement = parseRequirement(line);
    if (requirement?.marker && evaluateMarker(requirement.marker, markers, '') === false) continue;
    const key = normalizeName(requirement?.name ?? '');
    const found = present.find((candidate) => normalizeName(candidate.name) === key);
    if (!requirement || !found) {
      missing.push(line);
    } else if (!contains(requirement.specifiers, found.version, true)) {
      conflicting.push(`${found.name}==${found.version} is there, ${line} is wanted`);
    }
  }
  return { missing, conflicting };
}
