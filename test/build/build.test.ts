import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PipAccelError } from '../../src/core/errors.ts';
import { buildDistribution } from '../../src/obtain/cold/build/build.ts';
import { buildSemantics } from '../../src/obtain/cold/build/request.ts';
import { readManifest } from '../../src/store/binaries.ts';
import { findBinary } from '../../src/store/cold/find-binary.ts';
import { binaryKeyInputs } from '../../src/store/key.ts';
import {
  type Bench,
  closeBench,
  contextFor,
  inTreeBackend,
  makeSdist,
  openBench,
  readMembers,
  requestFor,
  run,
} from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
}, 120_000);
beforeEach(() => {
  bench.events.length = 0;
});
afterAll(() => closeBench(bench));

const failureOf = async (work: Promise<unknown>): Promise<PipAccelError> => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof PipAccelError) return error;
  throw new Error('no PipAccelError', { cause: error });
};
const fixture = (name: string) => join(bench.index, `${name}-1.0.tar.gz`);
const leftovers = async () => await readdir(bench.store.temporary);

test('a build is found again by its key, and nowhere else', async () => {
  const request = await requestFor(bench, fixture('fx-pure'));
  const built = await buildDistribution(request, contextFor(bench));
  const inputs = binaryKeyInputs(request, bench.environment);
  expect(await findBinary(bench.store, inputs, () => undefined)).toEqual(built);
  const other = binaryKeyInputs({ ...request, salt: 'other headers' }, bench.environment);
  expect(await findBinary(bench.store, other, () => undefined)).toBeNull();
  expect(bench.events.map(({ type }) => type)).toEqual(['build-start', 'build-end']);
  expect(await leftovers()).toEqual([]);
});

test('a damaged binary is set aside with one warning, and not found', async () => {
  const request = await requestFor(bench, fixture('fx-pure'), { salt: 'to be damaged' });
  const { path } = await buildDistribution(request, contextFor(bench));
  const bytes = await readFile(path);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await writeFile(path, bytes);
  bench.events.length = 0;
  const inputs = binaryKeyInputs(request, bench.environment);
  const emit = contextFor(bench).emit;
  expect(await findBinary(bench.store, inputs, emit)).toBeNull();
  expect(bench.events).toMatchObject([{ type: 'warning' }]);
  expect(existsSync(path)).toBe(false);
  expect(await findBinary(bench.store, inputs, emit)).toBeNull();
  expect(bench.events).toHaveLength(1);
});

test('the same sdist gives the same archive, byte for byte', async () => {
  const first = await requestFor(bench, fixture('fx-data'), { salt: '1' });
  const second = { ...first, salt: '2' };
  const { sha256 } = await buildDistribution(first, contextFor(bench));
  expect((await buildDistribution(second, contextFor(bench))).sha256).toBe(sha256);
});

test('a failed compilation shows the lines that tell, and keeps its log', async () => {
  const request = await requestFor(bench, fixture('fx-broken-header'));
  const error = await failureOf(buildDistribution(request, contextFor(bench)));
  expect(error.code).toBe('build-failed');
  expect(error.message).toContain('fx-broken-header==1.0');
  expect(error.message).toContain('fatal error: fx_missing.h: No such file or directory');
  const log = /output is in (.+)$/.exec(error.message)?.[1] ?? '';
  expect(await readFile(log, 'utf8')).toContain('fx_missing.h');
  expect((await stat(log)).mode & 0o077).toBe(0);
  expect(
    await findBinary(bench.store, binaryKeyInputs(request, bench.environment), () => undefined),
  ).toBeNull();
  expect(await leftovers()).toEqual([]);
});

test.each([
  ['fx-broken-setup', 'this setup.py never works'],
  ['fx-broken-backend', 'this backend never works'],
  ['fx-broken-absent-backend', 'nowhere'],
  ['fx-broken-requires', 'fx-absent'],
  ['fx-broken-bdist-wheel', 'this bdist_wheel never works'],
])('%s fails with a word of why', async (name, word) => {
  const request = await requestFor(bench, fixture(name));
  const error = await failureOf(buildDistribution(request, contextFor(bench)));
  expect(error).toMatchObject({ code: 'build-failed' });
  expect(error.message).toContain(word);
});

test('a bdist_wheel of the project’s own goes through its backend; forced, bdist_dumb says why not', async () => {
  const tree = {
    'setup.py': `from setuptools import setup
from wheel.bdist_wheel import bdist_wheel
class own(bdist_wheel):
    def get_tag(self):
        return ('py2.py3', 'none', 'any')
setup(name='own-tag', version='1.0', py_modules=['own_tag'], cmdclass={'bdist_wheel': own})
`,
    'own_tag.py': '',
  };
  const path = await makeSdist(bench, 'own-tag-1.0.tar.gz', tree);
  const archive = await buildDistribution(await requestFor(bench, path), contextFor(bench));
  const manifest = readManifest(archive.path.replace(/\.tar\.gz$/, '.json'));
  expect(manifest).toMatchObject({ builder: 'pep517' });
  const wheel = (await readMembers(archive.path))['own_tag-1.0.dist-info/WHEEL'];
  expect(wheel?.text).toContain('py2-none-any');
  const forced = await requestFor(bench, path, { builder: 'bdist_dumb' });
  const error = await failureOf(buildDistribution(forced, contextFor(bench)));
  expect(error.message).toContain('bdist_wheel of its own');
});

test('a project with a backend cannot be built by bdist_dumb', async () => {
  const request = await requestFor(bench, fixture('fx-backend-pure'), { builder: 'bdist_dumb' });
  const error = await failureOf(buildDistribution(request, contextFor(bench)));
  expect(error.message).toContain('it has the build backend');
});

test('setup.py sees the command line of pip’s build', async () => {
  const tree = {
    'setup.py': `import sys
from setuptools import setup
setup(name='looks', version='1.0', py_modules=['looks'] if sys.argv[1] == 'bdist_wheel' else [])
`,
    'looks.py': '',
  };
  const path = await makeSdist(bench, 'looks-1.0.tar.gz', tree);
  const archive = await buildDistribution(await requestFor(bench, path), contextFor(bench));
  expect(Object.keys(await readMembers(archive.path))).toContain('looks.py');
});

test('an old pip’s setup.py build uses what the environment has installed, offline', async () => {
  const request = await requestFor(bench, fixture('fx-pure'), {
    salt: 'in the environment',
    semantics: buildSemantics('23.0.1', { setuptools: true, wheel: false }),
  });
  const library = join(bench.tools, 'lib', `python${bench.interpreter.versionInfo.join('.')}`);
  const context = contextFor(bench, {
    environment: { ...bench.environment, PYTHONPATH: join(library, 'site-packages') },
    fillEnvironment: () => Promise.reject(new Error('no index')),
  });
  const archive = await buildDistribution(request, context);
  expect(Object.keys(await readMembers(archive.path))).toContain('fx_pure.py');
});

test('a build does not see credentials, and sees everything else', async () => {
  const seen = join(bench.folder, 'seen.txt');
  const code = `open(${JSON.stringify(seen)}, 'w').write('\\n'.join(sorted(os.environ)))`;
  const path = await makeSdist(bench, 'sees-1.0.tar.gz', inTreeBackend('sees', '1.0', code));
  const environment = {
    ...bench.environment,
    AWS_SECRET_ACCESS_KEY: 'x',
    PIP_ACCEL_S3_URL: 'x',
    CUSTOM_VARIABLE: 'x',
  };
  await buildDistribution(await requestFor(bench, path), contextFor(bench, { environment }));
  const names = (await readFile(seen, 'utf8')).split('\n');
  expect(names).toEqual(expect.arrayContaining(['CUSTOM_VARIABLE', 'PIP_FIND_LINKS', 'PATH']));
  expect(names.filter((name) => /^(AWS_|PIP_ACCEL_)/.test(name))).toEqual([]);
});

test('aborting ends the build and what it started, at once', async () => {
  const barrier = join(bench.folder, 'barrier');
  await run('mkfifo', [barrier]);
  const code = `child = subprocess.Popen(['sleep', '600'])
open(${JSON.stringify(barrier)}, 'w').write('%d %d' % (os.getpid(), child.pid))
time.sleep(600)`;
  const path = await makeSdist(bench, 'hangs-1.0.tar.gz', inTreeBackend('hangs', '1.0', code));
  const aborter = new AbortController();
  const building = buildDistribution(
    await requestFor(bench, path),
    contextFor(bench, { signal: aborter.signal }),
  ).catch((error: unknown) => error);
  const pids = (await readFile(barrier, 'utf8')).split(' ').map(Number);
  const started = performance.now();
  aborter.abort(new Error('stopped by the user'));
  expect(await building).toMatchObject({ message: 'stopped by the user' });
  expect(performance.now() - started).toBeLessThan(1000);
  for (const pid of pids) expect(await isGone(pid), `process ${pid}`).toBe(true);
  expect(await leftovers()).toEqual([]);
});

/** Ended, or ended and not yet waited for by init. */
async function isGone(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return state === null || / Z /.test(state);
}
