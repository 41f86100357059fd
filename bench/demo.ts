/**
 * The main job, on the projects of fixtures/: one requirements file installed into four fresh
 * environments at one path, twice by pip-accel and twice by pip, each pair with a cache that
 * begins empty. Prints the times; fails where an environment is not the one that pip makes, or
 * where the second run of pip-accel built or downloaded anything.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '..');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-demo-')));
const fixtures = join(folder, 'fixtures');
/** All environments are made here, one after the other, for scripts hold the path. */
const environment = join(folder, 'environment');
const store = join(folder, 'cache');
const buildLog = join(folder, 'builds.txt');
const requirements = join(repository, 'fixtures', 'demo', 'requirements.txt');
const words = [
  'install',
  '--no-index',
  '--find-links',
  join(fixtures, 'index'),
  '-r',
  requirements,
];

/** Nothing of the machine's own settings of pip or pip-accel. */
const variables = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(PIP|PYTHON)/.test(name)),
  ),
  HOME: join(folder, 'home'),
  XDG_CACHE_HOME: join(folder, 'home', '.cache'),
  PIP_CONFIG_FILE: '/dev/null',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PIP_ACCEL_CACHE: store,
  VIRTUAL_ENV: environment,
  FX_BUILD_LOG: buildLog,
};

try {
  process.exitCode = demonstrate();
} catch (error) {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function demonstrate(): number {
  console.log('Making fixtures and a virtual environment …');
  mkdirSync(variables.HOME);
  run(['python3', join(repository, 'fixtures', 'make.py'), fixtures]);
  run(['python3', '-m', 'venv', environment]);
  renameSync(environment, join(folder, 'pristine'));

  const accel = [join(repository, 'bin', 'pip-accel'), ...words];
  const pip = [join(environment, 'bin', 'pip'), ...words];
  const first = install('pip-accel, first environment', accel);
  const kept = listing(store, ['sources', 'binaries', 'logs']);
  // What is built before needs no compiler.
  const second = install('pip-accel, second environment', accel, { CC: '/bin/false' });
  const keptAfter = listing(store, ['sources', 'binaries', 'logs']);
  const byPip = install('pip, first environment', pip);
  const byPipAgain = install('pip, second environment', pip);

  console.log(
    `\nThe second environment: ${ratio(byPip, second)} times as fast as pip with an empty cache, ` +
      `${ratio(byPipAgain, second)} times as fast as pip with the wheels that it keeps.`,
  );
  const faults = [
    ...(first.built.length === 0 ? ['the first run built nothing'] : []),
    ...second.built.map((line) => `the second run built ${line}`),
    ...differences(kept, keptAfter).map((path) => `the second run downloaded or built ${path}`),
    ...differences(first.files, second.files).map((path) => `the two environments differ: ${path}`),
    ...differences(alike(byPip.files), alike(second.files)).map(
      (path) => `not as pip has it: ${path}`,
    ),
  ];
  for (const fault of faults) console.error(`FAULT: ${fault}`);
  if (faults.length > 0) return 1;
  console.log(
    'The second run built nothing and downloaded nothing; both environments are equal,\n' +
      'and they hold what pip installs.',
  );
  return 0;
}

interface Installed {
  readonly milliseconds: number;
  /** `NAME VERSION` of each build, as the projects themselves wrote it down. */
  readonly built: readonly string[];
  readonly files: ReadonlyMap<string, string>;
}

function install(title: string, command: string[], extra: Record<string, string> = {}): Installed {
  // As `python3 -m venv` made it, times of files included.
  cpSync(join(folder, 'pristine'), environment, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
  });
  const started = performance.now();
  run(command, extra);
  const milliseconds = performance.now() - started;
  run([join(environment, 'bin', 'pip'), 'check']);
  const built = existsSync(buildLog) ? readFileSync(buildLog, 'utf8').trimEnd().split('\n') : [];
  const files = listing(environment, ['.']);
  rmSync(buildLog, { force: true });
  rmSync(environment, { recursive: true });
  const distinct = new Set(built).size;
  console.log(
    `${title.padEnd(30)} ${seconds(milliseconds).padStart(8)}   ${distinct} projects built`,
  );
  return { milliseconds, built, files };
}

/** @throws Error with the end of what the command said, where it failed. */
function run(command: readonly string[], extra: Record<string, string> = {}): void {
  const [file = '', ...rest] = command;
  const { status, stdout, stderr, error } = spawnSync(file, rest, {
    cwd: folder,
    env: { ...variables, ...extra },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error) throw error;
  if (status !== 0) {
    throw new Error(`${command.join(' ')}\nended with ${status}:\n${stdout}${stderr}`);
  }
}

/** Path to mode and bytes, of everything below some folders. */
function listing(root: string, folders: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const start of folders) {
    for (const entry of readdirSync(join(root, start), { recursive: true, encoding: 'utf8' })) {
      const path = join(start, entry);
      files.set(path, describe(join(root, path)));
    }
  }
  return files;
}

function describe(path: string): string {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) return `link ${readlinkSync(path)}`;
  const mode = status.mode.toString(8);
  return status.isFile() ? `${mode} ${readFileSync(path).toString('latin1')}` : mode;
}

/**
 * What two installations have in common: bytecode holds times, and two builds of one extension
 * module differ, hence RECORD with its hashes.
 */
function alike(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const varies = /\.(pyc|so)$|\.dist-info\/RECORD$/;
  return new Map(
    [...files].map(([path, text]) => [path, varies.test(path) ? (text.split(' ')[0] ?? '') : text]),
  );
}

function differences(
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
): readonly string[] {
  return [...new Set([...left.keys(), ...right.keys()])].filter(
    (path) => left.get(path) !== right.get(path),
  );
}

function ratio(slow: Installed, fast: Installed): string {
  return (slow.milliseconds / fast.milliseconds).toFixed(1);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
