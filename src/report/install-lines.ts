import type { DistributionMetadata, InstalledDistribution, NormalizedName } from '../core/types.ts';
import type { KeptLine } from '../plan/decisions.ts';
import type { PlannedItem } from '../plan/plan.ts';
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

/** pip's lines of an earlier run, with the places at which distributions lie now. */
export function replayedLines(
  lines: readonly KeptLine[],
  installed: ReadonlyMap<NormalizedName, InstalledDistribution>,
): readonly string[] {
  const places = new Map<string, string>();
  return lines.map((line) => {
    if (typeof line === 'string') return line;
    const [before, key, after] = line;
    const location = installed.get(key)?.location ?? '';
    let place = places.get(location);
    if (place === undefined) {
      place = displayPath(location);
      places.set(location, place);
    }
    return before + place + after;
  });
}

/** The distributions that pip found installed. */
export function satisfiedNames(lines: readonly KeptLine[]): readonly NormalizedName[] {
  return lines.flatMap((line) => (typeof line === 'string' ? [] : [line[1]]));
}
