import { median, type Sample } from './measure.ts';

/** Every kind of work that is measured. */
export const scenarios = {
  warm: 'fresh environment at a new path, all known',
  'same-path': 'fresh environment at a path used before, all known',
  copy: 'fresh environment on another volume, all known',
  noop: 'nothing to do',
  upgrade: 'one distribution is there in an older version, all known',
  online: 'fresh environment at a new path, all known',
  'cold-wheel': 'one small wheel, nothing known',
  'cold-sdist': 'one small sdist, nothing known',
  editable: '`-e` of a small project, build requirements known',
  growth: 'fresh environment at a new path, all known, more and more distributions',
} as const;
export type Scenario = keyof typeof scenarios;

/** One contestant in one scenario. */
export interface Key {
  readonly filesystem: string;
  readonly scenario: Scenario;
  /** Distributions in the set; 1 where there is no set. */
  readonly size: number;
  readonly contestant: string;
}

export interface Result extends Key {
  readonly samples: readonly Sample[];
}

/** What a command asked of the kernel. */
export interface CallCount {
  readonly what: string;
  readonly contestant: string;
  readonly distributions: number;
  /** By name of the call. */
  readonly calls: Readonly<Record<string, number>>;
}

export interface Results {
  readonly machine: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly results: readonly Result[];
  readonly calls: readonly CallCount[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** What was measured last of all that was measured: earlier results stay where there are no later ones. */
export function withLater(earlier: Results, later: Results): Results {
  const name = ({ filesystem, scenario, size, contestant }: Key) =>
    `${filesystem} ${scenario} ${size} ${contestant}`;
  const counted = ({ what, contestant, distributions }: CallCount) =>
    `${what} ${contestant} ${distributions}`;
  return {
    ...later,
    results: replaced(earlier.results, later.results, name),
    calls: replaced(earlier.calls, later.calls, counted),
    notes: [...new Set([...earlier.notes, ...later.notes])],
  };
}

/** Each in the place where it was measured first. */
function replaced<One>(
  earlier: readonly One[],
  later: readonly One[],
  name: (one: One) => string,
): readonly One[] {
  return [...new Map([...earlier, ...later].map((one) => [name(one), one])).values()];
}

/** Round by round; empty where it was not measured. */
export function samplesOf(results: readonly Result[], key: Key): readonly Sample[] {
  const found = results.find(
    ({ filesystem, scenario, size, contestant }) =>
      filesystem === key.filesystem &&
      scenario === key.scenario &&
      size === key.size &&
      contestant === key.contestant,
  );
  return found?.samples ?? [];
}

/** The median over the rounds, or null where it was not measured. */
export function medianOf(
  results: readonly Result[],
  key: Key,
  pick: (sample: Sample) => number = ({ milliseconds }) => milliseconds,
): number | null {
  const samples = samplesOf(results, key);
  return samples.length > 0 ? median(samples.map(pick)) : null;
}

/**
 * Those of a command that are about files, and the same every time: how often threads wait for
 * each other is chance.
 */
export function fileCalls({ calls }: CallCount): number {
  const aboutFiles =
    /^(open|stat|lstat|newfstat|fstat|readlink|access|faccess|getdents|link|mkdir|rename|unlink|symlink|chmod|utime|chdir)/;
  return Object.entries(calls)
    .filter(([name]) => aboutFiles.test(name))
    .reduce((total, [, count]) => total + count, 0);
}
