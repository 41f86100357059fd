import type { PlannedItem } from '../plan/plan.ts';
import { compareText } from '../python/text.ts';

/** pip's lines about an installation (`req/__init__.py`, `commands/install.py`), as people parse them. */

export function installingLine(items: readonly PlannedItem[]): string {
  return `Installing collected packages: ${items.map(({ spelling }) => spelling).join(', ')}`;
}

/** What pip says of the version that goes. */
export function uninstallLines({ spelling, replaces }: PlannedItem): readonly string[] {
  if (!replaces) return [];
  const { name, version } = replaces;
  return [
    `  Attempting uninstall: ${spelling}`,
    `    Found existing installation: ${name} ${version}`,
    `    Uninstalling ${name}-${version}:`,
    `      Successfully uninstalled ${name}-${version}`,
  ];
}

/** Sorted by name as text, whatever the order of installation. */
export function installedLine(items: readonly PlannedItem[]): string {
  const installed = items
    .map(({ spelling, decided }) => ({ spelling, version: decided.metadata.version }))
    .sort((left, right) => compareText(left.spelling, right.spelling));
  const words = installed.map(({ spelling, version }) => `${spelling}-${version}`);
  return `Successfully installed ${words.join(' ')}`;
}
