import { defineConfig } from 'vitest/config';

/** What the builds do by a loader: the text of a Python script, where it is imported. */
export const pythonText = {
  name: 'python-text',
  transform: (code: string, id: string) =>
    id.endsWith('.py') ? `export default ${JSON.stringify(code)};` : null,
};

/** The hermetic suites: no network, nothing but Node, Python 3 with venv and a C compiler. */
export default defineConfig({
  plugins: [pythonText],
  test: {
    include: ['test/{unit,build,install,cli,gateway,hostile}/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
