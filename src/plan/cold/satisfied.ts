import type {
  DistributionMetadata,
  InstalledDistribution,
  MarkerEnvironment,
  NormalizedName,
} from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { contains, type Specifier } from '../../python/pep440.ts';
import { dependencies } from '../graph.ts';
import { readMetadata } from '../installed.ts';

/** A project that something requires. */
export interface Wanted {
  readonly name: string;
  readonly extras: readonly string[];
  readonly specifiers: readonly Specifier[];
}

export interface Satisfaction {
  /** What the user named. */
  readonly wanted: readonly Wanted[];
  readonly constraints: readonly Wanted[];
  /** What pip is going to install in any case. */
  readonly projects: ReadonlyMap<NormalizedName, DistributionMetadata>;
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  readonly markers: MarkerEnvironment;
}

/** True where, the projects themselves apart, all that is wanted is installed, with all that it requires. */
export function isSatisfied(request: Satisfaction): boolean {
  const { projects, installed, markers } = request;
  const isPresent = ({ name, specifiers }: Wanted) => {
    const key = normalizeName(name);
    const version = projects.get(key)?.version ?? installed.get(key)?.version;
    return version !== undefined && contains(specifiers, version, true);
  };
  const isBroken = (wanted: Wanted) => {
    const key = normalizeName(wanted.name);
    return (projects.has(key) || installed.has(key)) && !isPresent(wanted);
  };
  if (request.constraints.some(isBroken)) return false;
  const queue = [...request.wanted];
  const met = new Set<string>();
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (!isPresent(next)) return false;
    const key = normalizeName(next.name);
    const present = installed.get(key);
    const metadata = projects.get(key) ?? (present && readMetadata(present.metadataPath));
    for (const extra of ['', ...next.extras]) {
      if (!metadata || met.has(`${key}[${extra}]`)) continue;
      met.add(`${key}[${extra}]`);
      queue.push(...dependencies(metadata, extra === '' ? [] : [extra], markers));
    }
  }
  return true;
}
