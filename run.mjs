// Runs a TypeScript file of this repository, which Node 20 cannot: node run.mjs bench/demo.ts [ARGUMENT]...
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [, , file] = process.argv;
// Within the repository, so that packages are found.
const outfile = join(import.meta.dirname, '.tmp', 'run', file.replace(/\.ts$/, '.mjs'));
await build({
  entryPoints: [file],
  outfile,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  define: { 'import.meta.dirname': JSON.stringify(join(import.meta.dirname, dirname(file))) },
  loader: { '.py': 'text' },
  logLevel: 'warning',
});
await import(pathToFileURL(outfile).href);
