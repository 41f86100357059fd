import { expect, test } from 'vitest';
import type { Interpreter, NormalizedName, Sha256, Version } from '../../src/core/types.ts';
import { binaryKey, binaryKeyInputs, type KeyRequest } from '../../src/store/key.ts';

const interpreter = {
  implementation: 'cpython',
  soabi: 'cpython-311-x86_64-linux-gnu',
  abi: 'cp311',
  platform: 'linux-x86_64',
  libc: { family: 'glibc', version: '2.36' },
} as Interpreter;
const request: KeyRequest = {
  key: 'pyyaml' as NormalizedName,
  version: '6.0.2' as Version,
  sdist: { sha256: 'a'.repeat(64) as Sha256 },
  interpreter,
  builder: 'auto',
};
const keyOf = (overrides: Partial<KeyRequest>, environment: Record<string, string> = {}) =>
  binaryKey(binaryKeyInputs({ ...request, ...overrides }, environment));

test('the name of a binary tells name, version and ABI', () => {
  expect(keyOf({})).toMatch(/^pyyaml:6\.0\.2:cp311-linux_x86_64:[0-9a-f]{16}$/);
});

test('a key does not change from one release of pip-accel to the next', () => {
  expect(keyOf({})).toBe('pyyaml:6.0.2:cp311-linux_x86_64:0ec799a9b50acdde');
});

test.each<[string, Partial<KeyRequest>, Record<string, string>]>([
  ['source', { sdist: { sha256: 'b'.repeat(64) as Sha256 } }, {}],
  [
    'ABI of another build',
    { interpreter: { ...interpreter, soabi: 'cpython-311d-x86_64-linux-gnu' } },
    {},
  ],
  [
    'kind of threads',
    { interpreter: { ...interpreter, soabi: 'cpython-311t-x86_64-linux-gnu', abi: 'cp311t' } },
    {},
  ],
  ['libc', { interpreter: { ...interpreter, libc: { family: 'musl', version: '1.2' } } }, {}],
  ['builder', { builder: 'pep517' }, {}],
  ['settings', { configSettings: { editable_mode: 'strict' } }, {}],
  ['build constraints', { buildConstraints: ['setuptools<70'] }, {}],
  ['salt', { salt: 'openssl 3' }, {}],
  ['compiler flags', {}, { CFLAGS: '-O3' }],
  ['pretended version', {}, { SETUPTOOLS_SCM_PRETEND_VERSION_FOR_X: '1' }],
])('another %s is another key', (_what, overrides, environment) => {
  expect(keyOf(overrides, environment)).not.toBe(keyOf({}));
});

test('paths, users and the order of settings are not in the key', () => {
  expect(keyOf({}, { HOME: '/home/a', PATH: '/bin', PIP_INDEX_URL: 'https://a' })).toBe(keyOf({}));
  expect(keyOf({ configSettings: { a: '1', b: '2' } })).toBe(
    keyOf({ configSettings: { b: '2', a: '1' } }),
  );
});
