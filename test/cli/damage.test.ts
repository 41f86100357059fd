import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { setAside } from '../../src/store/cold/quarantine.ts';
import { openStore } from '../../src/store/layout.ts';
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
  [
    'binary distribution',
    'fx-pure==1.0',
    /^binaries\/.*fx-pure.*\.tar\.gz$/,
    'binary distribution',
  ],
] as const)(
  'a %s with a wrong bit is set aside with one warning, and made anew',
  (_, name, pattern, kind) => {
    install([name]);
    const [archive = ''] = stored(pattern);
    const bytes = readFileSync(archive);
    damage(archive);
    startOver();
    const { stderr, exitCode } = install([name]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      `WARNING: Set aside a damaged ${kind}: ${archive}: its sha256 is not the one that it came with\n`,
    );
    expect(readFileSync(archive)).toEqual(bytes);
    // With the file beside it: what is known of the archive, or vouches for it.
    expect(stored(/^damaged\/./)).toHaveLength(2);
    startOver();
    expect(install([name])).toMatchObject({ stderr: '', exitCode: 0 });
  },
);

test('of what is damaged the newest few are kept', async () => {
  const store = openStore(sandbox.cache);
  const said: string[] = [];
  for (let round = 0; round < 25; round += 1) {
    const path = join(sandbox.root, `broken-${round}`);
    writeFileSync(path, '');
    const emit = (event: Event) => event.type === 'warning' && said.push(event.message);
    await setAside(store, [path], { kind: 'source', fault: 'it is empty' }, emit);
  }
  expect(said).toHaveLength(25);
  const kept = readdirSync(store.damaged);
  expect(kept).toHaveLength(20);
  expect(kept.filter((name) => name.endsWith('-broken-0'))).toEqual([]);
});

describe.each([0, 0.5])('whatever JSON a power cut left %d of', (part) => {
  test('is not believed', () => {
    const names = ['fx-ns-a==1.0', 'fx-pure==1.0'];
    install(names);
    install(names);
    const tree = sandbox.snapshot();
    for (const path of stored(/^(?!images).*\.json$/)) {
      truncateSync(path, Math.floor(statSync(path).size * part));
    }
    startOver();
    const { stderr, exitCode } = install(names);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^(WARNING: Set aside a damaged binary distribution: .*\n)?$/);
    expect(sandbox.snapshot()).toEqual(tree);
  });
});
