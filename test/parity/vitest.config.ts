import { defineConfig } from 'vitest/config';

/**
 * The suites that compare pip-accel with pip on real environments: minutes long, one at a time,
 * because they share the machine's cores and the path at which environments are made.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    hookTimeout: 30 * 60_000,
    reporters: ['verbose'],
  },
});
