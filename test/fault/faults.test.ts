import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fixtures } from '../cli/fixtures.ts';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { countKinds, Faults, type Point, type Run, State } from './faults.ts';

let fixtures: Fixtures;
let sandbox: Sandbox;
let faults: Faults;
let state: State;
let run: Run;
beforeAll(() => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  sandbox.accel(['accel', 'version']);
  faults = new Faults([sandbox.venv, sandbox.cache]);
  state = new State(sandbox.venv);
  run = {
    command: [executable, 'install', '--find-links', fixtures.index, 'fx-many==3'],
    environment: { ...sandbox.environment, PIP_ACCEL_CACHE: sandbox.cache },
    cwd: sandbox.root,
  };
});
afterAll(() => {
  faults[Symbol.dispose]();
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

function startOver(): void {
  state.restore();
  rmSync(sandbox.cache, { recursive: true, force: true });
}

test('a run has a point for every change that strace sees', async () => {
  startOver();
  const trace = join(sandbox.root, 'trace');
  const strace = ['strace', '-f', '-y', '-s', '0', '-o', trace, '-e', 'trace=%file,%desc'] as const;
  const { exitCode, points } = await faults.record({
    ...run,
    // A build has many more ways to change a file.
    command: [...strace, ...run.command, 'fx-scripts'],
  });
  expect(exitCode).toBe(0);
  const seen = readFileSync(trace, 'utf8').split('\n').flatMap(readCall);
  expect(countKinds(points)).toEqual(countKinds(seen));
  expect(points.length).toBeGreaterThan(100);
});

const kinds: Readonly<Record<string, RegExp>> = {
  open: /^(creat|openat?2?\(.*O_(WRONLY|RDWR|CREAT|TRUNC))/,
  write: /^(p?writev?2?|pwrite64|sendfile|copy_file_range)\(/,
  fsync: /^(fsync|fdatasync|sync_file_range|syncfs|msync)\(/,
  rename: /^rename(at2?)?\(/,
  link: /^link(at)?\(/,
  symlink: /^symlink(at)?\(/,
  unlink: /^unlink(at)?\((?!.*AT_REMOVEDIR)/,
  rmdir: /^(rmdir|unlinkat\(.*AT_REMOVEDIR)/,
  mkdir: /^(mkdir|mknod)(at)?\(/,
  chmod: /^(f?chmod|fchmodat2?|f?l?chown|fchownat)\(/,
  utimens: /^(utimensat|utimes?|futimesat)\(/,
  truncate: /^(f?truncate|fallocate)\(/,
};

/**
 * A call begins on a line of its own; `<... write resumed>` ends one that began before. What an
 * absolute path is relative to is of no account.
 */
function readCall(line: string): readonly Point[] {
  const text = line.replace(/^\d+ +/, '').replaceAll(/AT_FDCWD<[^>]*>, (?="\/)/g, '');
  const [call] = Object.entries(kinds).find(([, pattern]) => pattern.test(text)) ?? [];
  const isOurs = [sandbox.venv, sandbox.cache].some((root) => text.includes(root));
  return call && isOurs ? [{ ordinal: 0, call, path: text }] : [];
}

test('a run is killed where it is told to, with all that it started', async () => {
  startOver();
  const { points } = await faults.record(run);
  const rename = points.find(({ call, path }) => call === 'rename' && path.includes('/images/'));
  startOver();
  const outcome = await faults.killAt(rename?.ordinal ?? 0, run);
  expect(outcome).toMatchObject({ signal: 'SIGKILL', hit: { ordinal: rename?.ordinal } });
  expect(outcome.points.length).toBe(rename?.ordinal);
});

test('a call fails where it is told to, and no other', async () => {
  startOver();
  const broken = await faults.failAt({ errno: 'EIO', at: 1, calls: ['link'] }, run);
  // Ordinal 1 is no link: nothing failed.
  expect(broken.exitCode).toBe(0);
  startOver();
  const full = await faults.failAt({ errno: 'ENOSPC', at: 1, lasts: true, calls: ['write'] }, run);
  expect(full.hit).toMatchObject({ call: 'write' });
  expect(full.stderr).toContain('ENOSPC');
});
