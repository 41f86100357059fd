import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { differences, readTree, requirementOf, Site } from './site.ts';

const site = new Site();
afterAll(() => site[Symbol.dispose]());
afterEach(() => void site.reset());

const shapes = site.wheels(/^(fx_wheel|fx_ns|fx_pkg|fx_dotted|FX_Odd)/i);
const owners = ['fx_own_a-1.0-py2.py3-none-any.whl', 'fx_own_b-1.0-py2.py3-none-any.whl'];

function pipInstall(wheels: readonly string[], ...words: string[]): void {
  site.pip('install', '-q', '--no-deps', ...words, ...wheels.map(requirementOf));
}

describe('the tree equals the one that pip makes', () => {
  test.each([
    ['with bytecode', true],
    ['without bytecode', false],
  ])('for every shape of wheel, %s', async (_how, compile) => {
    pipInstall(shapes, ...(compile ? [] : ['--no-compile']));
    const expected = site.reset();
    await site.install(shapes, { compile });
    expect(differences(readTree(site.venv), expected)).toEqual([]);
  });

  test.each(['copy', 'hardlink', 'clone'] as const)('with link-mode %s', async (linkMode) => {
    await site.install(shapes);
    const expected = site.reset();
    await site.install(shapes, { linkMode });
    expect(differences(readTree(site.venv), expected)).toEqual([]);
    expect(staleBytecode()).toBe('[]');
  });

  test('for distributions that nobody named', async () => {
    writeFileSync(join(site.root, 'needs.txt'), 'fx-circular-a==1.0\n');
    site.pip('install', '-q', '-r', join(site.root, 'needs.txt'));
    const expected = site.reset();
    await site.install(['fx_circular_b-1.0-py2.py3-none-any.whl'], { requested: false });
    await site.install(['fx_circular_a-1.0-py2.py3-none-any.whl']);
    expect(differences(readTree(site.venv), expected)).toEqual([]);
  });

  test('after an upgrade', async () => {
    const old = ['fx_many-1-py2.py3-none-any.whl', ...shapes];
    const upgraded = ['fx_many-4-py2.py3-none-any.whl', ...site.wheels(/^setuptools/)];
    pipInstall(old);
    pipInstall(upgraded, '--upgrade', '--force-reinstall');
    const expected = site.reset();
    await site.install(old);
    await site.install(upgraded);
    expect(differences(readTree(site.venv), expected)).toEqual([]);
  });

  test('after each distribution was reinstalled', async () => {
    pipInstall(shapes);
    pipInstall(shapes, '--force-reinstall');
    const expected = site.reset();
    await site.install(shapes);
    for (const wheel of shapes) await site.install([wheel]);
    expect(differences(readTree(site.venv), expected)).toEqual([]);
  });

  test('where two own a path: the later wins', async () => {
    for (const wheel of owners) pipInstall([wheel]);
    const expected = site.reset();
    await site.install(owners);
    expect(differences(readTree(site.venv), expected)).toEqual([]);
  });

  test("and pip's uninstall leaves the same", async () => {
    const names = shapes.map((wheel) => wheel.split('-')[0] ?? '');
    pipInstall(shapes);
    site.pip('uninstall', '-q', '-y', ...names);
    const expected = site.reset();
    await site.install(shapes);
    site.pip('uninstall', '-q', '-y', ...names);
    expect(differences(readTree(site.venv), expected)).toEqual([]);
  });
});

test('bytecode is valid for the linked sources, rewritten scripts included', async () => {
  await site.install(shapes);
  expect(staleBytecode()).toBe('[]');
});

test('the warning about PATH has the words of pip', async () => {
  const wheel = 'fx_wheel_entry_points-1.0-py2.py3-none-any.whl';
  const { warnings } = await site.install([wheel], { path: '/usr/bin' });
  // A virtual environment's own folder never gets a warning.
  expect(warnings).toEqual([]);
});

test('a failure puts everything back', async () => {
  await site.install(['fx_many-1-py2.py3-none-any.whl', 'fx_own_a-1.0-py2.py3-none-any.whl']);
  const { purelib } = (await site.interpreter()).scheme;
  execFileSync('mkdir', ['-p', join(purelib, 'fx_wheel.py', 'in the way')]);
  const before = readTree(site.venv);
  const wheels = ['fx_many-4-py2.py3-none-any.whl', 'fx_own_b-1.0-py2.py3-none-any.whl'];
  const attempt = site.install([...wheels, 'fx_wheel-1.0-py2.py3-none-any.whl']);
  await expect(attempt).rejects.toMatchObject({ code: 'install-failed' });
  expect(differences(readTree(site.venv), before)).toEqual([]);
});

/** Sources whose bytecode an import would not take. */
function staleBytecode(): string {
  const script = join(site.root, 'stale.py');
  writeFileSync(
    script,
    `import importlib.util, json, os, struct, sys
stale = []
for folder, folders, names in os.walk(sys.argv[1]):
    # What venv itself installed is not ours to judge.
    folders[:] = [name for name in folders if name not in ("pip", "setuptools", "pkg_resources")]
    for name in names:
        path = os.path.join(folder, name)
        if not name.endswith(".py"):
            continue
        cached = importlib.util.cache_from_source(path)
        if os.path.exists(cached):
            status = os.stat(path)
            with open(cached, "rb") as stream:
                header = stream.read(16)
            if struct.unpack("<II", header[8:]) != (int(status.st_mtime), status.st_size):
                stale.append(path)
print(json.dumps(stale))`,
  );
  const environment = { env: site.environment, encoding: 'utf8' as const };
  return execFileSync(join(site.venv, 'bin', 'python'), [script, site.venv], environment).trim();
}
