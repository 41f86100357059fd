// Bundles src/main.ts into dist/: the entry chunk is the hot path, everything under cold/ becomes chunks of its own.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { dependencies, version } = JSON.parse(await readFile('package.json', 'utf8'));
await rm('dist', { recursive: true, force: true });
await mkdir('dist');
const result = await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  metafile: true,
  loader: { '.py': 'text' },
  external: Object.keys(dependencies),
  define: { PIP_ACCEL_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
await writeFile('dist/meta.json', JSON.stringify(result.metafile));
