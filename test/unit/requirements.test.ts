import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isPinned, type RequirementEntry } from '../../src/plan/requirements/entries.ts';
import { readRequirementFile } from '../../src/plan/requirements/file.ts';
import { parseRequirementWord } from '../../src/plan/requirements/word.ts';
import { formatMarker, formatRequirement, parseRequirement } from '../../src/python/pep508.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'requirements-')));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'sub/pkg'), { recursive: true });
writeFileSync(join(folder, 'sub/pkg/setup.py'), '');
writeFileSync(join(folder, 'archive-1.0.zip'), '');
writeFileSync(join(folder, 'sub/nested.txt'), 'nested==1 # why\n-c limits.txt\n');
writeFileSync(join(folder, 'sub/limits.txt'), 'limit<2\n');

const variables = { TOKEN: 's3cret', EMPTY: '', NESTED: '${TOKEN}' };
const context = {
  directory: folder,
  environment: variables,
  pip: '23.2.1',
  read: (path: string): Uint8Array | null => (path.startsWith('/') ? readFileSync(path) : null),
};

function read(content: string | Uint8Array, pip = '23.2.1'): readonly RequirementEntry[] {
  writeFileSync(join(folder, 'r.txt'), content);
  const [file, ...entries] = readRequirementFile('r.txt', false, { ...context, pip });
  return file?.kind === 'file' ? entries : file === undefined ? entries : [file, ...entries];
}

describe('a requirement file', () => {
  it('is joined, stripped of comments and filled in', () => {
    const entries = read(
      '# x \\\nfoo \\\n  >=1 # c\n\nbar@https://${TOKEN}${EMPTY}@h/b.zip#egg=b\n',
    );
    expect(entries.map(({ kind }) => kind)).toEqual(['named', 'direct']);
    expect(entries[0]).toMatchObject({
      origin: { comesFrom: '-r r.txt (line 2)', text: 'foo   >=1' },
    });
    expect(entries[1]).toMatchObject({
      location: 'https://s3cret${EMPTY}@h/b.zip#egg=b',
      name: 'bar',
    });
  });

  it('names nested files as pip does, before and since 24.3', () => {
    const places = (pip: string): unknown =>
      read('-r sub/nested.txt', pip).flatMap((entry) =>
        entry.kind === 'named' ? [entry.origin.comesFrom] : [],
      );
    expect(places('24.2')).toEqual(['-r sub/nested.txt (line 1)', '-c sub/limits.txt (line 1)']);
    expect(places('24.3')).toEqual([
      `-r ${folder}/sub/nested.txt (line 1)`,
      `-c ${folder}/sub/limits.txt (line 1)`,
    ]);
  });

  it('at a URL has its nested files beside it', () => {
    const texts = new Map([
      ['https://h/a/r.txt?x', '-r ../b/c.txt\n'],
      ['https://h/b/c.txt', 'foo\n-r é.txt'],
    ]);
    const encoder = new TextEncoder();
    const entries = readRequirementFile('https://h/a/r.txt?x', false, {
      ...context,
      read: (url) => encoder.encode(texts.get(url)?.replace('é', 'e') ?? 'bar'),
    });
    expect(entries.map((entry) => (entry.kind === 'file' ? entry.location : entry.kind))).toEqual([
      'https://h/a/r.txt?x',
      'https://h/b/c.txt',
      'named',
      'https://h/b/e.txt',
      'named',
    ]);
  });

  it.each([
    ['UTF-8 with a mark', Buffer.from('\ufefffoo # é')],
    ['UTF-16', Buffer.from('\ufefffoo # é', 'utf16le')],
    ['UTF-16, big end first', Buffer.from('\ufefffoo # é', 'utf16le').swap16()],
    ['Latin 1', Buffer.from('#!x\n# -*- coding: latin-1 -*-\nfoo # é', 'latin1')],
  ])('is read as %s', (_encoding, content) => {
    expect(read(content)).toMatchObject([{ kind: 'named', requirement: { name: 'foo' } }]);
  });

  it.each([
    ['encoding', Buffer.from([0xff, 0xfe, 0, 0])],
    ['encoding', Buffer.from('foo # é', 'latin1')],
    ['encoding', '# coding: cp037\nfoo'],
    ['unreadable', '-r missing.txt'],
    ['unreadable', '-r https://host/r.txt'],
    ['recursion', '-r r.txt'],
    ['option', '--requir x'],
    ['option', 'foo --hash=md5:1'],
    ['option', '-f "x'],
    ['option', '--all-releases foo'],
    ['option', 'foo --install-option=x'],
    ['option', 'foo --no-binary foo'],
    ['option', '-r sub/nested.txt --hash=md5:1'],
    ['option', '--hash=sha256:1'],
    ['requirement', 'foo==2004d'],
    ['requirement', 'foo; bar'],
    ['requirement', '-e git+https://h/x'],
    ['requirement', '-e https://h/x'],
    ['requirement', 'git://h/x'],
    ['requirement', 'https://h/x#egg=a b'],
  ])('is left to pip: %s', (reason, content) => {
    expect(read(content)).toMatchObject([{ kind: 'unknown', reason }]);
  });

  it('keeps what an options line does', () => {
    expect(
      read('-i a --index-url=b -f "c d" -f e --pre --trusted-host h --no-binary x'),
    ).toMatchObject([
      {
        kind: 'options',
        options: [
          { name: '--index-url', value: 'b' },
          { name: '--find-links', value: 'c d' },
          { name: '--pre', value: null },
          { name: '--trusted-host', value: 'h' },
          { name: '--no-binary', value: 'x' },
        ],
      },
    ]);
  });
});

describe('a word of the command line', () => {
  it.each([
    [
      'Foo[b]>=1; os_name=="x"',
      false,
      { kind: 'named', marker: { kind: 'group' }, requirement: { name: 'Foo' } },
    ],
    [
      './sub/pkg[x]',
      false,
      { kind: 'direct', form: 'path', location: `${folder}/sub/pkg`, extras: ['x'] },
    ],
    [
      'sub/pkg[X]',
      true,
      { kind: 'direct', editable: true, location: `${folder}/sub/pkg`, extras: ['x'] },
    ],
    ['archive-1.0.zip', false, { form: 'path', location: `${folder}/archive-1.0.zip` }],
    [
      'git+https://h/x@1#egg=x[y]&subdirectory=z',
      true,
      { form: 'vcs', name: 'x', extras: ['y'], subdirectory: 'z' },
    ],
    ['foo --pre', false, { kind: 'unknown' }],
  ])('%j, editable %s', (word, editable, expected) => {
    expect(parseRequirementWord(word, editable, context)).toMatchObject(expected);
  });
});

it.each([
  ['a==1', true],
  ['a===x', true],
  ['a==1.*', false],
  ['a>=1', false],
  ['a', false],
  ['a==1,>0', false],
])('%s pinned: %s', (text, expected) => {
  const requirement = parseRequirement(text);
  expect(requirement && isPinned(requirement)).toBe(expected);
});

const pieces = [
  'foo',
  'Foo_bar[a,B]==1.0',
  'foo >= 1 ,<2',
  '"q',
  "'x y'",
  'x',
  '; python_version<"3"',
  ';os_name=="posix"',
  '; "',
  '#c',
  ' #c',
  '\\',
  '\\\n',
  '\\\n',
  ' \\\n  ',
  '\n',
  '\n',
  '\r\n',
  '\f',
  '\t',
  ' ',
  ' ',
  '${TOKEN}',
  '${EMPTY}',
  '${NESTED}',
  '${none}',
  ' --hash=sha256:abc',
  ' --hash sha384:d',
  ' --hash=sha256:e\\ f',
  ' --hash=md5:1',
  ' -C a=b',
  ' --config-settings "a=c d"',
  ' -C a',
  ' --global-option="--x y"',
  '-e ./sub/pkg',
  '-esub/pkg[x]',
  '-e git+https://h/r@v#egg=name[x]&subdirectory=s',
  '-e file:///x#egg=y',
  './sub/pkg',
  'sub/pkg[a]',
  'archive-1.0.zip',
  'foo @ https://h/f.zip',
  'git+ssh://h/r#egg=z',
  'https://h/x-1.0-py3-none-any.whl',
  '-r sub/nested.txt',
  '-c sub/limits.txt',
  '--requirement=sub/nested.txt',
  '-i https://h/',
  ' --index-url "https://u:p@h/ s"',
  '--pre',
  ' --no-index',
  '-f ./links',
  '--extra-index-url=https://e',
  '--trusted-host h',
  '--require-hashes',
  '--prefer-binary',
  '--no-binary :all:\n',
  '--',
  '-',
  ' -x',
  '\u2028',
  '\x1c',
  '\u00a0',
];
const random = seededRandom(Number(process.env['ORACLE_SEED'] ?? 1));
const count = Number(process.env['ORACLE_CASES'] ?? 400);
const contents = Array.from({ length: count }, () =>
  Array.from({ length: pick([1, 2, 2, 3, 4, 6]) }, () => pick(pieces)).join(
    pick(['', '', ' ', '\n']),
  ),
);

describe('pip itself', () => {
  it('reads generated files alike, where they are not left to it', { timeout: 600_000 }, () => {
    const { pip, files } = askPip();
    let known = 0;
    for (const [index, content] of contents.entries()) {
      const entries = read(content, pip);
      if (entries.some((entry) => entry.kind === 'unknown' || isMissing(entry))) continue;
      known++;
      expect([content, entries.flatMap(summary)]).toEqual([content, files[index]]);
    }
    expect(known).toBeGreaterThan(count / 5);
  });
});

/** pip looks whether a path is there; here that is left to whoever goes there. */
function isMissing(entry: RequirementEntry): boolean {
  return entry.kind === 'direct' && entry.form === 'path' && !existsSync(entry.location);
}

function summary(entry: RequirementEntry): readonly unknown[] {
  switch (entry.kind) {
    case 'file':
    case 'unknown':
      return [];
    case 'options':
      return [
        { options: Object.fromEntries(entry.options.map(({ name, value }) => [name, value])) },
      ];
    case 'named':
      return [
        {
          ...common(entry),
          requirement: formatRequirement(entry.requirement),
          extras: sorted(entry.requirement.extras),
          link: null,
          editable: false,
        },
      ];
    case 'direct':
      return [
        {
          ...common(entry),
          requirement: null,
          extras: sorted(entry.extras),
          link: entry.form === 'path' ? `file://${entry.location}` : entry.location,
          editable: entry.editable,
        },
      ];
    default:
      return entry satisfies never;
  }
}

function common(entry: RequirementEntry & { kind: 'named' | 'direct' }): object {
  const { origin, marker, options } = entry;
  return {
    comesFrom: origin.comesFrom,
    marker: marker && formatMarker(marker),
    hashes: options.hashes,
    settings: options.configSettings,
  };
}

function sorted(extras: readonly string[]): readonly string[] {
  return [...extras].map((extra) => extra.toLowerCase()).sort();
}

/** One process answers for all files: the pip of ORACLE_PYTHON. */
function askPip(): { readonly pip: string; readonly files: readonly unknown[] } {
  const program = `
import json, os, sys
import pip
from pip._internal.req import req_file
from pip._internal.req.constructors import install_req_from_parsed_requirement

def line_summary(line):
    opts = line.opts
    if getattr(line, "requirement", None) is None:
        found = {}
        if opts.index_url: found["--index-url"] = opts.index_url
        if opts.extra_index_urls: found["--extra-index-url"] = opts.extra_index_urls[-1]
        if opts.find_links: found["--find-links"] = opts.find_links[0]
        if opts.trusted_hosts: found["--trusted-host"] = opts.trusted_hosts[-1]
        if opts.no_index: found["--no-index"] = None
        if opts.pre: found["--pre"] = None
        if opts.require_hashes: found["--require-hashes"] = None
        if opts.prefer_binary: found["--prefer-binary"] = None
        if opts.format_control.no_binary: found["--no-binary"] = ":all:"
        return {"options": found}
    parsed = req_file.handle_requirement_line(line)
    made = install_req_from_parsed_requirement(parsed)
    return {
        "comesFrom": made.comes_from,
        "marker": made.markers and str(made.markers),
        "hashes": made.hash_options,
        "settings": (parsed.options or {}).get("config_settings") or {},
        "requirement": None if made.link else str(made.req),
        "extras": sorted(extra.lower() for extra in made.extras),
        "link": made.link and made.link.url,
        "editable": made.editable,
    }

def answer(content):
    with open("r.txt", "wb") as file:
        file.write(content.encode("utf-8"))
    parser = req_file.RequirementsFileParser(None, req_file.get_line_parser(None))
    try:
        return [line_summary(line) for line in parser.parse("r.txt", False)]
    except Exception as error:
        return repr(error)

print(json.dumps({"pip": pip.__version__, "files": [answer(content) for content in json.load(sys.stdin)]}))
`;
  const answers = execFileSync(process.env['ORACLE_PYTHON'] ?? 'python3', ['-c', program], {
    cwd: folder,
    input: JSON.stringify(contents),
    env: { ...process.env, ...variables },
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  return JSON.parse(answers) as ReturnType<typeof askPip>;
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
