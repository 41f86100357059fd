import { expect, test } from 'vitest';
import type { DistributionMetadata, Interpreter, Sha256, Version } from '../../src/core/types.ts';
import type { Demand } from '../../src/plan/pinned/demand.ts';
import { filenameOf } from '../../src/plan/pinned/filename.ts';
import { type PinnedAnswer, resolvePinned } from '../../src/plan/pinned/resolve.ts';
import { normalizeName } from '../../src/python/names.ts';
import { parseRequirement } from '../../src/python/pep508.ts';

const interpreter = {
  version: '3.11.7',
  versionInfo: [3, 11],
  tags: ['py3-none-any'],
  markers: { python_version: '3.11' },
} as unknown as Interpreter;

interface World {
  /** `name==version` to what it requires. */
  readonly wheels: Readonly<Record<string, readonly string[]>>;
  readonly extras?: readonly string[];
  /** Whose files, or whose metadata, nobody told yet. */
  readonly unknownFiles?: readonly string[];
  readonly unknownMetadata?: readonly string[];
  /** Lines of constraints, with the hash that all files have. */
  readonly hashed?: readonly string[];
}

function resolve(lines: readonly string[], world: World, pip = '26.3'): PinnedAnswer {
  const demands = lines.map((line, index): Demand => {
    const requirement = parseRequirement(line);
    if (!requirement) throw new Error(line);
    return { requirement, hashes: {}, isUsers: true, from: `-r r.txt (line ${index + 1})` };
  });
  const formats = { noBinary: new Set<string>(), onlyBinary: new Set<string>() };
  const rules = { interpreter, pip, formats, preferBinary: false, ignoreRequiresPython: false };
  const request = {
    interpreter,
    pip,
    demands,
    constraints: new Map(
      (world.hashed ?? []).flatMap((line) => {
        const { name = '', specifiers = [] } = parseRequirement(line) ?? {};
        return [[normalizeName(name), { specifiers, hashes: { sha256: ['a'] } }] as const];
      }),
    ),
    installed: new Map(),
    rules,
    requireHashes: world.hashed !== undefined,
    ignoreDependencies: false,
    upgrade: false,
  };
  return resolvePinned(request, {
    filesOf: (key, version) => {
      if (world.unknownFiles?.includes(key)) return { outcome: 'unknown' };
      const isThere = `${key}==${version}` in world.wheels;
      const url = `https://files.test/${key}-${version}-py3-none-any.whl`;
      const file = { url, hashes: { sha256: 'a' }, requiresPython: null, yanked: null };
      const files = isThere ? [{ ...file, size: null, metadata: null }] : [];
      return { outcome: 'files', files, isStored: false };
    },
    isAtHand: () => true,
    factsOf: ({ key, candidate }) => {
      if (world.unknownMetadata?.includes(key)) return null;
      const [name = '', version = ''] = filenameOf(candidate.file.url).split('-');
      const metadata: DistributionMetadata = {
        name,
        version: version as Version,
        requiresDist: world.wheels[`${name}==${version}`] ?? [],
        requiresPython: '>=3.8',
        providesExtra: world.extras ?? [],
      };
      return { metadata, sha256: 'a' as Sha256 };
    },
    metadataOf: () => {
      throw new Error('nothing is installed');
    },
  });
}

const family = {
  wheels: {
    'a==1': ["b[more]>=1 ; extra == 'x'", 'c'],
    'b==1': ["d ; extra == 'more'"],
    'c==1': [],
    'd==1': [],
  },
  extras: ['x', 'more'],
};

test('extras are said and counted as pip does since 23.3, and before', () => {
  const lines = ['a[x]==1', 'b==1', 'c==1', 'd==1'];
  const now = resolve(lines, family);
  expect(now).toMatchObject({
    outcome: 'decided',
    lines: [
      'Collecting a==1 (from a[x]==1->-r r.txt (line 1))',
      'Collecting b==1 (from -r r.txt (line 2))',
      'Collecting c==1 (from -r r.txt (line 3))',
      'Collecting d==1 (from -r r.txt (line 4))',
    ],
  });
  const before = resolve(lines, family, '22.3');
  expect(before).toMatchObject({
    lines: expect.arrayContaining(['Collecting a[x]==1']) as string[],
  });
  for (const answer of [now, before]) {
    const decided = answer.outcome === 'decided' ? answer.decided : [];
    const named = decided.map(({ key, requested, extras }) => [key, { requested, extras }]);
    expect(Object.fromEntries(named)).toEqual({
      a: { requested: true, extras: ['x'] },
      b: { requested: true, extras: answer === now ? ['more'] : [] },
      c: { requested: true, extras: [] },
      d: { requested: true, extras: [] },
    });
  }
});

test('all pages are asked for at once, then all metadata', () => {
  const lines = ['a==1', 'c==1'];
  const pages = resolve(lines, { ...family, unknownFiles: ['a', 'c'] });
  expect(pages).toMatchObject({
    outcome: 'unknown',
    isOpen: false,
    questions: {
      releases: [
        { key: 'a', version: '1' },
        { key: 'c', version: '1' },
      ],
      files: [],
    },
  });
  const metadata = resolve(lines, { ...family, unknownMetadata: ['a', 'c'] });
  expect(metadata).toMatchObject({
    outcome: 'unknown',
    questions: { releases: [], files: [{ key: 'a' }, { key: 'c' }] },
  });
});

test('what nothing pins is seen before anything is asked', () => {
  expect(resolve(['a==1', 'c'], { ...family, unknownFiles: ['a'] })).toMatchObject({
    isOpen: true,
  });
  expect(resolve(['a==1'], family)).toEqual({ outcome: 'not-pinned', reason: 'c is not pinned' });
});

test.each([
  [['a==1', 'a==2', 'c==1'], 'a is required in several ways'],
  [['a[y]==1', 'c==1'], 'a does not provide y'],
  [['c==7'], 'c 7: no file fits'],
  [['c==1.*'], 'c is not pinned'],
  [['c===one'], 'c===one is no version'],
])('%j is not ours to decide', (lines, reason) => {
  expect(resolve(lines, family)).toEqual({ outcome: 'not-pinned', reason });
});

test('what has hashes by a constraint is named by its version, as pip does since 26.1', () => {
  const world = { ...family, hashed: ['c==1', 'd==1'] };
  const lines = ['c', 'd<2'];
  expect(resolve(lines, world)).toMatchObject({
    lines: ['Collecting c==1 (from -r r.txt (line 1))', 'Collecting d==1 (from -r r.txt (line 2))'],
  });
});
