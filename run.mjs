// Runs a TypeScript file of this repository, which Node 20 cannot: node run.mjs bench/demo.ts [ARGUMENT]...
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const [, , file] = process.argv;
// Within the repository, so that packages are found.
const outfile = join(import.meta.dirname, '.tmp', 'run', file.replace(/\.ts$/, '.mjs'));
await build({
  input: file,
  platform: 'node',
  // Rolldown has its helpers for new syntax, such as `using`, in itself.
  external: /^(?!@oxc-project\/)[a-z@]/,
  moduleTypes: { '.py': 'text' },
  transform: {
    target: 'node20',
    define: {
      'process.versions.bun': 'undefined',
      'import.meta.dirname': JSON.stringify(dirname(resolve(file))),
    },
  },
  output: { file: outfile, format: 'esm', codeSplitting: false },
});
await import(pathToFileURL(outfile).href);
