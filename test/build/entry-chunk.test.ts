import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/**
 * What every start reads and compiles, a tenth of a millisecond for each 3 kB on Node 20. What a
 * line needs only when there is something to do is reached by import(), and so is every package.
 */
const everyStart = [
  'src/cli/argv.ts',
  'src/cli/pip-options.ts',
  'src/cli/usage.ts',
  'src/commands/become-pip.ts',
  'src/commands/change-environment.ts',
  'src/commands/context.ts',
  'src/commands/decide.ts',
  'src/commands/hand-over.ts',
  'src/commands/install.ts',
  'src/commands/open-job.ts',
  'src/commands/readable-line.ts',
  'src/commands/root-warning.ts',
  'src/commands/sound-images.ts',
  'src/config/ini.ts',
  'src/config/load.ts',
  'src/config/options.ts',
  'src/config/pip-config.ts',
  'src/core/errors.ts',
  'src/core/file-url.ts',
  'src/core/if-there.ts',
  'src/core/journal-name.ts',
  'src/core/sha256.ts',
  'src/main.ts',
  'src/plan/decisions.ts',
  'src/plan/installed-state.ts',
  'src/plan/installed.ts',
  'src/plan/request/build-options.ts',
  'src/plan/request/find-links.ts',
  'src/plan/request/hashes.ts',
  'src/plan/request/key.ts',
  'src/plan/request/local.ts',
  'src/plan/request/only-pip.ts',
  'src/plan/request/options.ts',
  'src/plan/request/request.ts',
  'src/plan/requirements/entries.ts',
  'src/plan/requirements/file.ts',
  'src/plan/requirements/options.ts',
  'src/plan/requirements/text.ts',
  'src/plan/requirements/word.ts',
  'src/process/descriptors.ts',
  'src/process/libc.ts',
  'src/process/replace.ts',
  'src/process/umask.ts',
  'src/python/interpreter.ts',
  'src/python/metadata.ts',
  'src/python/names.ts',
  'src/python/pep440.ts',
  'src/python/pep508.ts',
  'src/python/pip.ts',
  'src/python/text.ts',
  'src/report/install-lines.ts',
  'src/report/log-file.ts',
  'src/report/open.ts',
  'src/report/text.ts',
  'src/store/binaries.ts',
  'src/store/check-due.ts',
  'src/store/find-image.ts',
  'src/store/images.ts',
  'src/store/key.ts',
  'src/store/layout.ts',
  'src/store/leftovers.ts',
  'src/store/sources.ts',
  'src/store/trouble.ts',
  'src/store/trust.ts',
];

/** Others take 1 ms (streams, node:fs/promises) to 4 ms (node:child_process) to load. */
const everyStartOfNode = ['node:fs', 'node:os', 'node:path'];

interface Chunk {
  readonly file: string;
  readonly bytes: number;
  readonly imports: readonly string[];
  readonly modules: readonly string[];
}

const contents = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../dist/contents.json', import.meta.url)), 'utf8'),
) as readonly Chunk[];

test('a start reads one file, which holds what every start needs and nothing else', () => {
  const entry = contents.find(({ file }) => file === 'main.js');
  expect(entry?.modules.toSorted()).toEqual(everyStart);
  expect(entry?.imports.toSorted()).toEqual(everyStartOfNode);
  expect(entry?.bytes).toBeLessThan(170_000);
});

test('a thread starts from one small file', () => {
  const thread = contents.find(({ file }) => file === 'thread.js');
  expect(thread?.imports.filter((name) => !name.startsWith('node:'))).toEqual([]);
  expect(thread?.bytes).toBeLessThan(12_000);
});
