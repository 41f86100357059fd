import type { InstalledDistribution } from '../../core/types.ts';
import { formatVersion, parseVersion } from '../../python/pep440.ts';
import { formatRequirement, type Requirement } from '../../python/pep508.ts';
import { atLeast, displayPath } from '../../python/pip.ts';
import type { AllowedHashes } from './candidates.ts';

/** A requirement on its way through the resolution (pip's `InstallRequirement`). */
export interface Demand {
  readonly requirement: Requirement;
  readonly hashes: AllowedHashes;
  /** Named by the user. */
  readonly isUsers: boolean;
  /** The version that pip names it by, whatever it says itself. */
  readonly version?: string;
  /** `-r requirements.txt (line 1)`, the demand of what requires it, or null for the command line. */
  readonly from: string | Demand | null;
}

/** As pip names it once a file stands for it: the marker is gone. */
export function withoutMarker(demand: Demand): Demand {
  return { ...demand, requirement: { ...demand.requirement, marker: null } };
}

/** What a requirement with extras says of the project itself; pip takes it for the result of that one. */
export function withoutExtras(demand: Demand): Demand {
  return { ...demand, requirement: { ...demand.requirement, extras: [] }, from: demand };
}

/** ` (from parent==1->-r requirements.txt (line 1))` (`req/req_install.py`, `from_path`). */
function origin({ from }: Demand): string {
  if (from === null) return '';
  return ` (from ${typeof from === 'string' ? from : pathOf(from)})`;
}

function pathOf(demand: Demand): string {
  const text = textOf(demand);
  if (demand.from === null) return text;
  return `${text}->${typeof demand.from === 'string' ? demand.from : pathOf(demand.from)}`;
}

function textOf({ requirement, version }: Demand): string {
  return version === undefined ? formatRequirement(requirement) : `${requirement.name}==${version}`;
}

/** What pip says when it takes a file (`operations/prepare.py`, `_log_preparing_link`). */
export function collectingLine(demand: Demand, localPath: string | null, pip: string): string {
  // Since 23.1 pip says where a requirement comes from.
  const suffix = atLeast(pip, 23, 1) ? origin(demand) : '';
  return localPath === null
    ? `Collecting ${textOf(demand)}${suffix}`
    : `Processing ${displayPath(localPath)}${suffix}`;
}

export function satisfiedLine(
  demand: Demand,
  { location, version }: InstalledDistribution,
): string {
  const parsed = parseVersion(version);
  const spelled = parsed ? formatVersion(parsed) : version;
  const text = textOf(demand);
  return `Requirement already satisfied: ${text} in ${displayPath(location)}${origin(demand)} (${spelled})`;
}

/** @param marker as pip prints it. */
export function ignoringLine(name: string, marker: string): string {
  return `Ignoring ${name}: markers '${marker}' don't match your environment`;
}
