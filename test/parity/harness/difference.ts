import path from 'node:path';
import type { Entry, Snapshot } from './tree.ts';

/** Files whose bytes are not the same every time pip itself builds them. */
export type Varying = ReadonlySet<string>;

const NOTHING: Varying = new Set();

/**
 * What differs between pip's tree and another at the same path, one readable line each; empty when
 * they are equal. Permitted are the bytes of `.pyc` files, the bytes of `varying` files, and the
 * hash and size that RECORD states for exactly these.
 */
export function differences(
  expected: Snapshot,
  actual: Snapshot,
  varying: Varying = NOTHING,
): readonly string[] {
  const paths = new Set([...expected.keys(), ...actual.keys()]);
  return [...paths]
    .sort()
    .flatMap((name) => difference(name, expected.get(name), actual.get(name), varying));
}

/** What two trees, both made by pip from the same sources, tell about builds that vary. */
export function varyingFiles(first: Snapshot, second: Snapshot): Varying {
  const varying = new Set<string>();
  for (const [name, entry] of first) {
    const other = second.get(name);
    if (entry.type !== 'file' || other?.type !== 'file') continue;
    // RECORD varies as a consequence of the others; its rows are compared one by one.
    if (isBytecode(name) || isRecord(name)) continue;
    if (entry.sha256 !== other.sha256) varying.add(name);
  }
  return varying;
}

function difference(
  name: string,
  expected: Entry | undefined,
  actual: Entry | undefined,
  varying: Varying,
): readonly string[] {
  if (!actual) return [`${name}: missing (pip has a ${expected?.type})`];
  if (!expected) return [`${name}: ${actual.type} that pip has not`];
  if (expected.type !== actual.type)
    return [`${name}: a ${actual.type}, where pip has a ${expected.type}`];
  return [
    ...modeDifference(name, expected, actual),
    ...contentDifference(name, expected, actual, varying),
  ];
}

function modeDifference(name: string, expected: Entry, actual: Entry): readonly string[] {
  if (expected.type === 'link' || actual.type === 'link' || expected.mode === actual.mode)
    return [];
  return [`${name}: mode ${actual.mode.toString(8)}, pip's is ${expected.mode.toString(8)}`];
}

function contentDifference(
  name: string,
  expected: Entry,
  actual: Entry,
  varying: Varying,
): readonly string[] {
  if (expected.type === 'link' && actual.type === 'link') {
    if (expected.target === actual.target) return [];
    return [`${name}: links to ${actual.target}, pip's to ${expected.target}`];
  }
  if (expected.type !== 'file' || actual.type !== 'file') return [];
  if (expected.sha256 === actual.sha256 || isBytecode(name) || varying.has(name)) return [];
  if (isRecord(name))
    return recordDifference(name, expected.text ?? '', actual.text ?? '', varying);
  if (expected.text !== undefined && actual.text !== undefined)
    return lineDifference(name, expected.text.split('\n'), actual.text.split('\n'));
  return [`${name}: other bytes (${actual.size}, pip's ${expected.size})`];
}

function recordDifference(
  name: string,
  expected: string,
  actual: string,
  varying: Varying,
): readonly string[] {
  const sitePackages = path.dirname(path.dirname(name));
  const rows = (text: string): string[] =>
    text.split('\n').map((row) => {
      const parts = /^(?:"((?:[^"]|"")*)"|([^,]*)),[^,]*,[^,]*$/.exec(row);
      const file = parts && (parts[1]?.replaceAll('""', '"') ?? parts[2] ?? '');
      if (!file || !varying.has(path.posix.join(sitePackages, file))) return row;
      return `${file},(varies)`;
    });
  return lineDifference(name, rows(expected), rows(actual));
}

/** At most three lines each way: enough to see what kind of difference it is. */
function lineDifference(
  name: string,
  expected: readonly string[],
  actual: readonly string[],
): readonly string[] {
  const lacks = expected.filter((line) => !actual.includes(line));
  const extra = actual.filter((line) => !expected.includes(line));
  const moved =
    lacks.length === 0 && extra.length === 0 && expected.join('\n') !== actual.join('\n');
  return [
    ...lacks.slice(0, 3).map((line) => `${name}: lacks ${JSON.stringify(line)}`),
    ...extra.slice(0, 3).map((line) => `${name}: has ${JSON.stringify(line)}`),
    ...(lacks.length + extra.length > 6
      ? [`${name}: ${lacks.length + extra.length} lines in all`]
      : []),
    ...(moved ? [`${name}: the same lines in another order or number`] : []),
  ];
}

function isBytecode(name: string): boolean {
  return name.endsWith('.pyc');
}

function isRecord(name: string): boolean {
  return name.endsWith('.dist-info/RECORD');
}
