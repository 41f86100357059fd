import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startTags, UnclearPage } from '../../src/obtain/cold/index/html.ts';
import { readPage } from '../../src/obtain/cold/index/page.ts';

const html = (body: string, url = 'https://index.test/simple/fx/') =>
  readPage({ url, contentType: 'text/html; charset=utf-8', body: Buffer.from(body) });

const json = (page: unknown) =>
  readPage({
    url: 'https://index.test/simple/fx/',
    contentType: 'application/vnd.pypi.simple.v1+json',
    body: Buffer.from(JSON.stringify(page)),
  });

test('a page of many scripts is read as fast as it is long', () => {
  const tags = startTags('İ<SCRIPT><a></Script>'.repeat(100_000));
  expect(tags).toHaveLength(100_000);
}, 5000);

test('tags are read as Python reads them', () => {
  const pages = [
    '<a href="x">x</a>',
    "<A HREF='x&amp;y' Data-Requires-Python='&gt;=3, &lt;4'>x</A>",
    '<a href=x.whl data-yanked>x</a><a\n\thref = "two" \n data-x = \'"\' >',
    '<!-- <a href="no"> --><!DOCTYPE html><?xml <a?><a href="x"/>',
    '<script>"<a href=no>"</script><style><a href=no></style><a href=yes>',
    '<a href="1" href="2">x</a>',
    '<a/href="x">',
    '<base href="/files/"><a href="x" />',
    '<a href="?a=1&#38;b=2&#x26;c=&quot;&apos;">',
    'a < b <3 <a href="x">',
    '<abbr title="a"><area href="no"><a  >',
    '<a href="">x</a><a href="zażółć">',
  ];
  const output = execFileSync(
    process.env['PYTHON'] ?? 'python3',
    [join(import.meta.dirname, 'tags.py')],
    { input: JSON.stringify(pages) },
  );
  const found = pages.map((page) =>
    startTags(page)
      .filter(({ name }) => name === 'a' || name === 'base')
      .map(({ name, attributes }) => [name, Object.fromEntries(attributes)]),
  );
  expect(found).toEqual(JSON.parse(output.toString()));
});

test.each([
  '<a href="x',
  '<!-- never closed <a href="x">',
  '<a href=x"y>',
  '<a "x">',
  '<a href="?x&copy=1">',
  '<a href="&nbsp;">',
  '<script><a href="x">',
  '<a href="fx-1.tar.gz" data-yanked>',
  '<a href="fx-1.tar.gz#egg=fx-1">',
  '<base href="/relative/"><a href="fx-1.tar.gz">',
])('what Pythons and pips read in several ways is left to pip: %s', (page) => {
  expect(() => html(page)).toThrow(UnclearPage);
});

describe('files of a page', () => {
  const nothing = {
    hashes: {},
    requiresPython: null,
    yanked: null,
    size: null,
    metadata: null,
  };

  test('have absolute URLs, quoted as pip does, without passwords and fragments', () => {
    const page = [
      '<base href="https://files.test/a/b/">',
      '<a href="../fx-1.0+cpu.tar.gz#sha256=abc&amp;x=1">',
      '<a href="https://user:secret@other.test/fx 1%2f2@3.zip?q=1">',
      '<a href="/fx-2.tar.gz">',
      '<a href="/fx-2.tar.gz">',
    ];
    expect(html(page.join('\n'))).toEqual([
      { ...nothing, url: 'https://files.test/a/fx-1.0%2Bcpu.tar.gz', hashes: { sha256: 'abc' } },
      { ...nothing, url: 'https://other.test/fx%201%2F2@3.zip?q=1' },
      { ...nothing, url: 'https://files.test/fx-2.tar.gz' },
    ]);
  });

  test('have what PEP 503, 592, 658 and 714 say of them', () => {
    const page = [
      '<a href="1.whl" data-requires-python="&gt;=3" data-yanked="bad" data-core-metadata="sha256=m">',
      '<a href="2.whl" data-yanked="" data-dist-info-metadata="true">',
    ];
    const url = (name: string) => `https://index.test/simple/fx/${name}.whl`;
    expect(html(page.join(''))).toEqual([
      {
        ...nothing,
        url: url('1'),
        requiresPython: '>=3',
        yanked: 'bad',
        metadata: { sha256: 'm' },
      },
      { ...nothing, url: url('2'), yanked: '', metadata: {} },
    ]);
  });

  test('are the same in JSON', () => {
    const files = [
      { url: '1.whl', hashes: { sha256: 'a' }, 'requires-python': '>=3', yanked: true, size: 7 },
      { url: '2.whl', hashes: {}, yanked: false, 'core-metadata': { sha256: 'm' } },
      { url: '3.whl', yanked: 'bad', 'dist-info-metadata': true, 'core-metadata': null },
      { filename: 'without URL' },
    ];
    const url = (name: string) => `https://index.test/simple/fx/${name}.whl`;
    expect(json({ files })).toEqual([
      {
        ...nothing,
        url: url('1'),
        hashes: { sha256: 'a' },
        requiresPython: '>=3',
        yanked: '',
        size: 7,
      },
      { ...nothing, url: url('2'), metadata: { sha256: 'm' } },
      { ...nothing, url: url('3'), yanked: 'bad', metadata: {} },
    ]);
    expect(json({})).toEqual([]);
  });

  test('of another type are left to pip', () => {
    const page = { url: 'https://index.test/', body: Buffer.from('') };
    expect(() => readPage({ ...page, contentType: 'application/json' })).toThrow(UnclearPage);
    expect(() => readPage({ ...page, contentType: 'text/html; charset=koi8-r' })).toThrow(
      UnclearPage,
    );
  });
});
