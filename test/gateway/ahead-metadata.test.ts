import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Placed, zip64Extra } from '../hostile/zip-bytes.ts';
import { AheadPlace, AheadRun, pageHeaders, until } from './ahead-run.ts';
import { type MadeWheel, makeWheel, WheelIndex, type Zip } from './wheel-index.ts';

let place: AheadPlace;
let index: WheelIndex;
let run: AheadRun;
beforeAll(async () => {
  place = await AheadPlace.open();
});
afterAll(() => place[Symbol.dispose]());
beforeEach(async () => {
  index = await WheelIndex.start();
  index.manners.metadata = false;
});
afterEach(async () => {
  await run.close();
  index[Symbol.dispose]();
});

function open(others = {}): void {
  run = new AheadRun({ store: place.store(), interpreter: place.interpreter }, [index.url], others);
}

const size = 300_000;
/** What is asked of a wheel's server: its ranges, in their order. */
function ranges(): readonly (string | undefined)[] {
  return index.answered
    .filter(({ path }) => path.startsWith('/files/'))
    .map(({ headers }) => headers.range);
}

const offered = ['"core-metadata":true', '"dist-info-metadata":true'];

describe('where an index has no metadata beside wheels', () => {
  test('it is read out of the wheel’s end, and offered to pip', async () => {
    const leaf = makeWheel('fx-leaf', '1.0');
    const root = makeWheel('fx-root', '1.0', { requires: ['fx-leaf'], padding: size });
    index.wheels.push(root, leaf);
    open();
    run.begin('fx-root');
    const page = await run.page(index.page('fx-root'));
    for (const words of offered) expect(page.body.toString()).toContain(words);
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers['etag']).toBeUndefined();
    const metadata = await run.get(index.file(root, '.metadata'));
    expect(metadata.body.toString()).toBe(root.metadata);
    expect(metadata.headers['cache-control']).toBe('no-store');
    await until(() => index.answered.some(({ path }) => path.includes('fx-leaf')));
    const sent = index.answered.filter(({ headers }) => headers.range !== undefined);
    expect(sent.filter(({ path }) => path.includes('fx_root'))).toHaveLength(1);
    expect(sent[0]?.bytes).toBeLessThan(size / 4);
    // What pip sees of the page is not what its cache may hold.
    const again = await run.page(index.page('fx-root'), { 'if-none-match': '"x"' });
    expect(again.status).toBe(200);
  });

  test('a page of HTML keeps its words, and gains these', async () => {
    index.manners.form = 'html';
    index.wheels.push(makeWheel('fx-root', '1.0'));
    open();
    const { body } = await run.page(index.page('fx-root'));
    const text = body.toString();
    const added = ' data-core-metadata="true" data-dist-info-metadata="true"';
    expect(text).toContain(`<a${added} href=`);
    expect(text.replace(added, '')).toMatch(
      /^<!DOCTYPE html><html><body><a href="\.\.\/\.\.\/files\/fx_root/,
    );
  });

  test.each([
    ['23.1.2', 'takes it of none'],
    ['22.3.1', 'takes it of HTML'],
  ])('pip %s %s, and gets the page as it is', async (pip) => {
    index.wheels.push(makeWheel('fx-root', '1.0'));
    open({ pip });
    const page = await run.page(index.page('fx-root'));
    expect(page.headers['etag']).toBeDefined();
    expect(page.body.toString()).not.toContain('metadata');
  });

  test('another version than the likeliest is read when pip asks for it', async () => {
    const [newest, older] = [makeWheel('fx-root', '2.0'), makeWheel('fx-root', '1.0')];
    index.wheels.push(newest, older);
    open();
    await run.page(index.page('fx-root'));
    expect(index.take()).toEqual(['/files/fx_root-2.0-py3-none-any.whl', '/simple/fx-root/']);
    const { body } = await run.get(index.file(older, '.metadata'));
    expect(body.toString()).toBe(older.metadata);
  });

  const zips: readonly (readonly [string, number, Zip])[] = [
    ['METADATA comes first', 2, { metadataFirst: true }],
    ['there is a comment of 40 KB', 2, { options: { comment: Buffer.alloc(40_000, ' ') } }],
    ['METADATA is stored as it is', 1, { metadata: { method: 0 } }],
    ['sizes follow the data', 1, { metadata: { flags: 8 } }],
    ['the directory is one of zip64', 1, { options: zip64Directory() }],
    ['METADATA lies where zip64 says', 1, { metadata: zip64Member() }],
  ];
  test.each(zips)('%s', async (_name, requests, zip) => {
    const root = makeWheel('fx-root', '1.0', { padding: size, zip });
    index.wheels.push(root);
    open();
    const page = await run.page(index.page('fx-root'));
    expect(page.body.toString()).toContain(offered[0]);
    expect(ranges()).toHaveLength(requests);
    const { body } = await run.get(index.file(root, '.metadata'));
    expect(body.toString()).toBe(root.metadata);
  });

  const refusals: readonly (readonly [string, (wheel: MadeWheel) => void])[] = [
    ['a server without ranges', () => (index.manners.ranges = false)],
    ['a server that counts wrong', () => answerRanges((bytes, total) => [bytes, total + 1])],
    [
      'a server that sends less than it says',
      () => answerRanges((bytes, total) => [bytes.subarray(1), total]),
    ],
    ['a server that forbids ranges', () => refuseRanges(403)],
    ['a server that breaks off', () => refuseRanges(0)],
  ];
  test.each(refusals)('%s leaves the page as it is', async (_name, prepare) => {
    const root = makeWheel('fx-root', '1.0', { padding: size });
    index.wheels.push(root);
    prepare(root);
    open();
    run.begin('fx-root');
    const page = await run.page(index.page('fx-root'));
    expect(page.headers['etag']).toBeDefined();
    expect(page.body.toString()).not.toContain('metadata');
    await until(() => ranges().length > 0);
  });

  test('a server without ranges is not asked for a whole wheel in vain', async () => {
    const root = makeWheel('fx-root', '1.0', { padding: 24 << 20 });
    index.wheels.push(root);
    index.manners.ranges = false;
    open();
    await run.page(index.page('fx-root'));
    await until(() => ranges().length > 0);
    const sent = index.answered.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(sent).toBeLessThan(root.bytes.length / 2);
  });

  test('what was offered is read out of the whole wheel where nothing else is left', async () => {
    const [newest, older] = [makeWheel('fx-root', '2.0'), makeWheel('fx-root', '1.0')];
    index.wheels.push(newest, older);
    open();
    expect((await run.page(index.page('fx-root'))).body.toString()).toContain(offered[0]);
    index.manners.ranges = false;
    index.answered.length = 0;
    expect((await run.get(index.file(older, '.metadata'))).body.toString()).toBe(older.metadata);
    expect((await run.get(index.file(older))).body).toEqual(older.bytes);
    expect(ranges().filter((range) => range === undefined)).toHaveLength(1);
  });

  test('what is gone by the time that pip asks for it is gone for pip', async () => {
    const [newest, older] = [makeWheel('fx-root', '2.0'), makeWheel('fx-root', '1.0')];
    index.wheels.push(newest, older);
    open();
    expect((await run.page(index.page('fx-root'))).body.toString()).toContain(offered[0]);
    index.wheels.pop();
    expect((await run.get(index.file(older, '.metadata'))).status).toBe(404);
  });
});

test('metadata that the index has is what pip gets, with the index’s own words on it', async () => {
  index.manners.metadata = true;
  const root = makeWheel('fx-root', '1.0');
  index.wheels.push(root);
  open();
  run.begin('fx-root');
  const page = await run.page(index.page('fx-root'), { accept: pageHeaders.accept });
  expect(page.headers['etag']).toBeDefined();
  const metadata = await run.get(index.file(root, '.metadata'));
  expect(metadata.headers['cache-control']).toBe('max-age=365000000, immutable, public');
  expect(ranges()).toEqual([undefined]);
});

/** Answers every range with what is made of the right bytes and their number in all. */
function answerRanges(change: (bytes: Buffer, total: number) => readonly [Buffer, number]): void {
  index.manners.instead = ({ headers, url = '' }, response) => {
    const wheel = index.wheels.find(({ filename }) => url.endsWith(filename));
    const [, last] = /^bytes=-(\d+)$/.exec(headers.range ?? '') ?? [];
    if (!wheel || last === undefined) return false;
    const total = wheel.bytes.length;
    const [bytes, said] = change(wheel.bytes.subarray(-Number(last)), total);
    const range = `bytes ${total - Number(last)}-${total - 1}/${said}`;
    response.writeHead(206, { 'content-range': range }).end(bytes);
    return true;
  };
}

function refuseRanges(status: number): void {
  index.manners.instead = ({ headers }, response) => {
    if (headers.range === undefined) return false;
    if (status === 0) response.destroy();
    else response.writeHead(status).end();
    return true;
  };
}

function zip64Directory(): NonNullable<Zip['options']> {
  return {
    editEnd: (record) => {
      record.writeUInt16LE(0xffff, 8);
      record.writeUInt16LE(0xffff, 10);
      record.writeUInt32LE(0xffffffff, 12);
      record.writeUInt32LE(0xffffffff, 16);
    },
    beforeEnd: ({ offset, bytes, count }: Placed) => {
      const end = Buffer.alloc(56);
      end.writeUInt32LE(0x06064b50, 0);
      end.writeBigUInt64LE(44n, 4);
      end.writeUInt16LE(45, 12);
      end.writeUInt16LE(45, 14);
      end.writeBigUInt64LE(BigInt(count), 24);
      end.writeBigUInt64LE(BigInt(count), 32);
      end.writeBigUInt64LE(BigInt(bytes), 40);
      end.writeBigUInt64LE(BigInt(offset), 48);
      const locator = Buffer.alloc(20);
      locator.writeUInt32LE(0x07064b50, 0);
      locator.writeBigUInt64LE(BigInt(offset + bytes), 8);
      locator.writeUInt32LE(1, 16);
      return Buffer.concat([end, locator]);
    },
  };
}

/** The offset alone, which tests know: it is what follows the padding. */
function zip64Member(): NonNullable<Zip['metadata']> {
  const offset = 30 + 'fx-root.bin'.length + size;
  return {
    centralExtra: zip64Extra(BigInt(offset)),
    editCentral: (record) => record.writeUInt32LE(0xffffffff, 42),
  };
}
