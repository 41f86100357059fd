import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fixtures } from '../cli/fixtures.ts';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { readTree } from '../install/site.ts';
import { faultsOf, leftoversOf } from './wholeness.ts';

let fixtures: Fixtures;
let sandbox: Sandbox;
beforeAll(() => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  for (const name of ['pip', 'pip3', 'pip3.11']) {
    rmSync(join(sandbox.venv, 'bin', name), { force: true });
  }
});
afterAll(() => {
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

const sdists = [
  'fx-pure',
  'fx-cext',
  'fx-src-layout',
  'fx-data',
  'fx-headers',
  'fx-build-requires',
];

/** As on some network file systems. */
function libraryWithoutFlock(): string {
  const library = join(sandbox.root, 'no-flock.so');
  const source =
    '#include <errno.h>\nint flock(int a, int b) { (void)a, (void)b; errno = ENOLCK; return -1; }\n';
  execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', library, '-'], { input: source });
  return library;
}

test.each([
  [20, 'that the kernel locks', () => ({})],
  [6, 'where flock does not work', () => ({ LD_PRELOAD: libraryWithoutFlock() })],
] as const)(
  '%i processes on one empty data directory %s build each sdist once, and install all of them',
  async (count, _, variables) => {
    rmSync(sandbox.cache, { recursive: true, force: true });
    const builds = join(sandbox.root, `builds-${count}`);
    const added = variables();
    const finished = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const venv = join(sandbox.root, `venv-${count}-${index}`);
        sandbox.run(['cp', '-al', sandbox.venv, venv]);
        // Each begins with another one.
        const names = [
          ...sdists.slice(index % sdists.length),
          ...sdists.slice(0, index % sdists.length),
        ];
        const words = [
          'install',
          '--find-links',
          fixtures.index,
          ...names.map((name) => `${name}==1.0`),
        ];
        const child = spawn(executable, words, {
          cwd: sandbox.root,
          stdio: ['ignore', 'ignore', 'pipe'],
          env: {
            ...sandbox.environment,
            PIP_ACCEL_CACHE: sandbox.cache,
            VIRTUAL_ENV: venv,
            FX_BUILD_LOG: builds,
            ...added,
          },
        });
        let stderr = '';
        child.stderr.on('data', (text) => (stderr += String(text)));
        const exitCode = await new Promise<number | null>((resolve) =>
          child.once('close', resolve),
        );
        return { exitCode, stderr, tree: readTree(join(venv, 'lib')) };
      }),
    );
    const failed = finished.filter(({ exitCode }) => exitCode !== 0);
    expect(failed.map(({ stderr }) => stderr)).toEqual([]);
    const lines = readFileSync(builds, 'utf8').split('\n').filter(Boolean);
    // What the last one needs to be built is built as well.
    expect(lines.sort()).toEqual(
      [...sdists, 'fx-build-helper'].map((name) => `${name} 1.0`).sort(),
    );
    const [first, ...others] = finished.map(({ tree }) => Object.keys(tree).sort());
    for (const other of others) expect(other).toEqual(first);
    expect(faultsOf(sandbox.cache)).toEqual([]);
    expect(leftoversOf(sandbox.cache)).toEqual([]);
  },
);
