import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

const fixtures = join(import.meta.dirname, '../../fixtures');

/** Chosen so that they fit into one environment with the demo: every shape of wheel, sdists that the demo lacks. */
const broad = `
  FX-OddCase fx-build-requires fx-data-upward fx-distutils fx-headers fx-licences fx-nspkg fx-setup-requires
  fx-circular-a fx-epoch fx-markers fx-needs-range fx-own-a fx-own-b fx-pair-a fx-pkgres-a fx-pkgres-b
  fx-pkgutil-a fx-pkgutil-b fx-pre fx-stray fx-switch fx-tagged fx-wheel-empty fx-wheel-folders fx-wheel-modes
  fx-wheel-names fx-wheel-platlib fx-wheel-pth fx-wheel-record fx-wheel-syntax fx_dotted-name
`
  .trim()
  .split(/\s+/);

let folder: string;
let out: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fixtures-'));
  out = join(folder, 'first');
  await make(out);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('two runs of make.py give the same bytes', async () => {
  const second = join(folder, 'second');
  await make(second);
  expect((await readdir(join(out, 'index'))).length).toBeGreaterThan(100);
  await execa('diff', ['-r', out, second]);
});

test('every file of the index has its hash on a page', async () => {
  for (const name of await readdir(join(out, 'index'))) {
    const project =
      (name.endsWith('.whl') ? name.split('-')[0] : name.slice(0, name.lastIndexOf('-'))) ?? name;
    const page = join(out, 'simple', project.replace(/[-_.]+/g, '-').toLowerCase(), 'index.html');
    const line = (await readFile(page, 'utf8'))
      .split('\n')
      .find((text) => text.includes(`>${name}</a>`));
    expect(line).toMatch(/#sha256=[0-9a-f]{64}"/);
  }
});

test('plain pip installs the demo and a broad selection offline, and they agree', {
  timeout: 600_000,
}, async () => {
  const environment = join(folder, 'environment');
  const log = join(folder, 'builds');
  await execa('python3', ['-m', 'venv', environment]);
  const pip = (...words: readonly string[]) =>
    execa(join(environment, 'bin/python'), ['-m', 'pip', ...words], {
      env: { ...plain(), FX_BUILD_LOG: log },
      extendEnv: false,
    });
  const offline = ['--no-cache-dir', '--no-index', '--find-links', join(out, 'index')];

  // One build environment for all, since making one takes longer than any build in it.
  await pip('install', ...offline, 'setuptools', 'wheel', 'fx-build-helper');
  const demo = join(fixtures, 'demo/requirements.txt');
  await pip('install', ...offline, '--no-build-isolation', '-r', demo, ...broad);
  expect((await pip('check')).stdout).toContain('No broken requirements found');

  const builds = (await readFile(log, 'utf8')).trim().split('\n');
  expect(builds).toContain('fx-heavy-one 1.0');
  expect(new Set(builds).size, 'each sdist is built once').toBe(builds.length);
  expect((await execa(join(environment, 'bin/fx-cext'))).stdout).toBe('fx-cext says 42');
});

function make(into: string) {
  return execa('python3', [join(fixtures, 'make.py'), into]);
}

/** Without the pip settings of the machine at hand. */
function plain() {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PIP_'));
  return {
    ...Object.fromEntries(kept),
    PIP_CONFIG_FILE: '/dev/null',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  };
}
