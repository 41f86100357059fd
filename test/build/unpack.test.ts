import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDistribution } from '../../src/obtain/cold/build/build.ts';
import {
  type Bench,
  closeBench,
  contextFor,
  inTreeBackend,
  makeSdist,
  openBench,
  readMembers,
  requestFor,
} from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
}, 120_000);
afterAll(() => closeBench(bench));

test.each([
  'fx-bad-tar-absolute',
  'fx-bad-tar-parent',
  'fx-bad-tar-link',
  'fx-bad-tar-through-link',
  'fx-bad-tar-hardlink',
  'fx-bad-tar-fifo',
  'fx-bad-tar-device',
  'fx-bad-tar-and-zip',
  'fx-bad-truncated-sdist',
  'fx-bad-html',
  'fx-bad-empty',
])('the sdist %s is refused, and nothing of it stays', async (name) => {
  const request = await requestFor(bench, join(bench.broken, `${name}-1.0.tar.gz`));
  await expect(buildDistribution(request, contextFor(bench))).rejects.toMatchObject({
    code: 'archive-invalid',
  });
  expect(await readdir(bench.store.temporary)).toEqual([]);
});

test('links whose words stay inside but which together lead out are refused', async () => {
  const tree = inTreeBackend('chain', '1.0', 'pass');
  const links = { 'a/b/c/down': '../../../own-folder', 'a/b/c/out': 'down/../../../../etc' };
  const path = await makeSdist(
    bench,
    'chain-1.0.tar.gz',
    { ...tree, 'own-folder/x': '', 'a/b/c/x': '' },
    links,
  );
  await expect(
    buildDistribution(await requestFor(bench, path), contextFor(bench)),
  ).rejects.toMatchObject({ code: 'archive-invalid' });
});

test.each(['tar.gz', 'tgz', 'tar.bz2', 'tar.xz', 'zip'])(
  'an sdist packed as .%s builds',
  async (ending) => {
    const tree = inTreeBackend('packed', '1.0', "assert os.path.isfile('own.py')");
    const path = await makeSdist(bench, `packed-1.0.${ending}`, tree);
    const archive = await buildDistribution(await requestFor(bench, path), contextFor(bench));
    expect(Object.keys(await readMembers(archive.path))).toContain('own_module.py');
  },
);

test('links within the project work', async () => {
  const tree = inTreeBackend('linked', '1.0', "assert open('sub/again.py').read()");
  const path = await makeSdist(
    bench,
    'linked-1.0.tar.gz',
    { ...tree, 'sub/x': '' },
    {
      'sub/again.py': '../own.py',
    },
  );
  await buildDistribution(await requestFor(bench, path), contextFor(bench));
});

test('what a build writes outside of its tree does not reach the store', async () => {
  const request = await requestFor(bench, join(bench.index, 'fx-broken-outside-1.0.tar.gz'));
  const archive = await buildDistribution(request, contextFor(bench));
  const names = Object.keys(await readMembers(archive.path));
  expect(names.filter((name) => name.includes('outside.txt'))).toEqual([]);
  expect(existsSync(join(bench.store.temporary, 'fx-outside.txt'))).toBe(false);
});
