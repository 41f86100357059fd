import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { differences, readTree, Site } from './site.ts';

/** Wheels that share a path with another, in the ways in which that is easily missed. */
const makeWheels = `
import sys, zipfile
def wheel(name, files, pure="true"):
    info = name + "-1.0.dist-info/"
    files = dict(files)
    files[info + "METADATA"] = "Metadata-Version: 2.1\\nName: %s\\nVersion: 1.0\\n" % name
    files[info + "WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: %s\\nTag: py3-none-any\\n" % pure
    files[info + "RECORD"] = "".join("%s,,\\n" % path for path in [*files, info + "RECORD"])
    with zipfile.ZipFile(sys.argv[1] + "/%s-1.0-py3-none-any.whl" % name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
wheel("shared_a", {"shared_a-1.0.data/data/share/common.txt": "a", "shared_a-1.0.data/data/bin/tool": "a"})
wheel("shared_b", {"shared_b-1.0.data/data/share/common.txt": "b"})
wheel("pure_one", {"one.py": "pure = True\\n"})
wheel("plat_one", {"one.py": "plat = True\\n"}, pure="false")
`;

const site = new Site();
const index = join(site.fixtures, 'index');
const wheel = (name: string) => `${name}-1.0-py3-none-any.whl`;
beforeAll(() => {
  execFileSync('python3', ['-c', makeWheels, index]);
});
afterAll(() => site[Symbol.dispose]());
afterEach(() => void site.reset());

test.each([
  ['shared_b', 'shared_a'],
  ['shared_a', 'shared_b'],
])(
  'of %s and then %s the second has the path, also beside one in the folder of scripts',
  async (...names) => {
    for (const name of names) site.pip('install', '-q', join(index, wheel(name)));
    const expected = Object.entries(site.reset()).filter(([path]) => /^(bin|share)\//.test(path));
    await site.install(names.map(wheel));
    const tree = Object.entries(readTree(site.venv)).filter(([path]) =>
      /^(bin|share)\//.test(path),
    );
    expect(differences(Object.fromEntries(tree), Object.fromEntries(expected))).toEqual([]);
  },
);

test.each([
  ['pure_one', 'plat_one'],
  ['plat_one', 'pure_one'],
])('a path that %s and %s reach through different links is one path', async (...names) => {
  const { scheme } = await site.interpreter();
  const platlib = scheme.platlib.replace('/lib/', '/lib64/');
  writeFileSync(join(scheme.purelib, 'one.py'), 'nobody = True\n');
  await site.install(names.map(wheel), { scheme: { platlib } });
  const word = names[1]?.slice(0, 4);
  expect(readFileSync(join(scheme.purelib, 'one.py'), 'utf8')).toBe(`${word} = True\n`);
});
