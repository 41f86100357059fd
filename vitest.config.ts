import { defineConfig } from 'vitest/config';

/** The hermetic suites: no network, nothing but Node, Python 3 with venv and a C compiler. */
export default defineConfig({
  test: {
    include: ['test/{unit,build,install,cli}/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
