import { expect, test } from 'vitest';
import { hintOf } from '../../src/obtain/cold/build/hints.ts';

test.each([
  ["ModuleNotFoundError: No module named 'distutils'", /has no distutils any more/],
  ["ModuleNotFoundError: No module named 'pkg_resources'", /setuptools<82/],
  ['error in anyjson setup command: use_2to3 is invalid.', /setuptools<58/],
  ["packaging.version.InvalidVersion: Invalid version: '0.1-beta.x'", /0\.1-beta\.x is none/],
  ["AttributeError: module 'pkgutil' has no attribute 'ImpImporter'", /Python 3\.12 removed/],
  [
    "AttributeError: module 'configparser' has no attribute 'SafeConfigParser'. Did you mean: 'RawConfigParser'?",
    /3\.12 removed/,
  ],
  ['src/a.c:196:12: fatal error: longintrepr.h: No such file or directory', /Cython that is older/],
  [
    'error: ‘PyLongObject’ {aka ‘struct _longobject’} has no member named ‘ob_digit’',
    /Cython that is older/,
  ],
  [
    "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?",
    /written for Python 2/,
  ],
  [
    'RuntimeError: Cannot install on Python version 3.12.1; only versions >=3.6,<3.10 are supported.',
    /refuses Python 3\.12/,
  ],
  ['RuntimeError: Python version >= 3.9 required.', /refuses Python 3\.12/],
  ['c++: fatal error: Killed signal terminated program cc1plus', /want of memory/],
  ['OSError: [Errno 28] No space left on device', /disk is full/],
  [
    "Traceback (most recent call last):\nModuleNotFoundError: No module named 'numpy'",
    /needs the module numpy/,
  ],
])('%s', (output, hint) => {
  expect(hintOf(output, '3.12')).toMatch(hint);
});

test('nothing is made up of a failure that is not known', () => {
  expect(hintOf('src/a.c:1:2: error: #error "no"\nerror: command \'gcc\' failed', '3.12')).toBe(
    undefined,
  );
});
