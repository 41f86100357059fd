import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  evaluateMarker,
  formatMarker,
  formatRequirement,
  parseMarker,
  parseRequirement,
} from '../../src/python/pep508.ts';

const environment = {
  implementation_name: 'cpython',
  implementation_version: '3.11.7',
  os_name: 'posix',
  platform_machine: 'x86_64',
  platform_release: '5.15.0-91-generic',
  platform_system: 'Linux',
  platform_version: '#1 SMP',
  python_full_version: '3.11.7',
  platform_python_implementation: 'CPython',
  python_version: '3.11',
  sys_platform: 'linux',
};

describe('a requirement', () => {
  // What packaging 26.3 prints.
  it.each([
    ['Foo_Bar [B, a,a] ( >=1 , <2 ) ; os.name=="posix"', 'Foo_Bar[B,a]<2,>=1; os_name == "posix"'],
    ['a@https://host/a.zip;x', 'a @ https://host/a.zip;x'],
    ['a[x] @ git+https://host/a ; extra == "A_b"', 'a[x] @ git+https://host/a ; extra == "a-b"'],
    ['a===x,>1', 'a===x,>1'],
    ['a_', 'a_'],
    ['a>=1,', 'a>=1'],
    ['a()', 'a'],
    [`a;'"'in python_implementation`, `a; '"' in platform_python_implementation`],
    [
      'a; ((os_name=="x" or os_name=="y")) and ("3"<python_version)',
      'a; (os_name == "x" or os_name == "y") and "3" < python_version',
    ],
  ])('%j is printed as %j', (text, printed) => {
    const requirement = parseRequirement(text);
    expect(requirement && formatRequirement(requirement)).toBe(printed);
  });

  it.each([
    '',
    'a-',
    '-a',
    'a b',
    'a[',
    'a[b c]',
    'a[b,]',
    'a >=1 <2',
    'a (>=1',
    'a @',
    'a=1',
    'a;',
    'é',
    'a; os_name',
    'a; os_name == "x',
    'a; os_name == "\\x41"',
    'a; os_name notin "x"',
    'a===x,y',
    'a>=1.*',
  ])('%j is none', (text) => {
    expect(parseRequirement(text)).toBeNull();
  });
});

describe('a marker', () => {
  it.each([
    ['python_version >= "3.9" and sys_platform == "linux"', true],
    ['python_version in "2.7, 3.11"', true],
    ['platform_release >= "4"', false],
    ['platform_release == "5.15.0-91-generic"', true],
    ['os_name > "a" or os_name < "z"', false],
    ['os_name ~= "posix"', null],
    ['os_name == "x" and os_name === "posix"', null],
    ['extra == "Foo.Bar"', true],
    ['"foo_bar" == extra', true],
    ['"x" in extras', null],
    ['"3.11" == "python_version"', true],
    ['python_full_version == "3.11.7+local"', true],
  ])('%j is %s', (text, expected) => {
    const untagged = { ...environment, python_full_version: '3.11.7+' };
    const marker = parseMarker(text);
    expect(marker && evaluateMarker(marker, untagged, 'foo--BAR')).toBe(expected);
  });
});

const knownVariables = [
  'python_version',
  'python_version',
  'python_full_version',
  'os_name',
  'sys_platform',
  'os.name',
  'platform_release',
  'platform_version',
  'platform.machine',
  'implementation_version',
  'python_implementation',
  'extra',
  'extra',
];

const random = seededRandom(Number(process.env['ORACLE_SEED'] ?? 508));
const count = Number(process.env['ORACLE_CASES'] ?? 4000);
const cases = Array.from({ length: count }, () => ({
  requirement: randomRequirement(),
  marker: randomMarker(2),
  environment: { ...environment, ...randomEnvironment() },
  extra: pick(['', '', 'foo', 'Foo_Bar', 'b.c']),
}));

describe('packaging itself', () => {
  const oracle = askPackaging();

  it('reads and prints generated requirements alike', () => {
    for (const [index, { requirement }] of cases.entries()) {
      const expected = oracle[index]?.requirement;
      if (expected === undefined) continue;
      const parsed = parseRequirement(requirement);
      expect([requirement, parsed && formatRequirement(parsed)]).toEqual([requirement, expected]);
    }
  });

  it('reads, prints and evaluates generated markers alike', () => {
    for (const [index, { marker, environment, extra }] of cases.entries()) {
      const expected = oracle[index];
      if (expected?.marker === undefined) continue;
      const parsed = parseMarker(marker);
      expect([marker, parsed && formatMarker(parsed)]).toEqual([marker, expected.marker]);
      if (expected.value === undefined) continue;
      const value = parsed && evaluateMarker(parsed, environment, extra);
      expect([marker, environment, extra, value]).toEqual([
        marker,
        environment,
        extra,
        expected.value,
      ]);
    }
  });
});

interface Answer {
  /** Missing where the copy at hand is too old to say. */
  readonly requirement?: string | null;
  readonly marker?: string | null;
  readonly value?: boolean | null;
}

/**
 * One process answers for all cases: the `packaging` of ORACLE_PYTHON where it has 26 or later, else the copy inside
 * its pip. An older copy is asked only where it agrees by design: both read and print what is in normal form, and it
 * compares versions only for `python_version` and its like, with values that are versions.
 */
function askPackaging(): readonly Answer[] {
  const program = `
import json, re, sys
try:
    import packaging
    current = tuple(map(int, packaging.__version__.split(".")[:2])) >= (26, 3)
except ImportError:
    current = False
if current:
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement
else:
    from pip._vendor.packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement

def requirement(text):
    try:
        return str(Requirement(text))
    except InvalidRequirement:
        return None

def marker(case):
    try:
        parsed = Marker(case["marker"])
    except InvalidMarker:
        return {"marker": None}
    try:
        value = parsed.evaluate({**case["environment"], "extra": case["extra"]})
    except (UndefinedComparison, UndefinedEnvironmentName):
        value = None
    return {"marker": str(parsed), "value": value}

simple = r"(python_version|python_full_version) (>=|<=|==|!=|<|>) \\"[0-9.]+\\"|(os_name|sys_platform) (==|!=) \\"[a-z]+\\""

def answer(case):
    if current:
        return {"requirement": requirement(case["requirement"]), **marker(case)}
    found = {}
    if re.fullmatch(r"[A-Za-z0-9]+(\\[[a-z]+\\])?((>=|<|==)[0-9.]*[0-9])?", case["requirement"]):
        found["requirement"] = requirement(case["requirement"])
    full = case["environment"]["python_full_version"]
    if re.fullmatch(f"({simple})( (and|or) ({simple}))*", case["marker"]) and re.fullmatch("[0-9.]+", full):
        found.update(marker(case))
    return found

print(json.dumps([answer(case) for case in json.load(sys.stdin)]))
`;
  const answers = execFileSync(process.env['ORACLE_PYTHON'] ?? 'python3', ['-c', program], {
    input: JSON.stringify(cases),
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  return JSON.parse(answers) as Answer[];
}

function randomRequirement(): string {
  const blank = (): string => pick(['', '', '', ' ', '  ', '\t']);
  const name = pick([
    'a',
    'Foo',
    'foo-bar',
    'x.y_Z',
    'a1',
    '1a',
    'a_',
    'a-',
    '_a',
    'a b',
    'a..b',
    '',
  ]);
  const extras = pick([
    '',
    '',
    '',
    '[a]',
    '[b,a]',
    '[ b , A,a ]',
    '[]',
    '[ ]',
    '[a',
    '[a b]',
    '[a,]',
    '[,a]',
  ]);
  const clauses = Array.from({ length: pick([0, 1, 1, 2, 3]) }, randomClause).join(
    pick([',', ',', ' , ', ', ', ' ']),
  );
  const specifiers = pick([
    clauses,
    clauses,
    clauses,
    `(${clauses})`,
    `( ${clauses} )`,
    `(${clauses}`,
    `${clauses},`,
  ]);
  const url = pick(['https://h/a.zip', 'git+https://h/a@b#egg=x', 'x', '', './a;b', 'file:///a']);
  const rest = random() < 0.15 ? `@${blank()}${url}` : specifiers;
  const end = random() < 0.35 ? `${blank()};${blank()}${randomMarker(1)}` : '';
  return `${blank()}${name}${blank()}${extras}${blank()}${rest}${end}${blank()}`;
}

function randomClause(): string {
  const operator = pick(['==', '==', '!=', '<', '<=', '>', '>=', '~=', '===', '=', '=>']);
  const version = pick([
    '1',
    '1.0',
    '1.0.0',
    '1.*',
    '1.2.*',
    '2.0a1',
    '1.0.post1',
    '1!2.0',
    'v1.0',
    '1.0+x',
    '1.a',
    '1-',
    'x',
    '',
  ]);
  return `${operator}${pick(['', '', ' ', '\t'])}${version}`;
}

function randomMarker(depth: number): string {
  const members = Array.from({ length: pick([1, 1, 1, 2, 2, 3]) }, () =>
    depth > 0 && random() < 0.3
      ? `${pick(['(', '( '])}${randomMarker(depth - 1)})`
      : randomComparison(),
  );
  return members.reduce(
    (text, member) => `${text}${pick([' and ', ' or ', ' and ', ' or ', '  and\t'])}${member}`,
  );
}

function randomComparison(): string {
  if (random() < 0.4) {
    return pick([
      () =>
        `${pick(['python_version', 'python_full_version'])} ${pick(['>=', '<', '==', '!=', '>', '<='])} "${pick(['3', '3.11', '3.9', '3.11.7', '4.0'])}"`,
      () =>
        `${pick(['os_name', 'sys_platform'])} ${pick(['==', '!='])} "${pick(['posix', 'linux', 'nt'])}"`,
    ])();
  }
  const variable =
    random() < 0.02
      ? pick(['platform', 'extras', 'python-version', 'Extra'])
      : pick(knownVariables);
  const value = pick([
    '3',
    '3.11',
    '3.8',
    '3.11.*',
    '3.11.7',
    '3.12.0rc1',
    '2.7, 3.11',
    'linux',
    'posix',
    'Foo_Bar',
    'foo',
    'B-C',
    '',
    '5.15',
    'x"y',
    '=3',
    '3.11.7+local',
  ]);
  const quote = value.includes('"') || random() < 0.3 ? "'" : '"';
  const text = `${quote}${value}${random() < 0.01 ? '' : quote}`;
  const operator = pick([
    '==',
    '==',
    '!=',
    '<',
    '<=',
    '>',
    '>=',
    '~=',
    '===',
    ' in ',
    ' not in ',
    ' not  in ',
    ' == ',
    ' >= ',
    'in',
  ]);
  return pick([
    variable,
    variable,
    variable + operator + text,
    text + operator + variable,
    variable + operator + variable,
    text + operator + text,
  ]).replace(/^(?=[^'"= <>!~]*$)/, random() < 0.9 ? `'3'${operator}` : '');
}

function randomEnvironment(): Record<string, string> {
  const full = pick(['3.11.7', '3.11.0', '3.12.0rc1', '3.13.0a1+', '2.7.18', '3.9.0+']);
  return {
    python_full_version: full,
    python_version: full.split('.').slice(0, 2).join('.'),
    implementation_version: full,
    platform_release: pick(['5.15.0-91-generic', '23.1.0', '5.15.0', '', '10']),
  };
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
