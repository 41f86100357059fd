import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  compareVersions,
  contains,
  formatSpecifiers,
  formatVersion,
  parseSpecifiers,
  parseVersion,
} from '../../src/python/pep440.ts';

describe('versions', () => {
  it.each([
    ['1.0', '1.0'],
    [' v1.0-ALPHA_2\n', '1.0a2'],
    ['1!2.0.0-rev.3.dev+Ubuntu-01_x', '1!2.0.0.post3.dev0+ubuntu.1.x'],
    ['1.0-4', '1.0.post4'],
    ['1.0c', '1.0rc0'],
    ['1.0a.', '1.0a0'],
    ['007.010', '7.10'],
    ['202401010000001234567890', '202401010000001234567890'],
  ])('%j is spelled %s', (written, normalised) => {
    const version = parseVersion(written);
    expect(version && formatVersion(version)).toBe(normalised);
  });

  it.each(['', '1.', '.1', '1..2', '2004d', '1.0+', '1.0+é', '1.0x', '1.0dev1.', 'vv1', '1.٣'])(
    '%j is none',
    (text) => {
      expect(parseVersion(text)).toBeNull();
    },
  );

  it('are told apart beyond the numbers that a double holds', () => {
    const [low, high] = ['1.9007199254740993', '1.9007199254740994'].map(parseVersion);
    expect(low && high && compareVersions(low, high)).toBe(-1);
  });
});

describe('specifiers', () => {
  it.each([
    ['>=1.0 , != 1.5', '!=1.5,>=1.0'],
    ['==1.0.0,==1.0,~=1.0,~=1.0.0', '==1.0,~=1.0,~=1.0.0'],
    [',>=1,', '>=1'],
    ['=== 2004D', '===2004D'],
    ['', ''],
  ])('%j are printed as %j', (written, printed) => {
    const specifiers = parseSpecifiers(written);
    expect(specifiers && formatSpecifiers(specifiers)).toBe(printed);
  });

  it.each([
    '>=1.*',
    '~=1',
    '==1.0a1.*',
    '==1.0.*+x',
    '>1+local',
    '=1',
    '1.0',
    '>=1 <2',
    '== 1 .*',
    '===a)',
  ])('%j are invalid', (text) => {
    expect(parseSpecifiers(text)).toBeNull();
  });

  // packaging 26.3, where the one that pip 23.2.1 brings along decides otherwise or has no such case.
  it.each([
    ['>=1.0', '2.0a1', null, true],
    ['>=1.0', '2.0a1', false, false],
    ['', '1.0.dev1', null, true],
    ['', 'no version', false, true],
    ['>=0', 'no version', null, false],
    ['===No+Version', 'no+version', null, true],
    ['===1.0', '1.0.0', null, false],
    ['<=1.0', '1.0+local', true, true],
  ] as const)(
    '%j with %j and pre-releases %s: %s',
    (specifiers, version, prereleases, expected) => {
      expect(contains(parseSpecifiers(specifiers) ?? [], version, prereleases)).toBe(expected);
    },
  );
});

const random = seededRandom(Number(process.env['ORACLE_SEED'] ?? 440));
const count = Number(process.env['ORACLE_CASES'] ?? 4000);
const cases = Array.from({ length: count }, () => {
  const left = randomVersion();
  const items = [left, mutated(left), mutated(left), mutated(left)];
  const right = random() < 0.3 ? mutated(left) : randomVersion();
  return { left, right, items, specifiers: randomSpecifiers(left) };
});

describe('packaging itself', () => {
  const oracle = askPackaging();

  it('reads, prints and compares generated versions alike', () => {
    for (const [index, { left, right }] of cases.entries()) {
      const [a, b] = [parseVersion(left), parseVersion(right)];
      const answer = oracle.versions[index];
      expect([left, a && formatVersion(a)]).toEqual([left, answer?.left]);
      expect([right, b && formatVersion(b)]).toEqual([right, answer?.right]);
      if (a === null || b === null) continue;
      expect([left, right, Math.sign(compareVersions(a, b))]).toEqual([left, right, answer?.order]);
    }
  });

  it('reads, prints and applies generated specifiers alike', () => {
    for (const [index, { items, specifiers }] of cases.entries()) {
      const parsed = parseSpecifiers(specifiers);
      const answer = oracle.specifiers[index];
      if (answer === null) continue;
      expect([specifiers, parsed && formatSpecifiers(parsed)]).toEqual([specifiers, answer?.text]);
      if (parsed === null) continue;
      for (const [item, prereleases, expected] of answer?.contained ?? []) {
        const text = `${specifiers} contains ${items[item]}, pre-releases ${prereleases}: `;
        const version = items[item] ?? '';
        expect(text + contains(parsed, version, prereleases)).toBe(text + expected);
        const read = parseVersion(version);
        if (read === null || specifiers.includes('===')) continue;
        expect(text + contains(parsed, read, prereleases)).toBe(text + expected);
      }
    }
  });
});

interface Answers {
  readonly versions: { left: string | null; right: string | null; order: number }[];
  readonly specifiers: ({
    text: string | null;
    contained: [number, boolean | null, boolean][];
  } | null)[];
}

/**
 * One process answers for all cases: the `packaging` of ORACLE_PYTHON where it has 26 or later, else the copy inside
 * its pip. An older copy is asked only where it agrees by design: it knows legacy specifiers, refuses pre-releases
 * unless told, compares `===` with the normalised version, has other borders for `<1.post1` and `>1.dev1`, and misreads
 * `~=1.0.rc1`, `~=1!1.0` and `==1.0.*` for `1.post1`.
 */
function askPackaging(): Answers {
  const program = `
import json, re, sys
try:
    import packaging
    current = tuple(map(int, packaging.__version__.split(".")[:2])) >= (26, 3)
except ImportError:
    current = False
if current:
    from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
    from packaging.version import InvalidVersion, Version
else:
    from pip._vendor.packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
    from pip._vendor.packaging.version import InvalidVersion, Version

def version(text):
    try:
        return Version(text)
    except InvalidVersion:
        return None

def versions(case):
    a, b = version(case["left"]), version(case["right"])
    order = 0 if a is None or b is None else (a > b) - (a < b)
    return {"left": a and str(a), "right": b and str(b), "order": order}

def specifiers(case):
    try:
        parsed = SpecifierSet(case["specifiers"])
    except InvalidSpecifier:
        return {"text": None, "contained": []}
    clauses = [clause for clause in case["specifiers"].split(",") if clause.strip()]
    odd = re.search(r"===|~=[^,]*([-a-z!]|\\.0)|[<>]\\s*[^=,]*[-a-z]|(0|\\d!\\S*|v\\S*)\\.\\*", case["specifiers"], re.I) or len(parsed) < len(clauses)
    if odd and not current:
        return None
    if not all(type(one) is Specifier for one in parsed):
        return {"text": None, "contained": []}
    return {"text": str(parsed), "contained": [
        (index, prereleases, parsed.contains(item, prereleases=prereleases))
        for index, item in enumerate(case["items"])
        if current or version(item) is not None
        for prereleases in ((True, False, None) if current else (True, False))
    ]}

cases = json.load(sys.stdin)
print(json.dumps({"versions": list(map(versions, cases)), "specifiers": list(map(specifiers, cases))}))
`;
  const answer = execFileSync(process.env['ORACLE_PYTHON'] ?? 'python3', ['-c', program], {
    input: JSON.stringify(cases),
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  return JSON.parse(answer) as Answers;
}

function randomVersion(): string {
  const release = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
    pick(['0', '0', '1', '2', '10']),
  );
  const parts = [
    random() < 0.03 ? pick(['v', 'V', ' ']) : '',
    random() < 0.06 ? pick(['1!', '0!', '2!']) : '',
    release.join('.'),
    random() < 0.25 ? label(['a', 'alpha', 'b', 'beta', 'c', 'rc', 'pre', 'preview', 'RC']) : '',
    random() < 0.2 ? (random() < 0.2 ? '-1' : label(['post', 'rev', 'r', 'Post'])) : '',
    random() < 0.2 ? label(['dev', 'DEV']) : '',
    random() < 0.15 ? `+${pick(['1', 'abc', 'abc.1', '1.abc', 'A-2', 'abc_01', '10', '0'])}` : '',
    random() < 0.03 ? pick(['x', '.', '-', ' ', '\n', '*']) : '',
  ];
  return parts.join('');
}

function label(words: readonly string[]): string {
  const separators = ['', '', '', '.', '-', '_'];
  return pick(separators) + pick(words) + pick(separators) + pick(['', '0', '1', '1', '2', '01']);
}

/** A neighbour of a version, so that the borders of a specifier are met. */
function mutated(version: string): string {
  const release = version.replace(/[^0-9.!].*/s, '').replace(/\.$/, '');
  const public_ = version.replace(/\+.*/s, '');
  return pick([
    () => version,
    () => release,
    () => `${release}.0`,
    () => release.replace(/\.0$/, ''),
    () => public_,
    () => public_.replace(/\.?dev.*/is, ''),
    () => public_.replace(/[._-]?(?:post|rev|r(?!c)|dev).*/is, ''),
    () => `${public_}+local`,
    () => `${release}${pick(['.post1', '.dev1', 'a1', 'a1.post1', 'a1.dev1', '.post1.dev1'])}`,
    () => `${public_}${pick(['.post1', '.post2', '.dev1', '.dev2', '.dev1+local', '.post1+x'])}`,
    () => version.replace(/\d/, '1'),
  ])();
}

function randomSpecifiers(near: string): string {
  const clauses = Array.from({ length: pick([0, 1, 1, 1, 1, 2, 2, 3]) }, () => {
    const operator = pick(['==', '==', '!=', '<', '<=', '>', '>=', '~=', '===']);
    const version = random() < 0.8 ? mutated(near) : randomVersion();
    const wildcard = random() < (operator === '==' || operator === '!=' ? 0.3 : 0.02) ? '.*' : '';
    const written = wildcard === '' ? version : version.replace(/[^0-9.!vV].*/, '');
    const public_ = '=!'.includes(operator[0] ?? '') ? written : written.replace(/\+.*/, '');
    return operator + pick(['', '', ' ', '  ']) + public_ + wildcard;
  });
  return clauses.join(pick([',', ', ', ' , ']));
}

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

/** The same numbers in every run (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
