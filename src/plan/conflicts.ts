import type { DistributionMetadata, MarkerEnvironment, NormalizedName } from '../core/types.ts';
import { normalizeName } from '../python/names.ts';
import { contains } from '../python/pep440.ts';
import { formatRequirement, type Requirement } from '../python/pep508.ts';
import { dependencies } from './graph.ts';

/** Every distribution that the environment will hold. */
export type PackageSet = ReadonlyMap<NormalizedName, DistributionMetadata>;

/**
 * What pip warns of after an installation (`operations/check.py`, `check_install_conflicts`):
 * requirements of what is installed now, and of what depends on it, that do not hold.
 *
 * @returns pip's message, or null where all is well.
 */
export function conflictMessage(
  packages: PackageSet,
  installed: ReadonlySet<NormalizedName>,
  markers: MarkerEnvironment,
): string | null {
  const missing: string[] = [];
  const conflicting: string[] = [];
  for (const [key, metadata] of packages) {
    const requirements = dependencies(metadata, [], markers);
    const isAffected =
      installed.has(key) || requirements.some(({ name }) => installed.has(normalizeName(name)));
    if (!isAffected) continue;
    const problems = problemsOf(metadata, requirements, packages);
    missing.push(...problems.missing);
    conflicting.push(...problems.conflicting);
  }
  if (missing.length + conflicting.length === 0) return null;
  const cause =
    "pip's dependency resolver does not currently take into account all the packages that are installed. " +
    'This behaviour is the source of the following dependency conflicts.';
  return [cause, ...missing, ...conflicting].join('\n');
}

function problemsOf(
  metadata: DistributionMetadata,
  requirements: readonly Requirement[],
  packages: PackageSet,
) {
  const owner = `${normalizeName(metadata.name)} ${metadata.version}`;
  const missing = new Set<string>();
  const conflicting = new Set<string>();
  for (const requirement of requirements) {
    const key = normalizeName(requirement.name);
    const present = packages.get(key);
    const text = formatRequirement(requirement);
    if (!present) {
      missing.add(`${owner} requires ${text}, which is not installed.`);
    } else if (!contains(requirement.specifiers, present.version, true)) {
      conflicting.add(
        `${owner} requires ${text}, but you have ${key} ${present.version} which is incompatible.`,
      );
    }
  }
  return { missing: [...missing].sort(), conflicting: [...conflicting].sort() };
}
