import { type ContestantId, type Form, forms } from './contestants.ts';
import { countedWork, growthSizes } from './growth.ts';
import { median, type Sample } from './measure.ts';
import {
  type CallCount,
  fileCalls,
  medianOf,
  type Result,
  type Results,
  samplesOf,
  type Scenario,
  scenarios,
} from './results.ts';

/** A promise of pip-accel, judged by what was measured. */
export interface Verdict {
  readonly row: string;
  readonly scenario: string;
  readonly size: number;
  readonly form: Form;
  readonly ours: number;
  readonly theirs: number;
  /** Whom or what it is measured against. */
  readonly against: string;
  readonly ratio: number;
  readonly atMost: number;
  readonly unit: 'ms' | 'MB' | 'calls';
}

interface Promised {
  readonly row: string;
  readonly scenario: Scenario;
  readonly against: ContestantId;
  /** By size of the set; `other` for the sizes that are not named. */
  readonly atMost: Readonly<Record<number, number>> & { readonly other?: number };
  readonly without?: 'bytecode';
  /** The form of pip-accel that has promised: the standalone one where none is named. */
  readonly form?: Form;
}

const promises: readonly Promised[] = [
  { row: '1', scenario: 'warm', against: 'uv', atMost: { 128: 1.6, other: 1.3 } },
  { row: '2', scenario: 'warm', against: 'uv', atMost: { other: 1 }, without: 'bytecode' },
  { row: '3', scenario: 'online', against: 'uv-online', atMost: { other: 0.6 } },
  { row: '4', scenario: 'warm', against: 'uv-compile', atMost: { 5: 0.15, other: 0.1 } },
  {
    row: '5',
    scenario: 'warm',
    against: 'pip',
    atMost: { 5: 0.05, 40: 0.02, 97: 0.012, 128: 0.012 },
  },
  { row: '6', scenario: 'warm', against: 'cp', atMost: { 97: 0.8, 128: 0.8 } },
  { row: '7', scenario: 'copy', against: 'uv-copy', atMost: { other: 1.3 } },
  { row: '8', scenario: 'noop', against: 'uv', atMost: { other: 0.9 } },
  { row: '8', scenario: 'noop', against: 'pip', atMost: { other: 0.05 } },
  { row: '9', scenario: 'noop', against: 'uv', atMost: { other: 3.2 }, form: 'node' },
  { row: '10', scenario: 'cold-wheel', against: 'pip', atMost: { other: 1.1 } },
  { row: '10', scenario: 'cold-sdist', against: 'pip', atMost: { other: 1.1 } },
  { row: '10', scenario: 'editable', against: 'pip', atMost: { other: 1.1 } },
];

const peakMegabytes = { size: 128, atMost: 110 };
/** The cost of one more distribution may differ by this much between small and large sets. */
const unevenness = 0.15;

/** What can be judged: ratios are those of medians. */
export function judge({ results, calls }: Results, filesystem: string): readonly Verdict[] {
  const sizes = [...new Set(results.map(({ size }) => size))].sort((a, b) => a - b);
  const kept = promises.flatMap((promised) =>
    sizes.flatMap((size) =>
      forms.flatMap((form) => judgeOne(results, promised, { filesystem, size, form })),
    ),
  );
  return [
    ...kept,
    ...judgeMemory(results, { filesystem, form: 'standalone' }),
    ...judgeGrowth(results, { filesystem, form: 'standalone' }),
    ...forms.flatMap((form) => judgeCalls(calls, form)),
  ];
}

interface Case {
  readonly filesystem: string;
  readonly form: Form;
}

function judgeOne(
  results: readonly Result[],
  promised: Promised,
  { filesystem, size, form }: Case & { readonly size: number },
): readonly Verdict[] {
  const { row, scenario, against, without } = promised;
  const atMost = promised.atMost[size] ?? promised.atMost.other;
  if (atMost === undefined || (promised.form ?? 'standalone') !== form) return [];
  const contestant = without ? `${form}-no-compile` : form;
  const ours = medianOf(results, { filesystem, scenario, size, contestant });
  const theirs = medianOf(results, { filesystem, scenario, size, contestant: against });
  if (ours === null || theirs === null) return [];
  const said = without ? `${scenarios[scenario]}, \`--no-compile\`` : scenarios[scenario];
  const ratio = ours / theirs;
  return [{ row, scenario: said, size, form, ours, theirs, against, ratio, atMost, unit: 'ms' }];
}

function judgeMemory(results: readonly Result[], { filesystem, form }: Case): readonly Verdict[] {
  const { size, atMost } = peakMegabytes;
  const key = { filesystem, scenario: 'warm', size, contestant: form } as const;
  const ours = medianOf(results, key, (sample: Sample) => sample.peakMegabytes);
  if (ours === null) return [];
  return [
    {
      row: '11',
      scenario: 'peak memory of the largest process, fresh environment',
      size,
      form,
      ours,
      theirs: atMost,
      against: `${atMost} MB`,
      ratio: ours / atMost,
      atMost: 1,
      unit: 'MB',
    },
  ];
}

/**
 * One more distribution of 20 files, where there are few and where there are many. The sizes ran
 * in turn, so that the differences are taken round by round; in processor time, for a second
 * thread helps with the many.
 */
function judgeGrowth(results: readonly Result[], { filesystem, form }: Case): readonly Verdict[] {
  const times = growthSizes.map((size) => {
    const key = { filesystem, scenario: 'growth', size, contestant: form } as const;
    return samplesOf(results, key).map(
      ({ userMilliseconds, systemMilliseconds }) => userMilliseconds + systemMilliseconds,
    );
  });
  const marginal = (from: 0 | 2) =>
    median((times[from + 1] ?? []).map((most, round) => most - (times[from]?.[round] ?? most))) /
    (growthSizes[from === 0 ? 1 : 3] - growthSizes[from]);
  const theirs = marginal(0);
  const ours = marginal(2);
  if (Number.isNaN(ours) || Number.isNaN(theirs)) return [];
  return [
    {
      row: '12',
      scenario: 'processor time of one more distribution of 20 files, from 450 to 500',
      size: 500,
      form,
      ours,
      theirs,
      against: 'the same from 50 to 100',
      // A difference below zero is noise.
      ratio: ours > 0 && theirs > 0 ? ours / theirs : Number.NaN,
      atMost: 1 + unevenness,
      unit: 'ms',
    },
  ];
}

/** What must not cost a system call: images that are not needed, files that are there. */
function judgeCalls(calls: readonly CallCount[], form: Form): readonly Verdict[] {
  const pairs = [
    [countedWork.filled, countedWork.fresh],
    [countedWork.noopMany, countedWork.noop],
  ] as const;
  return pairs.flatMap(([scenario, against]) => {
    const [ours, theirs] = [scenario, against].map((what) =>
      calls.find(
        (count) => count.what === what && count.contestant === form && count.distributions === 100,
      ),
    );
    if (!ours || !theirs) return [];
    return [
      {
        row: '12',
        scenario: `calls about files: ${scenario}`,
        size: 100,
        form,
        ours: fileCalls(ours),
        theirs: fileCalls(theirs),
        against,
        ratio: fileCalls(ours) / fileCalls(theirs),
        atMost: 1,
        unit: 'calls' as const,
      },
    ];
  });
}
