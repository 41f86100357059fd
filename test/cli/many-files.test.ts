import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences, readTree } from '../install/site.ts';
import { executable, Sandbox } from './sandbox.ts';

/**
 * Wheels large enough for several threads: two share a folder and a module, a third has a file
 * where the first has a folder.
 */
const makeWheels = `
import sys, zipfile
def wheel(name, files):
    info = name + "-1.0.dist-info/"
    files = dict(files)
    files[info + "METADATA"] = "Metadata-Version: 2.1\\nName: %s\\nVersion: 1.0\\n" % name
    files[info + "WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[info + "RECORD"] = "".join("%s,,\\n" % path for path in [*files, info + "RECORD"])
    with zipfile.ZipFile(sys.argv[1] + "/%s-1.0-py3-none-any.whl" % name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
def tree(name):
    return {"many/%s/p%d/d%d.txt" % (name, n % 300, n): name for n in range(4500)}
wheel("many_a", {**tree("a"), "many/__init__.py": "", "many/both.py": "from_ = 'a'\\n"})
wheel("many_b", {**tree("b"), "many/both.py": "from_ = 'b'\\n"})
wheel("many_clash", {**tree("clash"), "many/a/p7": "a file"})
`;

const sandbox = new Sandbox();
const wheels = join(sandbox.root, 'wheels');
afterAll(() => sandbox[Symbol.dispose]());
beforeAll(() => {
  mkdirSync(wheels);
  sandbox.run([sandbox.python, '-c', makeWheels, wheels]);
  sandbox.keepEnvironment();
});

function options(): Record<string, string> {
  return { PIP_FIND_LINKS: wheels };
}

test('thousands of files are where pip puts them, and the last owner of a path has it', () => {
  const words = ['install', 'many-a', 'many-b'];
  expect(sandbox.pip(words, { environment: options() }).exitCode).toBe(0);
  const expected = readTree(sandbox.venv);
  for (const _run of ['cold', 'warm']) {
    sandbox.resetEnvironment();
    const outcome = sandbox.accel(words, { environment: options() });
    expect(outcome.stderr).toBe('');
    expect(outcome.exitCode).toBe(0);
    expect(differences(readTree(sandbox.venv), expected)).toEqual([]);
  }
});

test('a file that was edited is found among thousands, whichever thread has it', () => {
  const words = ['install', 'many-a', 'many-b'];
  const environment = { ...options(), PIP_ACCEL_VERIFY_IMAGES: 'always' };
  sandbox.resetEnvironment();
  expect(sandbox.accel(words, { environment }).exitCode).toBe(0);
  const expected = readTree(sandbox.venv);
  const edited = Object.keys(expected).filter((path) => /\/d(0|1499|2999|4499)\.txt$/.test(path));
  expect(edited.length).toBe(8);
  for (const path of edited) appendFileSync(join(sandbox.venv, path), 'edited');
  sandbox.resetEnvironment();
  const { stderr, exitCode } = sandbox.accel(words, { environment });
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/many_a 1\.0 is unpacked anew.*was changed, and 3 more\n/);
  expect(stderr).toMatch(/many_b 1\.0 is unpacked anew.*was changed, and 3 more\n/);
  expect(differences(readTree(sandbox.venv), expected)).toEqual([]);
});

test('an interruption while files are linked leaves the environment as it was, or finished', async () => {
  sandbox.resetEnvironment();
  const before = readTree(sandbox.venv);
  expect(sandbox.accel(['install', 'many-a', 'many-b'], { environment: options() }).exitCode).toBe(
    0,
  );
  const finished = readTree(sandbox.venv);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    sandbox.resetEnvironment();
    const child = spawn(executable, ['install', 'many-a', 'many-b'], {
      env: { ...sandbox.environment, ...options(), PIP_ACCEL_CACHE: sandbox.cache },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // The last that it says before it links.
    child.stdout.on('data', (text) => {
      if (String(text).includes('Installing collected packages')) child.kill(signal);
    });
    const exitCode = await new Promise((resolve) => child.once('close', resolve));
    const expected = exitCode === 0 ? finished : before;
    expect([exitCode, differences(readTree(sandbox.venv), expected)]).toEqual([exitCode, []]);
    expect(exitCode).not.toBeNull();
  }
});

test('what was there is back when a path turns out to be taken', () => {
  sandbox.resetEnvironment();
  const site = join(sandbox.venv, 'lib', 'keep');
  mkdirSync(site);
  writeFileSync(join(site, 'mine'), 'mine');
  const before = readTree(sandbox.venv);
  const outcome = sandbox.accel(['install', 'many-a', 'many-clash'], { environment: options() });
  expect(outcome.stderr).toContain('Could not install');
  expect(outcome.exitCode).not.toBe(0);
  expect(differences(readTree(sandbox.venv), before)).toEqual([]);
});

test('an installation over files of nobody puts them back when it fails', () => {
  sandbox.resetEnvironment();
  const purelib = sandbox.run([
    sandbox.python,
    '-c',
    'import sysconfig; print(sysconfig.get_path("purelib"), end="")',
  ]).stdout;
  mkdirSync(join(purelib, 'many', 'a', 'p1'), { recursive: true });
  writeFileSync(join(purelib, 'many', 'a', 'p1', 'd1.txt'), 'older');
  mkdirSync(join(purelib, 'many', 'empty'));
  const before = readTree(sandbox.venv);
  const failed = sandbox.accel(['install', 'many-a', 'many-clash'], { environment: options() });
  expect(failed.exitCode).not.toBe(0);
  expect(differences(readTree(sandbox.venv), before)).toEqual([]);

  expect(sandbox.accel(['install', 'many-a'], { environment: options() }).exitCode).toBe(0);
  expect(readTree(sandbox.venv)).not.toEqual(before);
  expect(sandbox.accel(['uninstall', '-y', 'many-a']).exitCode).toBe(0);
});
