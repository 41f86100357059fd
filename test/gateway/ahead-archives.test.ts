import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { wantsArchives } from '../../src/commands/cold/ahead.ts';
import { openStore, type Store } from '../../src/store/layout.ts';
import { AheadPlace, AheadRun, fileHeaders, until } from './ahead-run.ts';
import { type MadeWheel, makeWheel, WheelIndex } from './wheel-index.ts';

let place: AheadPlace;
let index: WheelIndex;
let store: Store;
const runs: AheadRun[] = [];
beforeAll(async () => {
  place = await AheadPlace.open();
});
afterAll(() => place[Symbol.dispose]());
beforeEach(async () => {
  index = await WheelIndex.start();
  store = place.store();
});
afterEach(async () => {
  for (const run of runs.splice(0)) await run.close();
  index[Symbol.dispose]();
});

function open(): AheadRun {
  const run = new AheadRun({ store, interpreter: place.interpreter }, [index.url]);
  runs.push(run);
  return run;
}

/** How often an archive was asked for, whole or in part. */
function downloads(wheel: MadeWheel): number {
  return index.answered.filter(({ path }) => path === `/files/${wheel.filename}`).length;
}

/** The bytes of an archive in the store; null where it is not there. */
function stored({ filename }: MadeWheel): Buffer | null {
  if (!existsSync(store.sources)) return null;
  const [folder = ''] = readdirSync(store.sources);
  const path = join(store.sources, folder, filename);
  return existsSync(`${path}.record.json`) ? readFileSync(path) : null;
}

/** How many of this process's descriptors are of wheels that come into the store. */
function heldOpen(): number {
  const folder = '/proc/self/fd';
  const files = readdirSync(folder).map((name) => {
    const link = join(folder, name);
    return lstatSync(link, { throwIfNoEntry: false }) ? readlinkSync(link) : '';
  });
  return files.filter((file) => file.startsWith(store.root) && file.endsWith('.whl')).length;
}

interface Held {
  isHeld: boolean;
  goOn: (how: 'send' | 'break') => void;
}

function digest(bytes: Uint8Array | null): string {
  return createHash('sha256')
    .update(bytes ?? 'nothing')
    .digest('hex');
}

/** Sends the beginning of an archive, then waits to be told how to go on. */
function holdBack(wheel: MadeWheel, bytes: number): Held {
  const held: Held = { isHeld: false, goOn: () => {} };
  index.manners.instead = ({ url }, response) => {
    if (url !== `/files/${wheel.filename}` || held.isHeld) return false;
    held.isHeld = true;
    response.writeHead(200, { 'content-length': wheel.bytes.length, etag: '"x"' });
    response.write(wheel.bytes.subarray(0, bytes));
    held.goOn = (how) => {
      if (how === 'send') response.end(wheel.bytes.subarray(bytes));
      else response.destroy();
    };
    return true;
  };
  return held;
}

const big = makeWheel('fx-big', '1.0', { padding: 600_000 });

describe('an archive', () => {
  test('is on its way when pip has looked at its metadata, and no other', async () => {
    const other = makeWheel('fx-other', '1.0');
    index.wheels.push(big, other);
    const run = open();
    run.begin('fx-big', 'fx-other');
    await run.page(index.page('fx-big'));
    await run.get(index.file(big, '.metadata'));
    await until(() => stored(big) !== null);
    expect(digest(stored(big))).toBe(digest(big.bytes));
    expect(digest((await run.get(index.file(big))).body)).toBe(digest(big.bytes));
    expect([downloads(big), downloads(other)]).toEqual([1, 0]);
  });

  test('comes when pip asks for it, where it is not said to want archives', async () => {
    index.wheels.push(big);
    const settings = { wantsArchives: false };
    const run = new AheadRun({ store, interpreter: place.interpreter }, [index.url], settings);
    runs.push(run);
    run.begin('fx-big');
    await run.page(index.page('fx-big'));
    await run.get(index.file(big, '.metadata'));
    expect(downloads(big)).toBe(0);
    expect(digest((await run.get(index.file(big))).body)).toBe(digest(big.bytes));
    await until(() => stored(big) !== null);
  });

  test.each([
    ['install', '25.3', true],
    ['install --dry-run', '25.3', false],
    ['install --dry-run', '25.2', true],
  ])('is wanted by `%s` of pip %s: %s', (line, pip, isWanted) => {
    const flag = (name: string) => line.includes(`--${name}`);
    expect(wantsArchives({ flag }, pip)).toBe(isWanted);
  });

  test('reaches pip while it comes, with the index’s words on it', async () => {
    index.wheels.push(big);
    const held = holdBack(big, 200_000);
    const run = open();
    await run.page(index.page('fx-big'));
    const { signal } = new AbortController();
    const request = {
      method: 'GET',
      url: index.file(big),
      headers: fileHeaders,
      body: null,
      signal,
    };
    const { headers, body } = await run.ahead.respond(request);
    expect(headers).toMatchObject({ 'content-length': String(big.bytes.length), etag: '"x"' });
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) {
      chunks.push(chunk);
      // It would not get so far if it had to be whole first.
      if (Buffer.concat(chunks).length === 200_000) held.goOn('send');
    }
    expect(digest(Buffer.concat(chunks))).toBe(digest(big.bytes));
    await until(() => stored(big) !== null);
  });

  test.each([
    ['before it asked', 0],
    ['before it read', 1],
    ['while it read', 2],
  ])('whose reader is gone %s is held open for nobody', async (_when, moment) => {
    index.wheels.push(big);
    const held = holdBack(big, 200_000);
    const run = open();
    await run.page(index.page('fx-big'));
    await run.get(index.file(big, '.metadata'));
    await until(() => heldOpen() === 1);
    const aborter = new AbortController();
    if (moment === 0) aborter.abort();
    const asked = { method: 'GET', url: index.file(big), headers: fileHeaders, body: null };
    const answered = run.ahead.respond({ ...asked, signal: aborter.signal });
    if (moment === 0) {
      await expect(answered).rejects.toThrow();
    } else {
      const chunks = (await answered).body[Symbol.asyncIterator]();
      if (moment === 2) await chunks.next();
      expect(heldOpen()).toBe(2);
      aborter.abort();
    }
    // What fetches it goes on.
    await until(() => heldOpen() === 1);
    held.goOn('send');
    await until(() => stored(big) !== null);
    expect(heldOpen()).toBe(0);
  });

  test('that breaks off goes on from there, and pip does not notice', async () => {
    index.wheels.push(big);
    const held = holdBack(big, 400_000);
    const run = open();
    await run.page(index.page('fx-big'));
    const got = run.get(index.file(big));
    await until(() => held.isHeld);
    held.goOn('break');
    expect(digest((await got).body)).toBe(digest(big.bytes));
    const ranges = index.answered.flatMap(({ headers: { range } }) => range ?? []);
    expect(ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    await until(() => stored(big) !== null);
  });

  test('of a version that pip turns away from is stopped', async () => {
    const newer = makeWheel('fx-big', '2.0', { padding: 600_000 });
    index.wheels.push(newer, big);
    const held = holdBack(newer, 1000);
    const run = open();
    await run.page(index.page('fx-big'));
    await run.get(index.file(newer, '.metadata'));
    await until(() => held.isHeld);
    await run.get(index.file(big, '.metadata'));
    await until(() => downloads(newer) === 1);
    expect(index.answered.find(({ path }) => path.endsWith(newer.filename))?.bytes).toBeLessThan(
      5000,
    );
    await until(() => stored(big) !== null);
    expect(stored(newer)).toBeNull();
  });

  test('that is not what its page promised reaches pip, and not the store', async () => {
    index.manners.hash = () => createHash('sha256').update('something else').digest('hex');
    index.wheels.push(big);
    const run = open();
    await run.page(index.page('fx-big'));
    expect(digest((await run.get(index.file(big))).body)).toBe(digest(big.bytes));
    await run.close();
    runs.length = 0;
    expect(stored(big)).toBeNull();
  });

  test('reaches pip also where the store takes nothing', async () => {
    const file = join(place.root, 'no-folder');
    writeFileSync(file, '');
    store = openStore(file);
    index.wheels.push(big);
    const run = open();
    run.begin('fx-big');
    await run.page(index.page('fx-big'));
    expect((await run.get(index.file(big, '.metadata'))).body.toString()).toBe(big.metadata);
    expect(digest((await run.get(index.file(big))).body)).toBe(digest(big.bytes));
  });

  test('that is not there is not there for pip', async () => {
    index.wheels.push(big);
    const run = open();
    await run.page(index.page('fx-big'));
    index.wheels.pop();
    expect((await run.get(index.file(big))).status).toBe(404);
  });

  test('that the store has is not asked for again, in this run or the next', async () => {
    index.wheels.push(big);
    const first = open();
    await first.page(index.page('fx-big'));
    await first.get(index.file(big));
    const second = open();
    await second.page(index.page('fx-big'));
    const { body, headers } = await second.get(index.file(big));
    expect(digest(body)).toBe(digest(big.bytes));
    expect(headers['cache-control']).toBe('no-store');
    expect(downloads(big)).toBe(1);
  });

  test('of a page that pip has already comes into the store, too', async () => {
    index.wheels.push(big);
    const { headers } = await open().page(index.page('fx-big'));
    store = place.store();
    const run = open();
    const page = await run.page(index.page('fx-big'), { 'if-none-match': String(headers['etag']) });
    expect(page.status).toBe(304);
    expect(digest((await run.get(index.file(big))).body)).toBe(digest(big.bytes));
    await until(() => stored(big) !== null);
    expect(downloads(big)).toBe(1);
  });

  test('comes once where eight ask for it at a time', async () => {
    const wheels = Array.from({ length: 5 }, (_, number) =>
      makeWheel(`fx-part-${number}`, '1.0', { padding: 200_000 }),
    );
    index.wheels.push(...wheels);
    const clients = Array.from({ length: 8 }, open);
    await Promise.all(
      clients.map(async (run) => {
        for (const wheel of wheels) {
          await run.page(index.page(wheel.filename.split('-')[0]?.replaceAll('_', '-') ?? ''));
          await run.get(index.file(wheel, '.metadata'));
          const { body } = await run.get(index.file(wheel));
          expect(digest(body)).toBe(digest(wheel.bytes));
        }
      }),
    );
    expect(wheels.map(downloads)).toEqual([1, 1, 1, 1, 1]);
  });

  test('of which pip wants a part goes through', async () => {
    index.wheels.push(big);
    const run = open();
    await run.page(index.page('fx-big'));
    const part = await run.get(index.file(big), { ...fileHeaders, range: 'bytes=5-9' });
    expect([part.status, digest(part.body)]).toEqual([206, digest(big.bytes.subarray(5, 10))]);
  });

  test('that pip has not decided on is stopped when it has decided, and the others come', async () => {
    const other = makeWheel('fx-other', '1.0');
    index.wheels.push(big, other);
    const held = holdBack(big, 1000);
    const run = open();
    for (const wheel of [big, other]) {
      await run.page(index.page(wheel === big ? 'fx-big' : 'fx-other'));
      await run.get(index.file(wheel, '.metadata'));
    }
    await until(() => held.isHeld);
    run.ahead.settle([index.file(other).href]);
    await until(() => downloads(big) === 1 && stored(other) !== null);
    expect(stored(big)).toBeNull();
  });
});
