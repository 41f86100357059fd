import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { differences, type Tree } from '../install/site.ts';
import { countKinds, Faults, type Point, type Run, samplePoints, State } from './faults.ts';

/**
 * Two distributions with all that a wheel can install, in two versions of different shape, and a
 * third that shares a namespace and a file with the first.
 */
const makeWheels = `
import sys, zipfile
def wheel(name, version, files, scripts=()):
    stem = "%s-%s" % (name, version)
    info = stem + ".dist-info/"
    files = {path.replace("DATA", stem + ".data"): text for path, text in files.items()}
    files[info + "METADATA"] = "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version)
    files[info + "WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    if scripts:
        lines = ["%s = %s:main" % (script, name) for script in scripts]
        files[info + "entry_points.txt"] = "[console_scripts]\\n" + "\\n".join(lines) + "\\n"
    files[info + "RECORD"] = "".join("%s,,\\n" % path for path in [*files, info + "RECORD"])
    with zipfile.ZipFile("%s/%s-py3-none-any.whl" % (sys.argv[1], stem), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
def modules(name, version, folders):
    return {"%s/%smodule%d.py" % (name, folder, n): "which = %r\\n" % (name + version)
            for folder in folders for n in range(3)}
for version, folders in ("1", ["", "old/", "old/deep/", "both/"]), ("2", ["", "new/", "both/", "both/deep/"]):
    wheel("kill_a", version, {
        **modules("kill_a", version, folders),
        "kill_a/__init__.py": "def main(): pass\\n",
        "kill_ns/a.py": "which = %r\\n" % version,
        "kill_ns/common.py": "which = 'a%s'\\n" % version,
        "kill_single_a.py": "which = %r\\n" % version,
        "DATA/scripts/kill-script": "#!python\\nprint(%r)\\n" % version,
        "DATA/data/share/kill_a/data%s.txt" % version: version,
        "DATA/headers/kill_a.h": "/* %s */" % version,
    }, ["kill-a", "kill-a-%s" % version])
    wheel("kill_b", version, {
        **modules("kill_b", version, folders[:2]),
        "kill_b/__init__.py": "def main(): pass\\n",
        "kill_ns/b.py": "which = %r\\n" % version,
        "DATA/data/bin/kill-tool": "tool %s" % version,
    }, ["kill-b"])
wheel("kill_c", "1", {"kill_ns/c.py": "", "kill_ns/common.py": "which = 'c'\\n"})
`;

const sandbox = new Sandbox();
const wheels = join(sandbox.root, 'wheels');
const environment = { PIP_FIND_LINKS: wheels };
let faults: Faults;
beforeAll(() => {
  mkdirSync(wheels);
  sandbox.run([sandbox.python, '-c', makeWheels, wheels]);
  faults = new Faults([sandbox.venv]);
});
afterAll(() => {
  faults[Symbol.dispose]();
  sandbox[Symbol.dispose]();
});

const old = ['install', 'kill-a==1', 'kill-b==1', 'kill-c'];

/** What a matrix begins with, and what it does. */
const matrices: readonly (readonly [
  name: string,
  before: readonly string[],
  line: readonly string[],
])[] = [
  ['an installation', ['install', 'kill-c'], ['install', 'kill-a==1', 'kill-b==1']],
  ['an upgrade', old, ['install', 'kill-a==2', 'kill-b==2']],
  ['an uninstallation', old, ['uninstall', '-y', 'kill-a', 'kill-b']],
  ['an installation over itself', old, ['install', '-I', 'kill-a==1']],
];

function run(words: readonly string[]): Run {
  return {
    command: [executable, ...words],
    environment: { ...sandbox.environment, ...environment, PIP_ACCEL_CACHE: sandbox.cache },
    cwd: sandbox.root,
  };
}

interface Matrix {
  readonly line: readonly string[];
  readonly state: State;
  readonly before: Tree;
  readonly after: Tree;
  readonly points: readonly Point[];
}

/** Does it once, from a store that knows all, and takes note of what can be hit. */
async function prepare(before: readonly string[], line: readonly string[]): Promise<Matrix> {
  const start = new State(sandbox.venv);
  for (const words of [line[0] === 'install' ? line : old, before]) {
    start.restore();
    expect(sandbox.accel(words, { environment }).stderr).toBe('');
  }
  const state = new State(sandbox.venv);
  const tree = sandbox.snapshot();
  const { exitCode, points } = await faults.record(run(line));
  expect(exitCode).toBe(0);
  const after = sandbox.snapshot();
  start.restore();
  state.restore();
  return { line, state, before: tree, after, points };
}

/** What is wrong with the distributions of the matrices: each is to be as before, as after, or absent. */
function broken({ before, after }: Matrix): readonly string[] {
  const now = sandbox.snapshot();
  const purelib = Object.keys(now).find((name) => name.endsWith('site-packages')) ?? '';
  const infos = Object.keys(now).filter((name) =>
    /site-packages\/kill_\w-\d\.dist-info$/.test(name),
  );
  return infos.flatMap((info) => {
    const whole =
      info in after && now[`${info}/RECORD`] === after[`${info}/RECORD`] ? after : before;
    const rows = now[`${info}/RECORD`]?.replace(/^\d+ /, '').split(/\r?\n/) ?? ['no RECORD,,'];
    return rows.flatMap((row) => {
      const path = join(purelib, row.split(',', 1)[0] ?? '');
      if (row === '' || now[path] === whole[path]) return [];
      // One file of two distributions: either's.
      const isShared = path.endsWith('kill_ns/common.py');
      const isEither = isShared && [before[path], after[path]].includes(now[path]);
      return isEither ? [] : [`${info}: ${path}`];
    });
  });
}

/** Listed by pip without a word of complaint, and put right by the next run of the same line. */
function expectWhole(matrix: Matrix, point: Point | null): void {
  const at = `${point?.ordinal} ${point?.call} ${point?.path}`;
  expect([at, broken(matrix)]).toEqual([at, []]);
  const list = sandbox.pip(['list']);
  expect([at, list.stderr, list.exitCode]).toEqual([at, '', 0]);
  const again = sandbox.accel(matrix.line, { environment });
  expect([
    at,
    again.exitCode,
    again.stderr.replace(/^WARNING: (put back|Skipping kill).*\n/gm, ''),
  ]).toEqual([at, 0, '']);
  expect([at, differences(sandbox.snapshot(), matrix.after)]).toEqual([at, []]);
}

test.each(matrices)('%s can be killed at any change that it makes', async (name, before, line) => {
  const matrix = await prepare(before, line);
  const ordinals = samplePoints(matrix.points, 10);
  const hit: Point[] = [];
  for (const ordinal of ordinals) {
    matrix.state.restore();
    const outcome = await faults.killAt(ordinal, run(line));
    // Threads may need a call more or less from one run to the next.
    expect(outcome.hit === null ? outcome.exitCode : outcome.signal).toBe(
      outcome.hit === null ? 0 : 'SIGKILL',
    );
    if (outcome.hit) hit.push(outcome.hit);
    expectWhole(matrix, outcome.hit);
  }
  console.log(
    `${name}: killed at ${hit.length} of ${matrix.points.length} points`,
    countKinds(hit),
  );
  expect(hit.length).toBeGreaterThan(ordinals.length * 0.7);
});

test('what puts a killed run right can be killed at any change, too', async () => {
  const [, before, line] = matrices[1] ?? ['', [], []];
  const matrix = await prepare(before, line);
  const late = matrix.points.findLast(({ call }) => call === 'link')?.ordinal ?? 0;
  const leave = async () => {
    matrix.state.restore();
    expect((await faults.killAt(late, run(line))).signal).toBe('SIGKILL');
  };
  await leave();
  const repair = ['install', 'kill-c'];
  const { points } = await faults.record(run(repair));
  expect(differences(sandbox.snapshot(), matrix.before)).toEqual([]);
  const ordinals = samplePoints(points, 10);
  for (const ordinal of ordinals) {
    await leave();
    const { hit } = await faults.killAt(ordinal, run(repair));
    expectWhole(matrix, hit);
  }
  console.log(`a repair: killed at ${ordinals.length} of ${points.length} points`);
});

test.each(matrices)(
  '%s that meets a failing call leaves all as it was, or is done',
  async (name, before, line) => {
    const matrix = await prepare(before, line);
    const errors = ['ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EMLINK', 'EXDEV'] as const;
    let failures = 0;
    for (const [at, ordinal] of samplePoints(matrix.points, 8, 100).entries()) {
      const errno = errors[at % errors.length] ?? 'EIO';
      matrix.state.restore();
      const { exitCode, stderr, hit } = await faults.failAt({ errno, at: ordinal }, run(line));
      const where = `${errno} at ${hit?.ordinal} ${hit?.call} ${hit?.path}`;
      const expected = exitCode === 0 ? matrix.after : matrix.before;
      const left = differences(sandbox.snapshot(), expected).filter(
        (path) => !/\.done($|\/)/.test(path),
      );
      expect([where, left, stderr]).toEqual([where, [], stderr]);
      const said = exitCode === 0 ? /^/ : /ERROR: Could not .*\nhint: /s;
      expect([where, stderr]).toEqual([where, expect.stringMatching(said)]);
      expectWhole(matrix, hit);
      failures += exitCode === 0 ? 0 : 1;
    }
    console.log(`${name}: ${failures} failures, each put back`);
    expect(failures).toBeGreaterThan(0);
  },
);
