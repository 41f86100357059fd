import { lutimesSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../src/core/sha256.ts';
import type { Sha256, Version } from '../../src/core/types.ts';
import { normalizeName } from '../../src/python/names.ts';
import { binaryKey, type BinaryKeyInputs } from '../../src/store/key.ts';
import { Fixtures } from '../cli/fixtures.ts';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { differences, readTree, type Tree } from '../install/site.ts';
import { countKinds, Faults, type Point, type Run, samplePoints, State } from './faults.ts';

/** How many points of each matrix a bounded run tries. */
const wanted = 45;
const line = ['install', 'fx-wheel', 'fx-many==2', 'fx-pure'];

const inputs: BinaryKeyInputs = {
  name: normalizeName('old'),
  version: '1.0' as Version,
  source: sha256('old') as Sha256,
  implementation: 'cpython',
  soabi: 'none',
  abi: 'none',
  platform: 'any',
  libc: { family: 'unknown', version: '' },
  builder: 'auto',
  configSettings: {},
  buildConstraints: [],
  environment: {},
  salt: '',
};

let fixtures: Fixtures;
let sandbox: Sandbox;
let faults: Faults;
let environment: State;
let store: State;
/** What the line makes of the environment. */
let installed: Tree;
beforeAll(() => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  environment = new State(sandbox.venv);
  faults = new Faults([sandbox.cache]);
  install();
  installed = readTree(sandbox.venv);
  for (const name of ['a', 'b']) {
    putOld(['images', 'v3', name, 'files.txt']);
    putOld(['images', 'v3', name, 'purelib', 'module.py']);
    makeOld(join(sandbox.cache, 'images', 'v3', name));
  }
  const archive = { sha256: sha256('old'), size: 3 };
  for (const [name, content] of [
    ['old-1.0.tar.gz', 'old'],
    ['old-1.0.tar.gz.record.json', JSON.stringify(archive)],
    ['lone-1.0.tar.gz', 'old'],
  ] as const) {
    putOld(['sources', 'host-00000000', name], content);
  }
  const key = binaryKey(inputs);
  putOld(['binaries', 'v1', `${key}.tar.gz`], 'old');
  putOld(['binaries', 'v1', `${key}.json`], JSON.stringify({ format: 1, key: inputs, archive }));
  putOld(['decisions', 'v4', 'ab', 'abcd.json']);
  putOld(['logs', 'old.log']);
  store = new State(sandbox.cache);
});
afterAll(() => {
  faults[Symbol.dispose]();
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

function install(): void {
  const { exitCode, stderr } = sandbox.accel(line, {
    environment: { PIP_FIND_LINKS: fixtures.index },
  });
  expect(exitCode, stderr).toBe(0);
}

function putOld(names: readonly string[], content = 'old'): void {
  const path = join(sandbox.cache, ...names);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  makeOld(path);
}

/** Whose times say so; to copy a file is to read it. */
const old = new Set<string>();

function makeOld(path: string): void {
  old.add(path);
  const then = Date.now() / 1000 - 100 * 86_400;
  lutimesSync(path, then, then);
}

function restoreStore(): void {
  store.restore();
  for (const path of old) makeOld(path);
}

/** All files of the data directory but those that tell of environments. */
function files(): readonly string[] {
  return readdirSync(sandbox.cache, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(sandbox.cache.length))
    .filter((path) => !path.startsWith('/environments'))
    .toSorted();
}

test.each([
  { what: 'by age', words: ['--older-than=90'] },
  { what: 'of all there is', words: ['--max-size=0', '--older-than=0s', '--now'] },
])('a prune $what is killed: the store is whole, and nothing is left', async ({ words }) => {
  const run: Run = {
    command: [executable, 'accel', 'prune', ...words],
    environment: { ...sandbox.environment, PIP_ACCEL_CACHE: sandbox.cache },
    cwd: sandbox.root,
  };
  restoreStore();
  const recorded = await faults.record(run);
  expect(recorded.exitCode, recorded.stderr).toBe(0);
  const pruned = files();
  const hits: Point[] = [];
  for (const at of samplePoints(recorded.points, wanted)) {
    restoreStore();
    environment.restore();
    const { hit, signal } = await faults.killAt(at, run);
    if (hit === null) continue;
    hits.push(hit);
    const where = `${hit.ordinal} ${hit.call} ${hit.path}`;
    expect(signal, where).toBe('SIGKILL');

    const verified = sandbox.accel(['accel', 'verify']);
    expect(verified.exitCode, `${where}\n${verified.stdout}`).toBe(0);
    if (hits.length % 2 === 0) {
      install();
      expect(differences(readTree(sandbox.venv), installed), where).toEqual([]);
    }
    const again = sandbox.run(run.command);
    expect(again.exitCode, where).toBe(0);
    expect(files(), `${where}\n${again.stdout}`).toEqual(pruned);
    expect(readdirSync(join(sandbox.cache, 'tmp')), where).toEqual([]);
  }
  console.log(`killed at ${hits.length} points: ${JSON.stringify(countKinds(hits))}`);
  expect(hits.length).toBeGreaterThan(20);
  rmSync(join(sandbox.cache, 'tmp'), { recursive: true });
});
