// Makes dist/, which bin/pip-accel runs with Node.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { bundle, dependencies } from './bundle.mjs';

await rm('dist', { recursive: true, force: true });
await mkdir('dist');
const chunks = await bundle(
  'dist',
  // Node 20 starts it 5 ms sooner than modules.
  { format: 'cjs' },
  {
    // p-limit is a module, which require() of Node 20 cannot load.
    external: Object.keys(dependencies).filter((name) => name !== 'p-limit'),
    define: { 'process.versions.bun': 'undefined', 'import.meta.dirname': '__dirname' },
  },
);
await writeFile('dist/package.json', '{ "type": "commonjs" }\n');
const contents = chunks.map(({ fileName, code, imports, moduleIds }) => ({
  file: fileName,
  bytes: code.length,
  imports,
  modules: moduleIds.map((path) => relative('.', path)),
}));
await writeFile('dist/contents.json', JSON.stringify(contents));
