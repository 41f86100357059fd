// Makes dist/, which bin/pip-accel runs with Node.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { bundle, dependencies } from './bundle.mjs';

await rm('dist', { recursive: true, force: true });
await mkdir('dist');
const { metafile } = await bundle({
  outdir: 'dist',
  target: 'node20',
  external: Object.keys(dependencies),
});
await writeFile('dist/meta.json', JSON.stringify(metafile));
