import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fixtures } from './fixtures.ts';
import { executable, Sandbox } from './sandbox.ts';

let fixtures: Fixtures;
let sandbox: Sandbox;
beforeAll(() => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
});
afterAll(() => {
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

test.each([
  ['SIGINT', 1],
  ['SIGTERM', 143],
] as const)('%s during a build ends it at once and leaves nothing behind', async (signal, code) => {
  const before = sandbox.snapshot();
  const started = join(sandbox.root, `${signal}-child.py`);
  const child = spawn(executable, ['install', 'fx-slow'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...sandbox.environment,
      PIP_ACCEL_CACHE: sandbox.cache,
      PIP_FIND_LINKS: fixtures.index,
      FX_SLOW_SECONDS: '600',
      FX_SLOW_CHILD: started,
    },
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('Building fx-slow')) break;
  }
  // By then the build has a child of its own, which would outlive a mere SIGTERM.
  while (!existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(buildProcesses(started).length).toBeGreaterThan(1);
  const start = performance.now();
  process.kill(-(child.pid ?? 0), signal);
  expect(await ended).toBe(code);
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(buildProcesses(started)).toEqual([]);
  expect(sandbox.snapshot()).toEqual(before);
  expect(readdirSync(join(sandbox.cache, 'tmp'))).toEqual([]);
  expect(existsSync(join(sandbox.cache, 'binaries'))).toBe(false);
});

/** Processes that work in this sandbox's data directory, or have that argument. */
function buildProcesses(argument: string): readonly string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter(
      (line) =>
        line.includes(argument) ||
        (line.includes(join(sandbox.cache, 'tmp')) && line.includes('.py')),
    );
}
