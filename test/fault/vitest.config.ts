import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { pythonText } from '../../vitest.config.ts';

/**
 * The suites that kill, break and starve pip-accel on Linux: they need a C compiler, some also
 * root, strace, setpriv, or loop devices. One at a time, on a file system in memory where there is
 * one. `npm run test:fault` samples within minutes, `npm run test:fault:long` tries every point.
 */
export default defineConfig({
  plugins: [pythonText],
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    env: existsSync('/dev/shm') ? { TMPDIR: '/dev/shm' } : {},
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120 * 60_000,
    hookTimeout: 10 * 60_000,
    reporters: ['verbose'],
  },
});
