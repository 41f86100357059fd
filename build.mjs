// Bundles src/main.ts into dist/: the entry chunk is the hot path, everything under cold/ becomes chunks of its own.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { dependencies, version } = JSON.parse(await readFile('package.json', 'utf8'));
await rm('dist', { recursive: true, force: true });
await mkdir('dist');
const result = await build({
  entryPoints: ['src/main.ts', 'src/install/link-worker.ts'],
  entryNames: '[name]',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  metafile: true,
  external: Object.keys(dependencies),
  define: { PIP_ACCEL_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
await writeFile('dist/meta.json', JSON.stringify(result.metafile));
await cp('src/python/scripts', 'dist/python', { recursive: true });
