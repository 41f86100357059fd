// Runs pip's own functional tests through pip-accel, and compares with what pip makes of them: see README.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const release = '26.2.1';
const here = import.meta.dirname;
const work = resolve(
  process.env['CONFORMANCE_DIR'] ?? join(here, '..', '..', '.tmp', 'conformance'),
);
const source = join(work, 'pip');
const python = join(work, 'venv', 'bin', 'python');

/** The modules that have to do with installing. */
const modules = [
  'test_install',
  'test_install_wheel',
  'test_install_reqs',
  'test_install_upgrade',
  'test_install_extras',
  'test_install_requested',
  'test_install_direct_url',
  'test_install_force_reinstall',
  'test_install_report',
  'test_new_resolver',
  'test_new_resolver_errors',
  'test_new_resolver_hashes',
  'test_new_resolver_target',
  'test_new_resolver_user',
  'test_uninstall',
];

/** Without what a machine sets for its own pips; each test has a HOME of its own. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(PIP_.*|VIRTUAL_ENV|PYTHONPATH|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/.test(name),
  ),
);

function main() {
  const wanted = process.argv.slice(2);
  mkdirSync(work, { recursive: true });
  prepare();
  rmSync(join(work, 'store'), { recursive: true, force: true });
  const tests = wanted.length > 0 ? wanted : modules.map((name) => `tests/functional/${name}.py`);
  const plain = outcomesOf('pip', tests);
  const problems = ['cold', 'warm'].flatMap((name) =>
    compare(plain, outcomesOf(name, tests), name),
  );
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

/** pip's sources with their tests, which its sdist lacks, and an environment to run them in. */
function prepare() {
  if (!existsSync(source)) {
    const origin = process.env['CONFORMANCE_PIP'] ?? 'https://github.com/pypa/pip';
    const clone = [
      'clone',
      '--quiet',
      '--depth',
      '1',
      '--branch',
      release,
      origin,
      `${source}.new`,
    ];
    execFileSync('git', clone, { stdio: 'inherit' });
    execFileSync('mv', [`${source}.new`, source]);
  }
  if (existsSync(python)) return;
  const run = (...words) =>
    execFileSync(words[0], words.slice(1), { cwd: source, stdio: 'inherit' });
  rmSync(join(work, 'venv'), { recursive: true, force: true });
  run('python3', '-m', 'venv', `${work}/venv.new`);
  // `--group` is of 25.1.
  const pip = [`${work}/venv.new/bin/python`, '-m', 'pip', '--quiet'];
  run(...pip, 'install', '--upgrade', 'pip>=25.1');
  run(...pip, 'install', '--group', 'test');
  run(...pip, 'wheel', '--wheel-dir', 'tests/data/common_wheels', '--group', 'test-common-wheels');
  run(...pip, 'install', '.');
  execFileSync('mv', [`${work}/venv.new`, `${work}/venv`]);
}

/** Runs the tests: `pip` with pip alone, else through pip-accel. */
function outcomesOf(name, tests) {
  const log = join(work, `${name}.jsonl`);
  writeFileSync(log, '');
  const words = [
    '-m',
    'pytest',
    '-p',
    'no:cacheprovider',
    '-p',
    'pip_accel_plugin',
    '-q',
    '--tb=short',
  ];
  const workers = process.env['CONFORMANCE_WORKERS'] ?? '2';
  const { status } = spawnSync(
    python,
    [...words, '-n', workers, '-m', 'not network', '--color=no', ...tests],
    {
      cwd: source,
      stdio: 'inherit',
      env: {
        ...environment,
        PYTHONPATH: here,
        CONFORMANCE_LOG: log,
        ...(name === 'pip' ? {} : throughPipAccel(log)),
      },
    },
  );
  // 1: some failed. More: it did not run them all.
  if (status !== 0 && status !== 1) throw new Error(`pytest ended with ${status}`);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line));
  if (name !== 'pip') tell(name, events);
  const outcomes = new Map();
  for (const { type, test, outcome } of events) {
    if (type === 'outcome' && outcomes.get(test) !== 'failed') outcomes.set(test, outcome);
  }
  return outcomes;
}

function throughPipAccel(log) {
  return {
    CONFORMANCE_EXECUTABLE: resolve(here, '..', '..', 'bin', 'pip-accel'),
    PIP_ACCEL_CACHE: join(work, 'store'),
    PIP_ACCEL_LOG_FILE: log,
  };
}

/** A run that was handed to pip as a whole shows nothing of pip-accel but that it gets out of the way. */
function tell(name, events) {
  const of = (wanted) => events.filter(({ type }) => type === wanted);
  const reasons = new Map();
  for (const { reason } of of('handed-over')) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const linked = of('installed').reduce((sum, event) => sum + event.linked, 0);
  console.log(
    `${name}: ${of('run').length} runs, ${of('handed-over').length} of them handed to pip; ` +
      `${of('installed').length} installations, ${linked} distributions linked, ${of('build-end').length} built`,
  );
  for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1])) {
    console.log(`  ${count} × ${reason}`);
  }
}

function compare(plain, accelerated, name) {
  const text = readFileSync(join(here, 'expected-failures.txt'), 'utf8');
  const expected = new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
  const failed = [...accelerated]
    .filter(([, outcome]) => outcome === 'failed')
    .map(([test]) => test);
  const ours = failed.filter((test) => plain.get(test) !== 'failed');
  const count = (outcomes) =>
    [...outcomes.values()].filter((outcome) => outcome === 'passed').length;
  console.log(`${name}: ${count(accelerated)} pass, with pip ${count(plain)}`);
  return [
    ...ours.filter((test) => !expected.has(test)).map((test) => `${name}: FAILED ${test}`),
    ...[...expected]
      .filter((test) => accelerated.get(test) === 'passed')
      .map((test) => `${name}: passes, but is listed in expected-failures.txt: ${test}`),
  ];
}

main();
