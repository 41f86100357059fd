import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { IndexServer } from './index-server.ts';
import { executable, type Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
beforeEach(() => rmSync(sandbox.cache, { recursive: true, force: true }));

/** An environment of its own, whose pip has no script that names another. */
function anotherEnvironment(name: string): string {
  const folder = join(sandbox.root, name);
  rmSync(folder, { recursive: true, force: true });
  sandbox.run(['cp', '-al', sandbox.venv, folder]);
  for (const script of readdirSync(join(folder, 'bin'))) {
    if (script.startsWith('pip')) rmSync(join(folder, 'bin', script));
  }
  return folder;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Finished>;
  /** Resolves with the first output that matches. */
  readonly says: (pattern: RegExp) => Promise<void>;
}

function start(words: readonly string[], environment: Record<string, string>): Running {
  const child = spawn(executable, ['install', ...words], {
    cwd: sandbox.root,
    env: {
      ...sandbox.environment,
      PIP_ACCEL_CACHE: sandbox.cache,
      PIP_FIND_LINKS: fixtures.index,
      ...environment,
    },
  });
  let [stdout, stderr] = ['', ''];
  const listeners = new Set<() => void>();
  const hear = () => listeners.forEach((listener) => listener());
  child.stdout.on('data', (text) => (stdout += String(text))).on('data', hear);
  child.stderr.on('data', (text) => (stderr += String(text))).on('data', hear);
  const ended = new Promise<Finished>((resolve) => {
    child.once('close', (exitCode) => resolve({ stdout, stderr, exitCode }));
  });
  const says = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => pattern.test(stdout + stderr) && resolve();
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`not said: ${pattern}\n${stdout}${stderr}`)));
    });
  return { child, ended, says };
}

interface Logged {
  readonly time: number;
  readonly pid: number;
  readonly type: string;
  readonly name?: string;
}

function readLog(file: string): readonly Logged[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Logged);
}

test('six installations that begin with an empty data directory fetch, build and unpack each archive once', async () => {
  using server = await IndexServer.start(fixtures);
  const [log, builds] = [join(sandbox.root, 'six.jsonl'), join(sandbox.root, 'six.builds')];
  const line = ['fx-pure==1.0', 'fx-cext==1.0', 'fx-own-a==1.0'];
  const running = Array.from({ length: 6 }, (_, index) =>
    start(line, {
      VIRTUAL_ENV: anotherEnvironment(`venv-${index}`),
      PIP_ACCEL_LOG_FILE: log,
      PIP_FIND_LINKS: '',
      PIP_NO_INDEX: '',
      PIP_INDEX_URL: `${server.url}/simple/`,
      FX_BUILD_LOG: builds,
    }),
  );
  for (const { ended } of running) {
    const { stderr, exitCode } = await ended;
    expect(stderr).toMatch(/^(WARNING: waiting for .* to be done with .*\n)*$/);
    expect(exitCode).toBe(0);
  }
  expect(readFileSync(builds, 'utf8').split('\n').filter(Boolean).sort()).toEqual([
    'fx-cext 1.0',
    'fx-pure 1.0',
  ]);
  const fetched = server.takeRequests().filter((path) => /fx[-_].*\.(gz|whl)$/.test(path));
  expect(fetched.map((path) => basename(path))).toEqual([
    'fx-cext-1.0.tar.gz',
    'fx-pure-1.0.tar.gz',
    'fx_own_a-1.0-py2.py3-none-any.whl',
  ]);
  const images = readLog(log).filter(({ type }) => type === 'image-made');
  expect(images.map(({ name }) => String(name)).sort()).toEqual(['fx-cext', 'fx-own-a', 'fx-pure']);
  for (const folder of ['tmp', 'locks']) {
    expect(readdirSync(join(sandbox.cache, folder))).toEqual([]);
  }
});

test('when the process that builds is killed, the one that waits builds at once', async () => {
  const [log, builds] = [join(sandbox.root, 'killed.jsonl'), join(sandbox.root, 'killed.builds')];
  const first = start(['fx-slow==1.0'], {
    VIRTUAL_ENV: anotherEnvironment('venv-first'),
    FX_SLOW_SECONDS: '600',
    FX_BUILD_LOG: builds,
  });
  await first.says(/Building fx-slow/);
  const second = start(['fx-slow==1.0'], {
    VIRTUAL_ENV: anotherEnvironment('venv-second'),
    FX_SLOW_SECONDS: '0.01',
    PIP_ACCEL_LOG_FILE: log,
  });
  await second.says(
    new RegExp(
      `waiting for process ${first.child.pid} \\(.*\\) to be done with building fx-slow 1.0`,
    ),
  );
  // Its setup.py says so in its own log before it sleeps.
  while (!existsSync(builds)) await new Promise((resolve) => setTimeout(resolve, 20));
  const killed = Date.now();
  first.child.kill('SIGKILL');
  // Its compilers live on, and hold nobody up.
  await second.says(/Building fx-slow/);
  const orphans = compilers().filter(({ parent }) => parent !== second.child.pid);
  expect(orphans).toHaveLength(1);
  for (const { pid } of orphans) process.kill(pid, 'SIGKILL');
  expect(await second.ended).toMatchObject({ exitCode: 0 });
  const begun = readLog(log).find(({ type }) => type === 'build-start');
  expect((begun?.time ?? Number.POSITIVE_INFINITY) - killed).toBeLessThan(2_000);

  for (const folder of ['tmp', 'locks']) {
    expect(readdirSync(join(sandbox.cache, folder))).toEqual([]);
  }
});

/** Processes that run our scripts for builds in this data directory. */
function compilers(): readonly { readonly pid: number; readonly parent: number }[] {
  const { stdout } = sandbox.run(['ps', '-eo', 'pid=,ppid=,args=']);
  return stdout
    .split('\n')
    .filter((line) => line.includes(join(sandbox.cache, 'tmp')) && line.includes('/build_'))
    .map((line) => {
      const [pid, parent] = line.trim().split(/\s+/).map(Number);
      return { pid: pid ?? 0, parent: parent ?? 0 };
    });
}

test('sdists that need each other to be built end in pip’s error, in one process and in several', async () => {
  const index = join(sandbox.root, 'circle');
  mkdirSync(index, { recursive: true });
  for (const [name, other] of [
    ['fx-egg', 'fx-hen'],
    ['fx-hen', 'fx-egg'],
  ] as const) {
    const folder = join(sandbox.root, `${name}-1.0`);
    mkdirSync(folder, { recursive: true });
    const build = `[build-system]\nrequires = ["setuptools", "${other}==1.0"]\nbuild-backend = "setuptools.build_meta"\n`;
    writeFileSync(join(folder, 'pyproject.toml'), build);
    writeFileSync(join(folder, 'PKG-INFO'), `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`);
    writeFileSync(
      join(folder, 'setup.py'),
      `from setuptools import setup\nsetup(name="${name}", version="1.0")\n`,
    );
    sandbox.run(['tar', '-czf', join(index, `${name}-1.0.tar.gz`), `${name}-1.0`]);
  }
  const lines = [['fx-egg==1.0'], ['fx-hen==1.0'], ['fx-egg==1.0', 'fx-hen==1.0']];
  const running = lines.map((requirements, at) =>
    start(['--find-links', index, ...requirements], {
      VIRTUAL_ENV: anotherEnvironment(`venv-circle-${at}`),
    }),
  );
  for (const { ended } of running) {
    const { stdout, stderr, exitCode } = await ended;
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toContain('is already being built');
  }
});

test('eight processes that want the same slow build run one', async () => {
  const running = Array.from({ length: 8 }, (_, index) => {
    const venv = anotherEnvironment(`eight-${index}`);
    return start(['fx-slow==1.0'], {
      VIRTUAL_ENV: venv,
      FX_SLOW_SECONDS: '3',
    });
  });
  for (const { ended } of running) {
    const { stdout, stderr, exitCode } = await ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain('Successfully installed fx-slow-1.0');
  }
  // A build that somebody began has a log, whatever became of it.
  const made = sandbox.binaries().map(({ name }) => name.split(':')[0]);
  expect(made).toEqual(['fx-slow']);
  expect(readdirSync(join(sandbox.cache, 'logs'))).toHaveLength(1);
});
