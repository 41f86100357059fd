// Makes dist/standalone/pip-accel: the same program, its packages and Bun in one file.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../bundle.mjs';

const here = import.meta.dirname;
const architecture = process.arch === 'arm64' ? 'aarch64' : process.arch;
const bun = join(here, `node_modules/@oven/bun-${process.platform}-${architecture}/bin/bun`);
if (!existsSync(bun)) execFileSync('npm', ['ci', '--silent'], { cwd: here, stdio: 'inherit' });

const chunks = join(here, '..', '.tmp', 'standalone');
const executable = join(here, '..', 'dist', 'standalone', 'pip-accel');
await rm(chunks, { recursive: true, force: true });
await mkdir(join(executable, '..'), { recursive: true });
// Compiling what runs often took a quarter of the time of an installation out of the store (97 and
// 128 distributions on two cores): only what runs a hundred times as often as Bun asks for gains.
const jitPolicy = 100;
const bunVersion = execFileSync(bun, ['--version'], { encoding: 'utf8' }).trim();
// Bun's own bundler would put its stand-in for undici in, which knows no proxies.
await bundle(
  chunks,
  { format: 'esm', minify: true, banner: policyOfThread },
  { external: [], define: { 'process.versions.bun': JSON.stringify(bunVersion) } },
);
execFileSync(
  bun,
  [
    'build',
    '--compile',
    '--bytecode',
    '--format=esm',
    '--splitting',
    `--compile-jit-policy=${jitPolicy}`,
    // The folder that the user happens to be in must not decide anything.
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    `--outfile=${executable}`,
    join(chunks, 'main.js'),
    join(chunks, 'thread.js'),
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
if (process.platform === 'linux') await forgetVariables(['BUN_BE_BUN', 'BUN_OPTIONS']);

/** The policy of the executable is that of its first thread alone. */
function policyOfThread({ fileName }) {
  return fileName === 'thread.js' ? `Bun.unsafe.setJITPolicy(${jitPolicy});` : '';
}

/**
 * Programs made with Bun set such variables for their children, of which this may be one, and
 * Bun has no switch against them: BUN_BE_BUN=1 would make `install` Bun's own.
 */
async function forgetVariables(names) {
  const bytes = await readFile(executable);
  for (const name of names) {
    const at = bytes.indexOf(`\0${name}\0`, 0, 'latin1');
    if (at === -1) throw new Error(`This Bun reads ${name} in another way`);
    // No variable can have this name.
    bytes.write(name.replace('_', '='), at + 1, 'latin1');
  }
  await writeFile(executable, bytes);
}
