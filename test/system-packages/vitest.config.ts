import { defineConfig } from 'vitest/config';

/** Builds of real projects in systems of their own: minutes each, one at a time. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 20 * 60_000,
    hookTimeout: 20 * 60_000,
    reporters: ['verbose'],
  },
});
