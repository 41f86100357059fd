import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { executable } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
const environment = { PIP_FIND_LINKS: fixtures.index };
const purelib = join(sandbox.venv, 'lib', pythonFolder(), 'site-packages');

function pythonFolder(): string {
  return readdirSync(join(sandbox.venv, 'lib')).find((name) => name.startsWith('python')) ?? '';
}

const holders: ChildProcess[] = [];
afterEach(() => {
  for (const holder of holders.splice(0)) holder.kill('SIGKILL');
});

/** A process that holds the lock as another pip-accel would, until its standard input ends. */
async function holdLock(mode: 'LOCK_SH' | 'LOCK_EX', folder = purelib): Promise<ChildProcess> {
  const script = [
    'import fcntl, os, sys',
    'descriptor = os.open(sys.argv[1], os.O_RDONLY)',
    `fcntl.flock(descriptor, fcntl.${mode})`,
    'print("held", flush=True)',
    'sys.stdin.read()',
  ].join('\n');
  const holder = spawn('python3', ['-c', script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  holders.push(holder);
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  return holder;
}

interface Running {
  readonly process: ChildProcess;
  readonly said: (word: string) => Promise<void>;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly output: string }>;
}

function start(words: readonly string[], variables: Record<string, string> = {}): Running {
  const child = spawn(executable, words, {
    env: { ...sandbox.environment, ...environment, PIP_ACCEL_CACHE: sandbox.cache, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const listeners: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += String(data);
      for (const listen of listeners) listen();
    });
  }
  const ended = new Promise<{ exitCode: number | null; output: string }>((resolve) => {
    child.once('close', (exitCode) => resolve({ exitCode, output }));
  });
  const said = async (word: string) =>
    await new Promise<void>((resolve, reject) => {
      const listen = () => output.includes(word) && resolve();
      listeners.push(listen);
      listen();
      void ended.then(() => reject(new Error(`ended without ${word}: ${output}`)));
    });
  return { process: child, said, ended };
}

test('an installation waits for another one, says so, and goes on when that ends', async () => {
  const holder = await holdLock('LOCK_EX');
  const run = start(['install', 'fx-many']);
  await run.said(`waiting for process ${holder.pid} (`);
  expect(existsSync(join(purelib, 'fx_many-4.dist-info'))).toBe(false);
  holder.stdin?.end();
  const { exitCode, output } = await run.ended;
  expect(output).toContain('Successfully installed fx-many-4');
  expect(exitCode).toBe(0);
});

test('what was decided before the wait is decided anew where the environment has changed', async () => {
  const holder = await holdLock('LOCK_EX');
  const run = start(['install', 'fx-many']);
  await run.said('waiting for');
  sandbox.pip(['install', '-q', 'fx-many'], { environment });
  holder.stdin?.end();
  const { exitCode, output } = await run.ended;
  expect(output).toContain('Requirement already satisfied: fx-many');
  expect(output).not.toContain('Successfully installed');
  expect(exitCode).toBe(0);
});

test('an environment that was made anew while somebody waited for it is locked anew', async () => {
  const holder = await holdLock('LOCK_EX');
  const run = start(['install', 'fx-many']);
  await run.said('waiting for');
  sandbox.run(['cp', '-a', purelib, `${purelib}.new`]);
  sandbox.run(['mv', purelib, `${purelib}.old`]);
  sandbox.run(['mv', `${purelib}.new`, purelib]);
  const next = await holdLock('LOCK_EX');
  holder.stdin?.end();
  const exitCode = await Promise.race([run.ended, setTimeout(500, 'still waiting')]);
  expect(exitCode).toBe('still waiting');
  next.stdin?.end();
  expect((await run.ended).exitCode).toBe(0);
  expect(existsSync(join(purelib, 'fx_many-4.dist-info'))).toBe(true);
});

test('after lock-timeout an installation fails, and names the environment and the option', async () => {
  await holdLock('LOCK_SH');
  const before = sandbox.snapshot();
  const run = start(['install', 'fx-many'], { PIP_ACCEL_LOCK_TIMEOUT: '2' });
  const { exitCode, output } = await run.ended;
  expect(exitCode).toBe(1);
  expect(output).toContain(sandbox.venv);
  expect(output).toContain('PIP_ACCEL_LOCK_TIMEOUT');
  expect(sandbox.snapshot()).toEqual(before);
});

test.each(['list', 'freeze', 'check', 'show pip'])(
  '%s goes on with a warning where the lock is not to be had',
  async (line) => {
    await holdLock('LOCK_EX');
    const run = start(line.split(' '), { PIP_ACCEL_LOCK_TIMEOUT: '1' });
    const { exitCode, output } = await run.ended;
    expect(output).toContain('going on all the same');
    expect(exitCode).toBe(0);
  },
);

test('readers do not wait for each other, nor does a line that has nothing to do', async () => {
  sandbox.accel(['install', 'fx-many'], { environment });
  await holdLock('LOCK_SH');
  expect(sandbox.accel(['list']).stderr).toBe('');
  const writer = await holdLock('LOCK_EX', sandbox.root);
  expect(writer.pid).toBeDefined();
  const outcome = sandbox.accel(['install', 'fx-many'], { environment });
  expect(outcome.stdout).toContain('already satisfied');
  expect(outcome.exitCode).toBe(0);
});

test('a reader that comes after a waiting writer does not overtake him', async () => {
  const holder = await holdLock('LOCK_SH');
  const writer = start(['install', 'fx-many']);
  await writer.said('waiting for');
  const reader = start(['list'], { PIP_ACCEL_LOCK_TIMEOUT: '60' });
  await reader.said('waiting for');
  holder.stdin?.end();
  expect((await writer.ended).exitCode).toBe(0);
  expect((await reader.ended).output).toContain('fx-many');
});

test('a pip that does the whole line holds the lock, after its starter was killed too', async () => {
  const target = join(sandbox.root, 'target');
  const fifo = join(sandbox.root, 'fifo');
  sandbox.run(['mkfifo', fifo]);
  const first = start(['install', '--target', target, '-r', fifo]);
  const writing = spawn('sh', ['-c', `exec 3>${fifo}; echo held; read line; echo fx-many >&3`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => writing.stdout.once('data', resolve));
  const second = start(['uninstall', '-y', 'fx-none']);
  await second.said('waiting for process');
  writing.stdin.end('go\n');
  expect((await first.ended).exitCode).toBe(0);
  expect((await second.ended).exitCode).toBe(0);
});

test('uninstall waits for its answer without the lock', async () => {
  sandbox.accel(['install', 'fx-many', 'fx-ns-a'], { environment });
  const run = start(['uninstall', 'fx-many']);
  await run.said('Proceed (Y/n)?');
  expect(sandbox.accel(['uninstall', '-y', 'fx-ns-a']).exitCode).toBe(0);
  const holder = await holdLock('LOCK_SH');
  run.process.stdin?.end('y\n');
  await run.said('waiting for');
  expect(existsSync(join(purelib, 'fx_many-4.dist-info'))).toBe(true);
  holder.stdin?.end();
  expect((await run.ended).exitCode).toBe(0);
  expect(existsSync(join(purelib, 'fx_many-4.dist-info'))).toBe(false);
});

test('a signal at the question ends it, and nothing is removed', async () => {
  sandbox.accel(['install', 'fx-many'], { environment });
  const run = start(['uninstall', 'fx-many']);
  await run.said('Proceed (Y/n)?');
  run.process.kill('SIGTERM');
  expect((await run.ended).exitCode).not.toBe(0);
  expect(existsSync(join(purelib, 'fx_many-4.dist-info'))).toBe(true);
});

test('an uninstallation whose words are pip’s own waits for the lock, too', async () => {
  sandbox.accel(['install', 'fx-many'], { environment });
  const holder = await holdLock('LOCK_EX');
  const run = start(['uninstall', '-yq', 'fx-many']);
  await run.said('waiting for');
  expect(existsSync(join(purelib, 'fx_many-4.dist-info'))).toBe(true);
  holder.stdin?.end();
  expect((await run.ended).exitCode).toBe(0);
  expect(existsSync(join(purelib, 'fx_many-4.dist-info'))).toBe(false);
});

/** What a run leaves that was killed after it had taken the old version of fx-many away. */
function leaveJournal(): void {
  sandbox.pip(['install', '-q', 'fx-many==3'], { environment });
  const journal = join(purelib, '.pip-accel-0123456789ab');
  mkdirSync(join(journal, 'old'), { recursive: true });
  const info = join(purelib, 'fx_many-3.dist-info');
  const removal = { format: 1, paths: ['fx_many-3.dist-info'], folders: [] };
  writeFileSync(join(journal, 'removal.json'), JSON.stringify(removal));
  sandbox.run(['mv', info, join(journal, 'old', '0')]);
}

test.each(['list', 'install fx-ns-a', 'uninstall -y fx-none', 'install fx-many==3'])(
  '%s puts right first what a killed run left',
  (line) => {
    sandbox.pip(['install', '-q', 'fx-many==3'], { environment });
    const whole = sandbox.snapshot();
    sandbox.resetEnvironment();
    leaveJournal();
    const { stderr, stdout, exitCode } = sandbox.accel(line.split(' '), { environment });
    expect(stderr).toContain('put back what a run that was cut off had changed');
    expect(exitCode).toBe(0);
    if (line === 'list') expect(stdout).toContain('fx-many');
    const now = sandbox.snapshot();
    expect(Object.keys(now).filter((name) => name.includes('.pip-accel'))).toEqual([]);
    for (const [name, content] of Object.entries(whole)) {
      if (!name.endsWith('.pyc')) expect(now[name]).toEqual(content);
    }
  },
);
