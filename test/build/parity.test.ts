import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDistribution } from '../../src/obtain/cold/build/build.ts';
import { readManifest } from '../../src/store/binaries.ts';
import {
  type Bench,
  closeBench,
  contextFor,
  openBench,
  pipWheel,
  readMembers,
  requestFor,
} from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
}, 120_000);
afterAll(() => closeBench(bench));

const projects: readonly (readonly [sdist: string, builder: 'bdist_dumb' | 'pep517'])[] = [
  ['fx-pure-1.0.tar.gz', 'bdist_dumb'],
  ['fx-distutils-1.0.tar.gz', 'bdist_dumb'],
  ['fx-data-1.0.tar.gz', 'bdist_dumb'],
  ['fx-data-absolute-1.0.tar.gz', 'bdist_dumb'],
  ['fx-headers-1.0.tar.gz', 'bdist_dumb'],
  ['fx-licences-1.0.tar.gz', 'bdist_dumb'],
  ['fx-nspkg-1.0.tar.gz', 'bdist_dumb'],
  ['FX-OddCase-1.0.tar.gz', 'bdist_dumb'],
  ['fx.dotted.name-1.0.tar.gz', 'bdist_dumb'],
  ['fx-extras-sdist-1.0.tar.gz', 'bdist_dumb'],
  ['fx-pyproject-1.0.tar.gz', 'pep517'],
  ['fx-backend-pure-1.0.tar.gz', 'pep517'],
];

test.each(projects)(
  '%s becomes, by %s, what pip makes a wheel of',
  async (sdist, builder) => {
    const path = join(bench.index, sdist);
    const archive = await buildDistribution(await requestFor(bench, path), contextFor(bench));
    const manifest = readManifest(archive.path.replace(/\.tar\.gz$/, '.json'));
    expect(manifest).toMatchObject({ builder });
    expect(await readMembers(archive.path)).toEqual(await pipWheel(bench, path));
  },
  120_000,
);

test('a C extension gets the same files, modes and metadata', async () => {
  const path = join(bench.index, 'fx-cext-1.0.tar.gz');
  const archive = await buildDistribution(await requestFor(bench, path), contextFor(bench));
  const [ours, theirs] = [await readMembers(archive.path), await pipWheel(bench, path)];
  const comparable = (members: typeof ours) =>
    Object.fromEntries(
      Object.entries(members).map(([name, { mode, text }]) => [
        name,
        // Two builds by pip itself differ in the compiler's debug information, so in RECORD.
        /\.so$|RECORD$/.test(name) ? mode : [mode, text],
      ]),
    );
  expect(comparable(ours)).toEqual(comparable(theirs));
}, 120_000);

test('without a wheel package to be had, the metadata comes out as with it', async () => {
  const path = join(bench.index, 'fx-extras-sdist-1.0.tar.gz');
  const offline = contextFor(bench, {
    fillEnvironment: async (requirements, prefix) => {
      if (requirements.includes('wheel')) throw new Error('no network');
      await cp(bench.bareTools, prefix, { recursive: true });
    },
  });
  const request = await requestFor(bench, path, { salt: 'without wheel' });
  const ours = await readMembers((await buildDistribution(request, offline)).path);
  const theirs = await pipWheel(bench, path);
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  const metadata = 'fx_extras_sdist-1.0.dist-info/METADATA';
  const fields = (text: string | undefined) => text?.split('\n').sort();
  expect(fields(ours[metadata]?.text)).toEqual(fields(theirs[metadata]?.text));
}, 120_000);

test('what setup_requires names is there when setup.py builds', async () => {
  const path = join(bench.index, 'fx-setup-requires-1.0.tar.gz');
  const archive = await buildDistribution(await requestFor(bench, path), contextFor(bench));
  const manifest = readManifest(archive.path.replace(/\.tar\.gz$/, '.json'));
  expect(manifest).toMatchObject({
    builder: 'bdist_dumb',
    buildRequirements: expect.arrayContaining(['fx_build_helper==1.0']) as unknown,
  });
  expect(Object.keys(await readMembers(archive.path))).toContain('fx_setup_requires/made.py');
}, 120_000);
