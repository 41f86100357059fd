import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeOutcome, type Outcome } from './harness/command.ts';
import { differences, varyingFiles } from './harness/difference.ts';
import { Bench, forgetBuiltWheels } from './harness/environment.ts';
import { makeFixtures } from './harness/fixtures.ts';
import type { Interpreter } from './harness/interpreters.ts';
import {
  externallyManagedRow,
  ownPrefixRow,
  virtualEnvironmentRows,
  type Row,
} from './harness/rows.ts';
import { settings, temporaryFolder } from './harness/settings.ts';
import { binaries } from './harness/store.ts';
import { snapshot, staleBytecode, type Snapshot } from './harness/tree.ts';

const REQUIREMENTS = path.join(import.meta.dirname, 'matrix.txt');
/** Those of the list that are compiled, so that two builds may differ. */
const NATIVE = ['fx-cext', 'fx-backend-cext'];

/** One store for all rows but twins: what one interpreter built lies there for the next to misuse. */
const sharedStore = temporaryFolder('matrix-store');
const nativeFilesOf = new Map<string, ReadonlySet<number>>();
afterAll(() => rm(sharedStore, { recursive: true, force: true }));

const rows = [
  ...(await virtualEnvironmentRows()),
  await ownPrefixRow('own prefix'),
  await ownPrefixRow('conda'),
].filter((row) => row !== undefined && settings.rows.test(row.title));

describe.each(rows.map((row) => [row?.title, row as Row] as const))('%s', (_title, row) => {
  const bench = new Bench('matrix', row.spec);
  const store = row.twin ? bench.cache('pip-accel') : sharedStore;
  afterAll(() => bench.dispose());

  test('pip-accel makes the tree that pip makes', async () => {
    const pips = await installByPip(bench, row.interpreter);
    const before = await binaries(store);

    await bench.renew();
    const outcome = await bench.accelerate(['install', '-r', REQUIREMENTS], {
      variables: { ...pips.index, PIP_ACCEL_CACHE: store },
    });
    expectSuccess(outcome);
    const tree = await snapshot(bench.prefix);
    expect(differences(pips.tree, tree, pips.varying)).toEqual([]);
    expect(await staleBytecode(bench.prefix, tree)).toEqual([]);

    expectOwnBinaries(row.interpreter, before, await binaries(store));
    expectOwnNativeFiles(row.interpreter, tree);
  });

  test('and makes it again out of the store, with no compiler', async () => {
    const first = await snapshot(bench.prefix);
    const before = await binaries(store);
    const index = indexVariables(bench);
    await bench.renew();
    const outcome = await bench.accelerate(['install', '-r', REQUIREMENTS], {
      variables: { ...index, PIP_ACCEL_CACHE: store, CC: '/bin/false' },
    });
    expectSuccess(outcome);
    expect(differences(first, await snapshot(bench.prefix))).toEqual([]);
    expect(await binaries(store)).toEqual(before);
  });
});

const managed = await externallyManagedRow();
describe.runIf(managed && settings.rows.test(managed.title))('externally managed', () => {
  const bench = new Bench('managed', managed?.spec ?? { create: [], tools: [] });
  afterAll(() => bench.dispose());

  test("pip-accel refuses in pip's words, and changes nothing", async () => {
    await bench.renew();
    const index = await makeFixtures(
      path.join(bench.folder, 'fixtures'),
      bench.python,
      bench.options,
    );
    const before = await snapshot(bench.prefix);
    const pips = await bench.pip(['install', 'fx-wheel'], { variables: index });
    expect(pips.exitCode).toBe(1);
    const ours = await bench.accelerate(['install', 'fx-wheel'], { variables: index });
    expect([ours.exitCode, ours.stdout, ours.stderr]).toEqual([1, pips.stdout, pips.stderr]);
    expect(differences(before, await snapshot(bench.prefix))).toEqual([]);
  });
});

function indexVariables(bench: Bench): Record<string, string> {
  return { PIP_NO_INDEX: '1', PIP_FIND_LINKS: path.join(bench.folder, 'fixtures/index') };
}

/** What pip installs, and which of its files are not the same when it builds again. */
async function installByPip(bench: Bench, interpreter: Interpreter) {
  await bench.renew();
  const folder = path.join(bench.folder, 'fixtures');
  const index = await makeFixtures(folder, interpreter.executable, bench.options);
  const cache = bench.cache('pip-cache');
  await forgetBuiltWheels(cache);
  expectSuccess(await bench.pip(['install', '-r', REQUIREMENTS], { variables: index }));
  const tree = await snapshot(bench.prefix);

  await forgetBuiltWheels(cache);
  const native = NATIVE.filter((name) => [...tree.keys()].some((file) => isOf(name, file)));
  const again = ['install', '--force-reinstall', '--no-deps', ...native];
  expectSuccess(await bench.pip(again, { variables: index }));
  const varying = varyingFiles(tree, await snapshot(bench.prefix));
  await forgetBuiltWheels(cache);
  return { tree, varying, index };
}

function isOf(name: string, file: string): boolean {
  return file.includes(`/${name.replaceAll('-', '_')}-`) && file.endsWith('/RECORD');
}

/** Every build that this row added is of its Python, and no other Python's was taken for it. */
function expectOwnBinaries(
  interpreter: Interpreter,
  before: readonly string[],
  after: readonly string[],
): void {
  const tag = abiTag(interpreter);
  const added = after.filter((name) => !before.includes(name));
  expect(added.filter((name) => !tag.test(path.basename(name)))).toEqual([]);
  const own = after.filter((name) => tag.test(path.basename(name)));
  expect(own.some((name) => path.basename(name).startsWith('fx-cext:'))).toBe(true);
}

/** The ABI field of `name:version:abi-platform:key.tar.gz`. */
function abiTag({ implementation, version }: Interpreter): RegExp {
  const digits = version.replace('.', '');
  return implementation === 'PyPy' ? new RegExp(`:(pp|pypy)${digits}`) : new RegExp(`:cp${digits}`);
}

/** No extension module is the same file on disk as one that another interpreter got. */
function expectOwnNativeFiles(interpreter: Interpreter, tree: Snapshot): void {
  const native = [...tree].filter(([name]) => /\/fx_.*\.so$/.test(name));
  expect(native.length).toBeGreaterThan(0);
  // A copy has an inode of its own, whose number is given out again after its removal.
  const linked = native.flatMap(([, entry]) =>
    entry.type === 'file' && entry.links > 1 ? [entry.inode] : [],
  );
  const own = new Set(linked);
  const key = `${interpreter.implementation} ${interpreter.version}`;
  for (const [other, theirs] of nativeFilesOf) {
    if (other !== key) expect([...own].filter((inode) => theirs.has(inode))).toEqual([]);
  }
  nativeFilesOf.set(key, own);
}

function expectSuccess(outcome: Outcome): void {
  expect(outcome.exitCode, describeOutcome(outcome)).toBe(0);
}

test('the list names the fixtures that are compiled', async () => {
  const text = await readFile(REQUIREMENTS, 'utf8');
  for (const name of NATIVE) expect(text).toContain(`\n${name}`);
});
