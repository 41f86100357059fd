import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { parseIni } from '../../src/config/ini.ts';
import { redact } from '../../src/core/errors.ts';
import { UnclearPage } from '../../src/obtain/cold/index/html.ts';
import { readPage } from '../../src/obtain/cold/index/page.ts';
import { readArchiveName } from '../../src/plan/pinned/filename.ts';
import type { RequirementContext, RequirementEntry } from '../../src/plan/requirements/entries.ts';
import { readRequirementFile } from '../../src/plan/requirements/file.ts';
import { readCsv, writeCsv } from '../../src/python/csv.ts';
import { parseEntryPoints, parseScriptTarget } from '../../src/python/entry-points.ts';
import { parseHeaders } from '../../src/python/metadata.ts';
import { normalizeName } from '../../src/python/names.ts';
import { parseMarker, parseRequirement } from '../../src/python/pep508.ts';

const mega = 1 << 20;

/** Milliseconds; each of these took minutes where time grew with the square of the length. */
function time(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

test.each<[what: string, work: () => unknown]>([
  ['the redaction of letters', () => redact('x'.repeat(mega))],
  ['the redaction of slashes', () => redact('a://'.repeat(mega / 4))],
  ['an entry point', () => parseScriptTarget(`${'x'.repeat(mega)} = !`)],
  ['an entry point of equals signs', () => parseScriptTarget(`x = ${'!='.repeat(mega / 2)}`)],
  ['entry points', () => parseEntryPoints(`[console_scripts]\n${'= '.repeat(mega / 2)}`)],
  ['a header of spaces', () => parseHeaders(`a${' '.repeat(mega)}b`)],
  ['a header of continuations', () => parseHeaders(`a: b${'\n c'.repeat(mega / 3)}`)],
  ['an option of spaces', () => parseIni(`[a]\nb${' '.repeat(mega)}c`)],
  ['a requirement', () => parseRequirement(`a${'-a'.repeat(mega / 2)}-`)],
  ['extras', () => parseRequirement(`a[${'b,'.repeat(mega / 2)}b]`)],
  ['specifiers', () => parseRequirement(`a${'>=1,'.repeat(mega / 4)}>=1`)],
  ['a version', () => parseRequirement(`a==${'1.'.repeat(mega / 2)}x`)],
  ['a marker', () => parseMarker(`os_name == "a"${' and os_name == "a"'.repeat(mega / 19)}`)],
  ['brackets', () => parseMarker('('.repeat(mega))],
  ['a CSV row', () => readCsv([`"${'""'.repeat(mega / 2)}"`, ',"'.repeat(mega / 2)])],
  [
    'a requirement file of one line',
    () => read({ 'r.txt': `a ${'--hash=sha256:0 '.repeat(mega / 16)}` }),
  ],
  ['a requirement file of quotes', () => read({ 'r.txt': `-c "${'\\"'.repeat(mega / 2)}` })],
  ['a requirement file of backslashes', () => read({ 'r.txt': '\\\n'.repeat(mega / 2) })],
  ['a requirement file of hashes', () => read({ 'r.txt': 'a#'.repeat(mega / 2) })],
  ['a requirement file of variables', () => read({ 'r.txt': '${A}'.repeat(mega / 4) })],
  ['a page of tags', () => page('<a href=x-1.zip>'.repeat(mega / 16))],
  ['a page of attributes', () => page(`<a ${'b '.repeat(mega / 2)}>`)],
  ['a page of open quotes', () => expect(() => page(`<a href="${"'".repeat(mega)}`)).toThrow()],
  ['a page of references', () => page(`<a href="${'&amp;'.repeat(mega / 5)}">`)],
  [
    'a JSON page of brackets',
    () =>
      expect(() => page('['.repeat(mega), 'application/vnd.pypi.simple.v1+json')).toThrow(
        UnclearPage,
      ),
  ],
])('%s of a megabyte is read in linear time', (_what, work) => {
  expect(time(work)).toBeLessThan(3000);
});

function read(
  files: Readonly<Record<string, string | Buffer>>,
  environment: RequirementContext['environment'] = {},
): readonly RequirementEntry[] {
  return readRequirementFile('r.txt', false, {
    directory: '/work',
    environment,
    pip: '26.3',
    read: (location) => {
      const content = files[location.replace('/work/', '')];
      return content === undefined ? null : Buffer.from(content);
    },
  });
}

describe('a requirement file', () => {
  const reasons = (files: Readonly<Record<string, string | Buffer>>) =>
    read(files).flatMap((entry) => (entry.kind === 'unknown' ? [entry.reason] : []));

  test('that names itself, or one that names it, is pip’s to refuse', () => {
    expect(reasons({ 'r.txt': '-r r.txt\n' })).toEqual(['recursion']);
    expect(reasons({ 'r.txt': '-r s.txt\n', 's.txt': '-c ./x/../r.txt\n' })).toEqual(['recursion']);
  });

  test('within files without end is pip’s to refuse', () => {
    const files: Record<string, string> = { 'r.txt': '-r 0.txt\n' };
    for (let at = 0; at < 5000; at += 1) files[`${at}.txt`] = `-r ${at + 1}.txt\n`;
    expect(reasons(files)).toEqual(['recursion']);
  });

  test('that doubles with each file is pip’s to read', () => {
    const files: Record<string, string> = { 'r.txt': '-r 0.txt\n' };
    for (let at = 0; at < 40; at += 1) files[`${at}.txt`] = `-r ${at + 1}.txt\n`.repeat(2);
    expect(time(() => expect(reasons(files)).toContain('recursion'))).toBeLessThan(3000);
  });

  test.each<[string, Buffer]>([
    ['bytes of no encoding', Buffer.from([0x61, 0xff, 0x0a])],
    ['an encoding that nobody knows', Buffer.from('# coding: no-such\na\n')],
    ['an odd number of UTF-16 bytes', Buffer.from([0xff, 0xfe, 0x61])],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])],
    ['half a pair of surrogates', Buffer.from([0xff, 0xfe, 0x00, 0xd8])],
  ])('of %s is pip’s to refuse', (_what, content) => {
    expect(reasons({ 'r.txt': content })).toEqual(['encoding']);
  });

  test('with a NUL is pip’s to refuse', () => {
    expect(reasons({ 'r.txt': 'a\0b==1\n' })).toEqual(['requirement']);
  });

  test('reads past a byte order mark, once', () => {
    const names = (content: string | Buffer) =>
      read({ 'r.txt': content }).flatMap((entry) =>
        entry.kind === 'named' ? [entry.requirement.name] : [entry.kind],
      );
    expect(names('\ufeffa==1\n')).toEqual(['file', 'a']);
    expect(names('\ufeff\ufeffa==1\n')).toEqual(['file', 'unknown']);
    expect(names(Buffer.from('\ufeffa==1\n', 'utf16le'))).toEqual(['file', 'a']);
  });

  test('gets no line, option or variable out of what a variable holds', () => {
    const [, ...entries] = read(
      { 'r.txt': '--find-links ${A}\n${B}\n' },
      { A: '/x --index-url=http://evil/\n-r evil.txt', B: '${A}', C: 'evil' },
    );
    expect(JSON.stringify(entries)).not.toContain('"location"');
    const options = entries.flatMap((entry) => (entry.kind === 'options' ? entry.options : []));
    expect(options.map(({ name }) => name)).not.toContain('--requirement');
    expect(entries.at(-1)).toMatchObject({ kind: 'unknown' });
  });

  test.each([
    'a==1 --index-url=http://evil/',
    'a==1 --extra-index-url http://evil/',
    'a==1 --trusted-host evil --find-links http://evil/',
    'a==1 -r evil.txt',
    'a==1 --pre',
  ])('keeps an option that stands beside a requirement from the others: %s', (line) => {
    const entries = read({ 'r.txt': `${line}\n`, 'evil.txt': 'evil==1\n' });
    expect(entries.map(({ kind }) => kind)).toEqual(['file', 'named']);
  });
});

function page(
  html: string | Buffer,
  contentType = 'text/html',
  url = 'https://me:secret@host/simple/a/',
) {
  return readPage({ url, contentType, body: Buffer.from(html) });
}

describe('a page of an index', () => {
  test.each([
    ['javascript:alert(1)-1.zip'],
    ['data:text/plain,a-1.zip'],
    ['a-1.zip#egg=a'],
    ['http://['],
    ['%ff/a-1.zip'],
  ])('with the link %s is pip’s to read', (href) => {
    expect(() => page(`<a href="${href}">a-1.zip</a>`)).toThrow(UnclearPage);
  });

  test('has links without control characters, passwords and fragments', () => {
    const files = page(
      '<a href="a\u0001-1.zip">1</a><a href="a\t-1\n.zip">2</a><a href="//other:pw@else/a-1.zip#sha256=0">3</a><a href="../../../../a-1.zip">4</a>',
    );
    for (const { url } of files) {
      // oxlint-disable-next-line no-control-regex -- these are what must not be there
      expect(url).toMatch(/^https:\/\/[^\0-\x20@]*$/);
    }
    expect(files).toHaveLength(4);
  });

  test('says by its first base where it is, and by no other', () => {
    const [first] = page(
      '<base href="https://one/x/"><base href="https://two/"><a href="a-1.zip">a</a>',
    );
    expect(first?.url).toBe('https://one/x/a-1.zip');
    expect(() => page('<base href="javascript:x"><a href="a-1.zip">a</a>')).toThrow();
  });

  test.each([
    '',
    '"',
    '{"files": {}}',
    '[]',
    'null',
    '{"files": [1]}',
    '{"files": [{"url": "a", "hashes": 1}]}',
  ])('in JSON of another form is pip’s to read: %s', (body) => {
    expect(() => page(body, 'application/vnd.pypi.simple.v1+json')).toThrow(UnclearPage);
  });

  test('in JSON takes nothing from an object’s ancestors', () => {
    const body =
      '{"__proto__": {"files": [{"url": "a-1.zip"}]}, "files": [{"__proto__": {"url": "b-1.zip"}}]}';
    expect(page(body, 'application/vnd.pypi.simple.v1+json')).toEqual([]);
  });
});

test('headers are the ones that Python reads', () => {
  const texts = [
    'Name : a\n',
    ' continued\nName: a\n',
    'From me\nName: a\n',
    ':x\nName: a\n',
    'Name: a\r\n b\r\nVersion: 1\r\n\r\nBody: c\n',
    'Nämé: a\nName: b\n',
    'Name\0: a\n',
    'Name: a\nno header\nVersion: 1\n',
    '\nName: a\n',
  ];
  const program =
    'import email.parser, json, sys; print(json.dumps([[[n.lower(), v] for n, v in email.parser.Parser().parsestr(text, True).items()] for text in json.load(sys.stdin)]))';
  const { stdout } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
  });
  const own = texts.map((text) =>
    [...parseHeaders(text)].flatMap(([name, values]) => values.map((value) => [name, value])),
  );
  expect(own).toEqual(JSON.parse(stdout));
});

test.each([
  'a-1.0-py3-none-.y.whl',
  'a-1.0-py2..py3-none-any.whl',
  'a-1.0-1CP311-abi3-win32.whl',
  'a-1.0-py)3-none-any.whl',
])('a wheel with tags that pip 26.3 refuses is none, and unclear before: %s', (filename) => {
  expect(readArchiveName(filename, normalizeName('a'), '26.3')).toBeNull();
  expect(readArchiveName(filename, normalizeName('a'), '26.2')).toBe('unclear');
});

test('a row of one empty field comes back as such', () => {
  expect(writeCsv([['']])).toBe('""\r\n');
  expect(readCsv(['""'])).toEqual([['']]);
});

test('no password of a URL stays, whatever stands around it', () => {
  for (const text of [
    'https://me:s3cret@host/',
    'xhttps://me:s3cret@host',
    '1https://me:s3cret@host',
    'git+ssh://me:s3cret@host#egg=a',
    '://me:s3cret@host',
    '(https://me:s3cret@host)',
    'https://me:s3c:ret@@host'.replace('s3c:ret', 's3cret:s3cret'),
    'https://s3cret@host/',
  ]) {
    expect(redact(text)).not.toContain('s3cret');
  }
});
