import { resolve } from 'node:path';
import type { DistributionMetadata, InstalledDistribution, NormalizedName } from '../core/types.ts';
import type { PlannedItem } from '../plan/plan.ts';
import { normalizeName } from '../python/names.ts';
import { displayPath } from '../python/pip.ts';
import { compareText } from '../python/text.ts';

/** pip's lines about an installation (`req/__init__.py`, `commands/install.py`), as people parse them. */

export function installingLine(items: readonly PlannedItem[]): string {
  return `Installing collected packages: ${items.map(({ spelling }) => spelling).join(', ')}`;
}

/**
 * What pip says of the version that goes.
 *
 * @param metadata of what is replaced: pip names it as its own metadata does.
 */
export function uninstallLines(
  { spelling }: PlannedItem,
  { name, version }: DistributionMetadata,
): readonly string[] {
  return [
    `  Attempting uninstall: ${spelling}`,
    `    Found existing installation: ${name} ${version}`,
    `    Uninstalling ${name}-${version}:`,
    `      Successfully uninstalled ${name}-${version}`,
  ];
}

/**
 * Sorted by name as text, whatever the order of installation.
 *
 * @param found the versions that a look at the environment finds afterwards: with
 *   `--ignore-installed` an old version stays beside the new one, and may be found first.
 */
export function installedLine(
  items: readonly PlannedItem[],
  found: ReadonlyMap<NormalizedName, InstalledDistribution>,
): string {
  const installed = items
    .map(({ spelling, decided: { key, metadata } }) => ({
      spelling,
      version: found.get(key)?.version ?? metadata.version,
    }))
    .sort((left, right) => compareText(left.spelling, right.spelling));
  const words = installed.map(({ spelling, version }) => `${spelling}-${version}`);
  return `Successfully installed ${words.join(' ')}`;
}

/** Lines of a decision that are said again when it comes from memory; what told of downloads is not. */
const replayed =
  /^(Collecting |Obtaining |Processing |Looking in |Ignoring |Requirement already |\S+ is already installed with the same version )/;

/** What pip does to learn the metadata of a source: said while it decides, and again when it installs that. */
const preparation =
  /^ {2}(Installing build dependencies|Checking if build backend|Getting requirements to build|Installing backend dependencies|Preparing (editable )?metadata)/;

/** Lines of an installation that were said before, in the decision, or that stand for a part of it only. */
export function isOfTheWholeLine(line: string): boolean {
  return (
    /^(Installing collected packages:|Successfully installed |Processing |Collecting |Obtaining |Looking in )/.test(
      line,
    ) || preparation.test(line)
  );
}

/** What has changed since a decision's lines were said. */
export interface ReplayPlace {
  readonly installed: Iterable<InstalledDistribution>;
  /** Paths of the projects and archives that pip installs itself, which are prepared each time. */
  readonly direct: ReadonlySet<string>;
}

/** pip's lines of an earlier run, with the places at which distributions lie now. */
export function replayedLines(lines: readonly string[], place: ReplayPlace): readonly string[] {
  const locations = new Map([...place.installed].map(({ key, location }) => [key, location]));
  let isDirect = false;
  return lines.flatMap((line) => {
    if (!line.startsWith(' ')) isDirect = isOfDirect(line, place.direct);
    if (!replayed.test(line) && !(isDirect && preparation.test(line))) return [];
    return [withLocation(line, locations)];
  });
}

function isOfDirect(line: string, direct: ReadonlySet<string>): boolean {
  const processed = /^Processing (.*?)(?: \(from .*\))?$/.exec(line)?.[1];
  return processed === undefined ? line.startsWith('Obtaining ') : direct.has(resolve(processed));
}

const satisfied = /^Requirement already [\w ,-]+: (([\w.-]+).*?) in (\S.*?) \(/;

/** The distributions that pip found installed. */
export function satisfiedNames(lines: readonly string[]): readonly NormalizedName[] {
  return lines.flatMap((line) => {
    const [, , name] = satisfied.exec(line) ?? [];
    return name === undefined ? [] : [normalizeName(name)];
  });
}

function withLocation(line: string, locations: ReadonlyMap<NormalizedName, string>): string {
  const [, requirement, name = '', place = ''] = satisfied.exec(line) ?? [];
  const location = locations.get(normalizeName(name));
  if (requirement === undefined || location === undefined) return line;
  return line.replace(` in ${place} (`, ` in ${displayPath(location)} (`);
}
