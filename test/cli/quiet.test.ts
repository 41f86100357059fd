import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fixtures } from './fixtures.ts';
import { executable, Sandbox } from './sandbox.ts';

/** One with modules, one with scripts that are written for their environment. */
const wheels = ['fx_many-2-py2.py3-none-any.whl', 'fx_wheel_entry_points-1.0-py2.py3-none-any.whl'];
const words = ['install', 'fx-many==2', 'fx-wheel-entry-points==1.0'];

let sandbox: Sandbox;
let index: Index;
beforeAll(async () => {
  sandbox = new Sandbox();
  sandbox.keepEnvironment();
  using fixtures = new Fixtures();
  index = await serve(fixtures.index, join(sandbox.root, 'web'));
  const first = sandbox.accel(words, { environment: ofIndex() });
  expect(first.exitCode, first.stdout + first.stderr).toBe(0);
  expect(index.requests()).toContain('fx_many');
});
afterAll(() => {
  index.process.kill();
  sandbox[Symbol.dispose]();
});

test('again in the same environment no Python is started and no index asked', () => {
  prepareToRecord(sandbox.venv);
  // The first of these learns that all is there.
  sandbox.accel(words, { environment: ofIndex() });
  expectQuiet(sandbox.venv);
});

test('in a fresh environment at the same path no Python is started and no index asked', () => {
  sandbox.resetEnvironment();
  expectQuiet(sandbox.venv);
});

test('in a fresh environment at a new path no Python is started and no index asked', () => {
  const venv = join(sandbox.root, 'another');
  sandbox.run([process.env['PYTHON'] ?? 'python3', '-m', 'venv', venv]);
  expectQuiet(venv);
});

function expectQuiet(venv: string): void {
  prepareToRecord(venv);
  const [started, trace] = [startsOf(venv), join(sandbox.root, 'trace.txt')];
  for (const file of [started, trace]) rmSync(file, { force: true });
  const asked = index.requests();
  const traced = canTrace ? ['strace', '-f', '-qq', '-e', 'trace=execve,connect', '-o', trace] : [];
  const { exitCode, stdout, stderr } = sandbox.run([...traced, executable, ...words], {
    environment: { ...ofIndex(), VIRTUAL_ENV: venv },
  });
  expect(exitCode, stdout + stderr).toBe(0);
  expect(readdirSync(sitePackages(venv))).toContain('fx_many-2.dist-info');
  expect(index.requests()).toBe(asked);
  expect(existsSync(started) ? readFileSync(started, 'utf8') : '').toBe('');
  if (canTrace) expect(tracesOf(readFileSync(trace, 'utf8'))).toEqual([]);
}

/**
 * Where nothing can be traced: a Python of the environment leaves its name, unless it was told to
 * do without `site`. Done once, for it changes the environment.
 */
function prepareToRecord(venv: string): void {
  const recorder = join(sitePackages(venv), 'recorder.pth');
  if (canTrace || existsSync(recorder)) return;
  const line = `import sys; open(${JSON.stringify(startsOf(venv))}, 'a').write(sys.executable + '\\n')`;
  writeFileSync(recorder, `${line}\n`);
}

function startsOf(venv: string): string {
  return `${venv}-starts.txt`;
}

/** Whether there is a tracer, and the kernel lets it trace. */
const canTrace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;

/** Programs other than pip-accel itself, and connections to anything but sockets of this machine. */
function tracesOf(trace: string): readonly string[] {
  const own = ['env', 'node', basename(executable)];
  const programs = [...trace.matchAll(/execve\("([^"]+)".* = 0$/gm)].map(([, path]) => path ?? '');
  const connections = [...trace.matchAll(/connect\(\d+, \{sa_family=AF_INET.*$/gm)].map(String);
  return [...programs.filter((path) => !own.includes(basename(path))), ...connections];
}

interface Index {
  readonly process: ChildProcess;
  readonly url: string;
  /** What it was asked so far. */
  readonly requests: () => string;
}

/** An index of the wheels, in a process of its own that writes down what it is asked. */
async function serve(source: string, folder: string): Promise<Index> {
  for (const wheel of wheels) {
    const project = (wheel.split('-')[0] ?? '').replaceAll('_', '-');
    mkdirSync(join(folder, project), { recursive: true });
    copyFileSync(join(source, wheel), join(folder, project, wheel));
  }
  const log = join(folder, 'requests.txt');
  const server = ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', folder, '0'];
  const out = openSync(log, 'w');
  const child = spawn(process.env['PYTHON'] ?? 'python3', server, {
    // To a file, for nothing is read while an installation is waited for.
    stdio: ['ignore', 'pipe', out],
  });
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const port = / port (\d+) /.exec(line.toString())?.[1];
  if (!port) throw new Error(`the index did not start: ${line.toString()}`);
  const requests = () => readFileSync(log, 'utf8');
  return { process: child, url: `http://127.0.0.1:${port}/`, requests };
}

function ofIndex(): Record<string, string> {
  return { PIP_NO_INDEX: '', PIP_INDEX_URL: index.url };
}

function sitePackages(venv: string): string {
  const [python = ''] = readdirSync(join(venv, 'lib'));
  return join(venv, 'lib', python, 'site-packages');
}
