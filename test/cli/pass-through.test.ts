import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { executable, Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
  writeFileSync(join(sandbox.root, 'empty.txt'), '');
  writeFileSync(join(sandbox.root, 'some.txt'), 'some text\n');
});
afterAll(() => sandbox[Symbol.dispose]());

/** Lines that are not an installation of something: pip's words, byte for byte. */
const lines: readonly string[] = [
  'list',
  'list --format=json',
  'list --outdated --no-index',
  'freeze',
  'freeze --all',
  'check',
  'show pip',
  'show no-such-project',
  'config list',
  'config get global.index-url',
  'config debug',
  'help',
  'help install',
  'help no-such-command',
  'install --help',
  'install -h',
  'install',
  'install --no-such-option',
  'install --upgrade-strategy=sometimes pip',
  'install --retries=many pip',
  'install --progress-bar=fancy pip',
  'install -r no-such-file.txt',
  'install -r empty.txt',
  'install --dry-run pip',
  'install --target x --user pip',
  '--version',
  '-V',
  '--no-such-general-option',
  '--python',
  '--timeout=1 list',
  'hash some.txt',
  'hash no-such-file',
  'inspect',
  'debug',
  'cache dir',
  'uninstall',
  'uninstall -y no-such-project',
  'download no-such-project',
  'wheel',
  'no-such-command',
  'lst',
  'completion --bash',
  'index',
  'search x --no-such',
  'install -q pip',
  'install pip',
  'install no-such-project',
  'install pip==0.0.1',
  'install ./no-such-folder',
  'install "pip @@"',
];

describe('what is not an installation is pip’s, byte for byte', () => {
  test.each(lines)('%s', (line) => {
    const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
    expect(sandbox.accel(words)).toEqual(sandbox.pip(words));
  });
});

test('pip-accel alone prints its usage and succeeds', () => {
  const { stdout, stderr, exitCode } = sandbox.accel([]);
  expect(stdout).toMatch(/^Usage: pip-accel /);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
});

test('variables of pip-accel are hidden from pip', () => {
  const { stdout } = sandbox.accel(['config', 'list'], {
    environment: { PIP_ACCEL_OFFLINE: 'no', PIP_TIMEOUT: '7' },
  });
  expect(stdout).toContain("timeout='7'");
  expect(stdout.toLowerCase()).not.toContain('accel');
});

test('standard input reaches pip', () => {
  const script = 'echo pip | "$0" install -r /dev/stdin';
  const { stdout } = sandbox.run(['sh', '-c', script, executable]);
  expect(stdout).toContain('Requirement already satisfied: pip');
  expect(stdout).toContain('(from -r /dev/stdin (line 1))');
});

test('descriptors above 2 reach pip', () => {
  const script = 'exec "$0" hash /dev/fd/9 9<some.txt';
  const { stdout, exitCode } = sandbox.run(['sh', '-c', script, executable]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('--hash=sha256:');
});

/** Runs a line by both, with a pip that first says on standard error which descriptors it has. */
function descriptorsOf(script: string): readonly (readonly string[])[] {
  const probe = join(sandbox.root, 'probe');
  mkdirSync(probe, { recursive: true });
  writeFileSync(
    join(probe, 'sitecustomize.py'),
    [
      'import os, sys',
      'for name in sorted(os.listdir("/proc/self/fd"), key=int):',
      '    path = "/proc/self/fd/" + name',
      '    if int(name) > 2 and os.path.exists(path) and os.readlink(path) != os.devnull:',
      '        target = os.readlink(path).split(":")[0]',
      '        kind = "locked" if target.endswith("site-packages") else "open"',
      '        sys.stderr.write("%s: %s %s\\n" % (kind, name, target))',
    ].join('\n'),
  );
  const environment = { PYTHONPATH: probe };
  return [executable, join(sandbox.venv, 'bin', 'pip')].map((file) => {
    const { stderr } = sandbox.run(['bash', '-c', script, file], { environment });
    const lines = stderr.split('\n');
    // pip holds the lock of the environment for as long as it runs.
    const locks = lines.filter((line) => line.startsWith('locked: '));
    expect(locks.length).toBe(file === executable ? 1 : 0);
    return lines.filter((line) => line.startsWith('open: '));
  });
}

test('pip finds the descriptors open that pip-accel was started with, and no others', () => {
  const [found, expected] = descriptorsOf('exec "$0" list 5<some.txt 6< <(:) 33<some.txt');
  expect(expected?.length).toBeGreaterThan(2);
  expect(found).toEqual(expected);
});

test('make’s jobserver reaches pip', () => {
  const start = [
    'import os, sys',
    'ends = os.pipe()',
    'for end in ends: os.set_inheritable(end, True)',
    'os.environ["MAKEFLAGS"] = " -j2 --jobserver-auth=%d,%d" % ends',
    'os.execv(sys.argv[1], sys.argv[1:])',
  ].join('\n');
  const [found, expected] = descriptorsOf(`exec '${sandbox.python}' -c '${start}' "$0" list`);
  expect(expected?.length).toBeGreaterThan(1);
  expect(found).toEqual(expected);
});

test.each(['list', 'install pip', 'install no-such-project'])(
  '%s leaves the pipe that it writes to as it was',
  (line) => {
    // Where it is non-blocking, `print` of Python fails when it is full.
    const script = `{ "$0" ${line}; grep flags: /proc/self/fdinfo/1; } 2>/dev/null | tail -n 1`;
    const { stdout } = sandbox.run(['sh', '-c', script, executable]);
    expect(stdout).toBe('flags:\t01\n');
  },
);

test('what lies in the current folder decides nothing, nor do variables of other programs', () => {
  const folder = join(sandbox.root, 'project');
  mkdirSync(folder, { recursive: true });
  const files = {
    '.env': 'PIP_ACCEL_CACHE=/nowhere\nPIP_TIMEOUT=7\n',
    '.env.production': 'PIP_ACCEL_CACHE=/nowhere\n',
    'bunfig.toml': 'preload = ["./intruder.js"]\n',
    'intruder.js': 'console.log("intruder");\n',
    'package.json': '{"type": "module", "imports": {"#x": "./intruder.js"}}\n',
    'tsconfig.json': '{"compilerOptions": {"paths": {"*": ["./intruder.js"]}}}\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const options = {
    cwd: folder,
    environment: { BUN_BE_BUN: '1', BUN_OPTIONS: '--preload ./intruder.js', NODE_PATH: folder },
  };
  expect(sandbox.accel(['accel', 'cache-dir'], options).stdout).toBe(`${sandbox.cache}\n`);
  expect(sandbox.accel(['config', 'list'], options)).toEqual(
    sandbox.pip(['config', 'list'], options),
  );
  expect(sandbox.accel(['install', 'pip'], options)).toEqual(
    sandbox.pip(['install', 'pip'], options),
  );
});

test('a requirements file that is a pipe is read', () => {
  const script = 'exec "$0" install -r <(echo pip)';
  const { stdout, exitCode } = sandbox.run(['bash', '-c', script, executable]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /Requirement already satisfied: pip .*\(from -r \/dev\/fd\/\d+ \(line 1\)\)/,
  );
});

test('a decision that was made quietly is not silent afterwards', () => {
  const line = ['install', 'pip'];
  expect(sandbox.accel(['install', '-q', 'pip']).stdout).toBe('');
  expect(sandbox.accel(line)).toEqual(sandbox.pip(line));
  expect(sandbox.accel(line)).toEqual(sandbox.pip(line));
});

test('a decision that is remembered is told with the file that was named this time', () => {
  for (const name of ['first.txt', 'second.txt']) {
    writeFileSync(join(sandbox.root, name), 'pip\nsetuptools; python_version < "3"\n');
    const line = ['install', '-r', name];
    expect(sandbox.accel(line)).toEqual(sandbox.pip(line));
  }
});

test('pip takes the place of pip-accel, so that signals are its own', () => {
  const probe = join(sandbox.root, 'probe.py');
  writeFileSync(probe, 'import os\nprint(os.getppid())\n');
  const script = 'echo $$; exec "$0" --version >/dev/null; exit 9';
  expect(sandbox.run(['sh', '-c', script, executable]).exitCode).toBe(0);
});
