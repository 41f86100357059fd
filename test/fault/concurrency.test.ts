import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { differences } from '../install/site.ts';
import { State } from './faults.ts';

/** Three projects in three versions each; a version of `busy_top` takes one of `busy_low` only. */
const makeWheels = `
import sys, zipfile
def wheel(name, version, requires=()):
    info = "%s-%s.dist-info/" % (name, version)
    files = {"%s/part%d/m%d.py" % (name, n % 4, n): "which = %r\\n" % version for n in range(20 + int(version))}
    files["busy_ns/%s.py" % name] = "which = %r\\n" % version
    files[info + "METADATA"] = "".join(
        ["Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version)]
        + ["Requires-Dist: %s\\n" % one for one in requires])
    files[info + "WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[info + "entry_points.txt"] = "[console_scripts]\\n%s = %s:main\\n" % (name, name)
    files[info + "RECORD"] = "".join("%s,,\\n" % path for path in [*files, info + "RECORD"])
    with zipfile.ZipFile("%s/%s-%s-py3-none-any.whl" % (sys.argv[1], name, version), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
for version in "123":
    wheel("busy_low", version)
    wheel("busy_top", version, ["busy_low==" + version])
    wheel("busy_side", version, ["busy_low"])
`;

/** Overlapping, and not all of them together possible. */
const sets: readonly (readonly string[])[] = [
  ['busy-low==1'],
  ['busy-low==2', 'busy-side'],
  ['busy-top==1'],
  ['busy-top==2', 'busy-side==1'],
  ['busy-top'],
  ['busy-side==2'],
  ['busy-side==3', 'busy-low'],
  ['busy-low==3', 'busy-top==3'],
  ['busy-top==2', 'busy-low==2'],
  ['-U', 'busy-side', 'busy-top'],
];

/** Reads under the shared lock, by the gate that lets writers in, and tells of every file that a RECORD names and that is not there. */
const reader = `
import fcntl, os, sys
folder, stop = sys.argv[1:]
reads = 0
while not os.path.exists(stop):
    gate = os.open(os.path.dirname(folder), os.O_RDONLY)
    fcntl.flock(gate, fcntl.LOCK_SH)
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.close(gate)
    for name in os.listdir(folder):
        if name.startswith(".pip-accel"):
            print("in motion:", name)
        if not name.startswith("busy") or not name.endswith(".dist-info"):
            continue
        with open(os.path.join(folder, name, "RECORD")) as record:
            for line in record:
                path = os.path.join(folder, line.split(",")[0])
                if not os.path.exists(path):
                    print(name, "lacks", path)
    os.close(descriptor)
    reads += 1
print("read", reads)
`;

const sandbox = new Sandbox();
const wheels = join(sandbox.root, 'wheels');
const log = join(sandbox.root, 'log');
const variables = { PIP_FIND_LINKS: wheels, PIP_ACCEL_LOG_FILE: log };
let purelib: string;
beforeAll(() => {
  mkdirSync(wheels);
  sandbox.run([sandbox.python, '-c', makeWheels, wheels]);
  const path = 'import sysconfig; print(sysconfig.get_path("purelib"), end="")';
  purelib = sandbox.run([sandbox.python, '-c', path]).stdout;
});
afterAll(() => sandbox[Symbol.dispose]());

interface Ended {
  readonly pid: number;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function start(command: readonly string[]): Promise<Ended> {
  const [file = '', ...words] = command;
  const child: ChildProcess = spawn(file, words, {
    cwd: sandbox.root,
    env: { ...sandbox.environment, ...variables, PIP_ACCEL_CACHE: sandbox.cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  }
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { pid: child.pid ?? 0, exitCode, ...said };
}

test('twenty installations at once are as one after the other, in the order of their commits', async () => {
  const state = new State(sandbox.venv);
  const stop = join(sandbox.root, 'stop');
  const readers = [1, 2].map(
    async () => await start([sandbox.python, '-c', reader, purelib, stop]),
  );
  const lines = Array.from({ length: 20 }, (_, at) => sets[at % sets.length] ?? []);
  const running = lines.map(async (line) => {
    const ended = await start([executable, 'install', ...line]);
    return { line, ...ended };
  });
  const lists: Ended[] = [];
  const isOver = { value: false };
  const listing = (async () => {
    while (!isOver.value) lists.push(await start([executable, 'list', '--format=freeze']));
  })();
  const ended = await Promise.all(running);
  isOver.value = true;
  await listing;
  writeFileSync(stop, '');
  for (const { exitCode, stdout } of await Promise.all(readers)) {
    expect(stdout).toMatch(/^read \d+\n$/);
    expect(exitCode).toBe(0);
  }
  for (const { line, exitCode, stderr } of ended) {
    // pip's conflict check tells of what an earlier commit wanted otherwise.
    const honest =
      /^(WARNING: waiting for .*|ERROR: pip's dependency resolver .*|busy-\w+ \d requires busy[-_]low==\d, but you have busy-low \d which is incompatible\.)$/;
    const errors = stderr.split('\n').filter((text) => text !== '' && !honest.test(text));
    expect([line, errors, exitCode]).toEqual([line, [], 0]);
  }
  const clean = lists.filter(({ stderr }) => !stderr.includes('going on all the same'));
  expect(clean.length).toBeGreaterThan(0);
  for (const { stdout, stderr, exitCode } of clean) {
    expect([stderr.replace(/^WARNING: waiting for .*\n/gm, ''), exitCode]).toEqual(['', 0]);
    const versions = new Set(
      stdout
        .split('\n')
        .filter((line) => line.startsWith('busy'))
        .map((line) => line.split('==')[0]),
    );
    expect(versions.size).toBe(stdout.split('\n').filter((line) => line.startsWith('busy')).length);
  }
  const together = sandbox.snapshot();
  const commits = readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { type: string; pid: number; linked?: number })
    .filter(({ type, linked }) => type === 'installed' && linked !== 0);
  expect(commits.length).toBeGreaterThan(5);
  state.restore();
  for (const { pid } of commits) {
    const line = ended.find((one) => one.pid === pid)?.line ?? [];
    expect(sandbox.accel(['install', ...line], { environment: variables }).exitCode).toBe(0);
  }
  console.log(
    `${commits.length} commits, ${lists.length} lists, ${clean.length} of them under the lock`,
  );
  expect(differences(sandbox.snapshot(), together)).toEqual([]);
});
