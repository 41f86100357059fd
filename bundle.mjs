// What both builds share: src/main.ts becomes the hot path, everything under cold/ chunks of its own; threads that link start from a file beside them.
import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';

export const { dependencies, version } = JSON.parse(await readFile('package.json', 'utf8'));

/**
 * @param options of esbuild, more or other than these.
 * @param bun the version of Bun that the bundle is for; undefined for Node.
 */
export async function bundle(options, bun) {
  return await build({
    entryPoints: ['src/main.ts', 'src/install/link-worker.ts'],
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    metafile: true,
    loader: { '.py': 'text' },
    logLevel: 'warning',
    ...options,
    define: {
      PIP_ACCEL_VERSION: JSON.stringify(version),
      'process.versions.bun': JSON.stringify(bun) ?? 'undefined',
    },
  });
}
