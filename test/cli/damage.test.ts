import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
beforeEach(() => rmSync(sandbox.cache, { recursive: true, force: true }));

const install = (words: readonly string[]) =>
  sandbox.accel(['install', '--find-links', fixtures.index, ...words]);

/** Files of the data directory, by their paths. */
function stored(pattern: RegExp): string[] {
  return readdirSync(sandbox.cache, { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path))
    .map((path) => join(sandbox.cache, path));
}

/** Changes one bit, which no size and no format shows. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function startOver(): void {
  rmSync(join(sandbox.cache, 'images'), { recursive: true });
  sandbox.resetEnvironment();
}

test.each([
  ['wheel', 'fx-ns-a==1.0', /^sources\/.*\.whl$/, 'source'],
  ['binary distribution', 'fx-pure==1.0', /^binaries\/.*fx-pure.*\.tar\.gz$/, 'binary distribution'],
] as const)('a %s with a wrong bit is set aside with one warning, and made anew', (_, name, pattern, kind) => {
  install([name]);
  const [archive = ''] = stored(pattern);
  const bytes = readFileSync(archive);
  damage(archive);
  startOver();
  const { stderr, exitCode } = install([name]);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(new RegExp(`^WARNING: Set aside a damaged ${kind}: ${RegExp.escape(archive)}: its sha256 is not .*\n$`));
});
