import { closeSync, constants, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { sha256 } from '../../core/sha256.ts';
import type { Timings } from '../../core/timings.ts';
import { type Lock, lockPath, nameHolder } from '../../process/lock.ts';
import type { Store } from '../layout.ts';
import { makeFolder, namesIn } from './folders.ts';

/**
 * The right to make one thing that all users of the store then share. Its file in `locks/` is
 * locked for as long as its holder lives, and has a line for each claim that the holder waits for
 * meanwhile.
 */
export interface Claim {
  readonly path: string;
  /** False where to wait for it would have been to wait for oneself. */
  readonly isHeld: boolean;
  readonly waitsFor: Set<string>;
}

interface Subject {
  /** Tells it from everything else that is made. */
  readonly key: string;
  /** What the holder does, for those who wait: `building fx-cext 1.0`. */
  readonly activity: string;
}

export interface Claimant {
  readonly emit: Emit;
  readonly timings?: Timings | null;
  readonly signal?: AbortSignal;
  /** What is held for the work that this is a part of, the outermost first. */
  readonly claims?: readonly Claim[];
}

/**
 * Does work that one process at a time is to do; the work has to look first whether it was done
 * meanwhile. The claim ends with its process, whatever children that leaves.
 *
 * Work may claim other things on its way, as a build does whose requirements have to be built.
 * Nobody waits in a circle: who holds claims writes into their files what he is going to wait for,
 * and only then looks whether these files lead from there back to him. The last one of a circle to
 * write sees all of it, and does the work without a claim, as if he were alone.
 */
export async function withClaim<Result>(
  store: Store,
  { key, activity }: Subject,
  claimant: Claimant,
  work: (claim: Claim) => Promise<Result>,
): Promise<Result> {
  await makeFolder(store, store.locks);
  const path = claimPath(store, key);
  const lock = await acquire(path, activity, claimant);
  try {
    return await work({ path, isHeld: lock !== null, waitsFor: new Set() });
  } finally {
    if (lock) remove(path, lock);
  }
}

/** Where the claim on something is, held or not. */
export function claimPath(store: Store, key: string): string {
  return join(store.locks, sha256(key).slice(0, 32));
}

/** null where to wait for it would be to wait for oneself. */
async function acquire(path: string, activity: string, claimant: Claimant): Promise<Lock | null> {
  for (;;) {
    const { O_CREAT, O_NOFOLLOW, O_RDONLY } = constants;
    closeSync(openSync(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600));
    const lock = (await lockNow(path)) ?? (await waitFor(path, activity, claimant));
    if (lock === 'circle') return null;
    if (lock) {
      // A holder that was killed waits for nothing any more.
      writeFileSync(path, '');
      return lock;
    }
  }
}

async function lockNow(path: string): Promise<Lock | null> {
  return await unlessRemoved(lockPath(path, 'exclusive', { timeout: 0 }));
}

async function waitFor(
  path: string,
  activity: string,
  { emit, signal, timings, claims = [] }: Claimant,
): Promise<Lock | 'circle' | null> {
  using _ = timings?.begin('wait', null);
  return await whileWaiting(claims, path, async () => {
    const waiting = lockPath(path, 'exclusive', {
      timeout: Number.POSITIVE_INFINITY,
      onWait: (holder) => emit({ type: 'waiting', what: activity, holder: nameHolder(holder) }),
      ...(signal ? { signal } : {}),
    });
    return await unlessRemoved(waiting);
  });
}

/**
 * Lets the holders of claims wait for another one, unless they would wait for themselves.
 *
 * @param path of the other claim.
 */
export async function whileWaiting<Result>(
  claims: readonly Claim[],
  path: string,
  wait: () => Promise<Result>,
): Promise<Result | 'circle'> {
  const held = claims.filter(({ isHeld }) => isHeld);
  for (const claim of held) tell(claim, () => claim.waitsFor.add(path));
  try {
    return leadsTo(path, claims) ? 'circle' : await wait();
  } finally {
    for (const claim of held) tell(claim, () => claim.waitsFor.delete(path));
  }
}

function tell({ path, waitsFor }: Claim, change: () => void): void {
  change();
  writeFileSync(path, [...waitsFor].join('\n'));
}

function leadsTo(start: string, claims: readonly Claim[]): boolean {
  const own = new Set(claims.map(({ path }) => path));
  const open = [start];
  const seen = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (own.has(path)) return true;
    if (seen.has(path)) continue;
    seen.add(path);
    open.push(...awaited(path));
  }
  return false;
}

function awaited(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function unlessRemoved(lock: Promise<Lock | null>): Promise<Lock | null> {
  try {
    return await lock;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Before it is let go, so that whoever waits finds that what he waits for is gone. */
function remove(path: string, lock: Lock): void {
  rmSync(path, { force: true });
  lock.release();
}

/** Removes the files of claims whose holders were killed. */
export async function sweepClaims(store: Store): Promise<void> {
  for (const name of namesIn(store.locks)) {
    const path = join(store.locks, name);
    const lock = name.endsWith('.lock') ? null : await lockNow(path);
    if (lock) remove(path, lock);
  }
}
