// Bundles the fuzzers and runs them: node test/fuzz/run.mjs WORDS; what the words mean stands in main.ts.
// Unlike the other scripts' bundle this one has our own code in a file by itself, whose blocks are counted.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

// Within the repository, so that packages are found.
const folder = join(import.meta.dirname, '..', '..', '.tmp', 'fuzz', `bundle-${process.pid}`);
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
await build({
  input: join(import.meta.dirname, 'main.ts'),
  platform: 'node',
  external: /^(?!@oxc-project\/)[a-z@]/,
  moduleTypes: { '.py': 'text' },
  transform: { target: 'node20', define: { 'process.versions.bun': 'undefined' } },
  output: {
    dir: folder,
    format: 'esm',
    entryFileNames: 'main.mjs',
    chunkFileNames: '[name].mjs',
    codeSplitting: { groups: [{ name: 'src', test: /\/src\// }] },
  },
});
await import(pathToFileURL(join(folder, 'main.mjs')).href);
