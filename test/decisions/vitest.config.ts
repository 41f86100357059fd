import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { pythonText } from '../../vitest.config.ts';

/** Decisions of pip-accel held against pip's own, by indexes on loopback; minutes long, for each case is five installations. */
export default defineConfig({
  plugins: [pythonText],
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: 'environment.ts',
    env: existsSync('/dev/shm') ? { TMPDIR: '/dev/shm' } : {},
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['verbose'],
  },
});
