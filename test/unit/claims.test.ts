import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Claim, claimPath, withClaim } from '../../src/store/cold/claims.ts';
import { openStore, type Store } from '../../src/store/layout.ts';

let store: Store;
beforeEach(() => {
  store = openStore(mkdtempSync(join(tmpdir(), 'pip-accel-claims-')));
});
afterEach(() => rmSync(store.root, { recursive: true, force: true }));

const subject = (key: string) => ({ key, activity: `makes ${key}` });
const emit = () => {};

/** Open once as many have come by as were announced. */
class Barrier {
  #missing: number;
  #open = () => {};
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve));

  constructor(parties: number) {
    this.#missing = parties;
  }

  async pass(): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) this.#open();
    await this.#opened;
  }
}

test('a claim is one worker’s at a time', async () => {
  let atWork = 0;
  const work = async () => {
    atWork += 1;
    expect(atWork).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    atWork -= 1;
  };
  await Promise.all(
    Array.from({ length: 30 }, () => withClaim(store, subject('one'), { emit }, work)),
  );
  expect(readdirSync(store.locks)).toEqual([]);
});

test.each([2, 3, 5])('of %i who would wait in a circle the last one does not', async (count) => {
  const barrier = new Barrier(count);
  const inner: Claim[] = [];
  const one = (at: number) =>
    withClaim(store, subject(`${at}`), { emit }, async (outer) => {
      await barrier.pass();
      const next = subject(`${(at + 1) % count}`);
      await withClaim(store, next, { emit, claims: [outer] }, async (claim) => {
        inner.push(claim);
      });
    });
  await Promise.all(Array.from({ length: count }, (_, at) => one(at)));
  expect(inner.filter(({ isHeld }) => !isHeld)).toHaveLength(1);
  expect(readdirSync(store.locks)).toEqual([]);
});

test('a circle is seen through what is claimed within a claim, and through one of many that are waited for', async () => {
  const barrier = new Barrier(2);
  const held: boolean[] = [];
  const claim = (key: string, claims: readonly Claim[], work: (claim: Claim) => Promise<unknown>) =>
    withClaim(store, subject(key), { emit, claims }, work);
  const note = async ({ isHeld }: Claim) => held.push(isHeld);
  await Promise.all([
    claim('a', [], (a) =>
      claim('b', [a], async (b) => {
        await barrier.pass();
        await claim('c', [a, b], note);
      }),
    ),
    claim('c', [], async (c) => {
      await barrier.pass();
      await Promise.all([claim('d', [c], note), claim('a', [c], note), claim('e', [c], note)]);
    }),
  ]);
  // Four were claimed in all, and the one that closed the circle was not.
  expect(held.filter((isHeld) => isHeld)).toHaveLength(3);
  expect(held).toHaveLength(4);
});

test('a link that lies where a claim is to be made is not followed', async () => {
  const victim = join(store.root, 'victim');
  writeFileSync(victim, 'precious');
  mkdirSync(store.locks);
  symlinkSync(victim, claimPath(store, 'one'));
  await expect(withClaim(store, subject('one'), { emit }, async () => {})).rejects.toThrow('ELOOP');
  expect(readFileSync(victim, 'utf8')).toBe('precious');
});
