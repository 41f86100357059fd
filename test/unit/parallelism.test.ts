import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { parallelBuilds, sharedCores } from '../../src/obtain/cold/build/parallelism.ts';

const cores = availableParallelism();

test('a build that is alone gets all cores, one of many its share, each at least one', () => {
  expect(sharedCores({}, 1)).toEqual({
    MAKEFLAGS: `-j${cores}`,
    CMAKE_BUILD_PARALLEL_LEVEL: String(cores),
    CARGO_BUILD_JOBS: String(cores),
  });
  expect(sharedCores({}, cores)).toMatchObject({ CARGO_BUILD_JOBS: '1' });
  expect(sharedCores({}, 2 * cores)).toMatchObject({ MAKEFLAGS: '-j1' });
});

test('what the user has set stays, the empty text too', () => {
  const environment = { MAKEFLAGS: '', CARGO_BUILD_JOBS: '7' };
  expect(sharedCores(environment, 1)).toMatchObject(environment);
});

test('there are never more builds than cores, and always one', () => {
  expect(parallelBuilds()).toBeGreaterThan(0);
  expect(parallelBuilds()).toBeLessThanOrEqual(cores);
});
