import { closeSync, fstatSync, openSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { hasErrno, redact } from '../core/errors.ts';
import { type Libc, openLibc } from './libc.ts';

export type LockMode = 'shared' | 'exclusive';

/** A lock that is held until `release`, or until this process and all that inherited the descriptor are gone. */
export interface Lock {
  /** The open description that holds it; null where `flock` does not work, and a lock file holds it. */
  readonly descriptor: number | null;
  readonly release: () => void;
}

export interface Waiting {
  /** Milliseconds; 0 to try once. */
  readonly timeout: number;
  /** Called once, after a second in vain. */
  readonly onWait?: (holder: Holder | null) => void;
  readonly signal?: AbortSignal;
}

/** Who holds a lock, as far as the system tells it. */
export interface Holder {
  readonly pid: number;
  /** Its words, passwords hidden, on one line and not too many; empty where they cannot be read. */
  readonly command: string;
}

/** `process 4711 (pip install six)`; null where nobody knows. */
export function nameHolder(holder: Holder | null): string | null {
  if (holder === null) return null;
  return `process ${holder.pid}${holder.command === '' ? '' : ` (${holder.command})`}`;
}

/** Linux and macOS agree on these (`sys/file.h`). */
const operations = { shared: 1, exclusive: 2 } as const;
const withoutWaiting = 4;

/** Milliseconds after which somebody wants to know why nothing happens. */
const patience = 1000;
/** Milliseconds between two tries, the first and the longest. */
const pauses = { first: 5, longest: 50 };

/**
 * Locks a file or a folder that exists (`flock(2)`): the kernel ends the lock with the last process
 * that holds it open, however that ends. Where `flock` does not work (some network file systems,
 * no C library at hand), a lock file beside it does, and a shared lock is an exclusive one.
 *
 * @returns null where others held it until the timeout.
 * @throws ENOENT where nothing is there any more.
 */
export async function lockPath(
  path: string,
  mode: LockMode,
  waiting: Waiting,
): Promise<Lock | null> {
  const libc = await openLibc();
  if (libc === null || isElsewhere(path)) return await lockByFile(path, waiting);
  const begun = performance.now();
  for (let timeout = waiting.timeout; ; timeout = waiting.timeout - (performance.now() - begun)) {
    const outcome = await lockOpened(path, mode, { ...waiting, timeout, libc });
    if (outcome === 'unsupported') return await lockByFile(path, waiting);
    if (outcome !== 'replaced') return outcome;
  }
}

/**
 * File systems of other machines (`linux/magic.h`): NFS locks a folder on this machine only, FUSE as
 * whoever wrote it saw fit.
 */
const remoteTypes = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400,
]);

function isElsewhere(path: string): boolean {
  return remoteTypes.has(statfsSync(path).type >>> 0);
}

async function lockOpened(
  path: string,
  mode: LockMode,
  { libc, ...waiting }: Waiting & { readonly libc: Libc },
): Promise<Lock | null | 'unsupported' | 'replaced'> {
  const descriptor = openSync(path, 'r');
  let isHeld = false;
  try {
    const tryOnce = () => tryFlock(libc, descriptor, mode);
    const outcome = await repeat(tryOnce, waiting, () => holderOf(descriptor));
    if (outcome === 'unsupported') return outcome;
    if (outcome === 'busy') return null;
    // Whoever held it may have put another file or folder there.
    if (!isAt(path, descriptor)) return 'replaced';
    isHeld = true;
    return { descriptor, release: () => closeSync(descriptor) };
  } finally {
    if (!isHeld) closeSync(descriptor);
  }
}

function isAt(path: string, descriptor: number): boolean {
  const [there, here] = [statSync(path, { throwIfNoEntry: false }), fstatSync(descriptor)];
  return there?.ino === here.ino && there.dev === here.dev;
}

type Attempt = 'held' | 'busy' | 'unsupported';

function tryFlock(libc: Libc, descriptor: number, mode: LockMode): Attempt {
  const { EWOULDBLOCK, EINTR } = constants.errno;
  const errno = libc.flock(descriptor, operations[mode] | withoutWaiting);
  if (errno === 0) return 'held';
  return errno === EWOULDBLOCK || errno === EINTR ? 'busy' : 'unsupported';
}

/** Tries until something else than `busy` comes of it, or the time is over. */
async function repeat<Outcome>(
  attempt: () => Outcome,
  { timeout, onWait, signal }: Waiting,
  holder: () => Holder | null,
): Promise<Outcome> {
  const begun = performance.now();
  let isAnnounced = false;
  for (let pause = pauses.first; ; pause = Math.min(pause * 2, pauses.longest)) {
    signal?.throwIfAborted();
    const outcome = await attempt();
    const waited = performance.now() - begun;
    if (outcome !== 'busy' || waited >= timeout) return outcome;
    if (waited >= patience && !isAnnounced) {
      isAnnounced = true;
      onWait?.(holder());
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function lockByFile(path: string, waiting: Waiting): Promise<Lock | null> {
  const { tryLockFile } = await import('./cold/lock-file.ts');
  const outcome = await repeat(
    () => tryLockFile(path),
    waiting,
    () => null,
  );
  if (outcome === 'busy') return null;
  try {
    // Whoever held it may have removed what it stood for.
    statSync(path);
    return outcome;
  } catch (error) {
    outcome.release();
    throw error;
  }
}

/** Linux lists who holds what: `1: FLOCK ADVISORY WRITE 4711 00:1b:123 0 EOF`. */
function holderOf(descriptor: number): Holder | null {
  try {
    const { ino } = fstatSync(descriptor, { bigint: true });
    const lines = readFileSync('/proc/locks', 'utf8').split('\n');
    const held = lines.find((line) => line.includes(' FLOCK ') && line.includes(`:${ino} `));
    const pid = Number(/ (\d+) [0-9a-f]+:[0-9a-f]+:\d+ /.exec(held ?? '')?.[1] ?? 0);
    return pid > 0 ? { pid, command: commandOf(pid) } : null;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return null;
    throw error;
  }
}

const longestCommand = 100;

function commandOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const words = redact(text.replaceAll(/[\0\s]+/g, ' ').trim());
    return words.length > longestCommand ? `${words.slice(0, longestCommand)}…` : words;
  } catch {
    return '';
  }
}
