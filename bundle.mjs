// What both builds share. A bundle is main.js, which has all that src/main.ts imports, chunks for
// what it reaches by import(), and thread.js, which threads start from.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { rolldown } from 'rolldown';

export const { dependencies, version } = JSON.parse(await readFile('package.json', 'utf8'));

const main = resolve('src/main.ts');
const thread = resolve('src/thread.ts');

/**
 * @param folder where to put it.
 * @param output of Rolldown.
 * @param options `external` packages, `define`d expressions.
 * @returns Rolldown's chunks.
 */
export async function bundle(folder, output, { external, define }) {
  const chunks = [];
  for (const input of [main, thread]) {
    const build = await rolldown({
      input,
      platform: 'node',
      external: [/^(node|bun):/, ...external],
      moduleTypes: { '.py': 'text' },
      transform: {
        target: 'node20',
        define: { PIP_ACCEL_VERSION: JSON.stringify(version), ...define },
      },
      preserveEntrySignatures: 'allow-extension',
    });
    const names = { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' };
    const { output: written } = await build.write({
      dir: folder,
      ...names,
      ...output,
      // A fifth of the file that every start reads; licences stay.
      comments: { jsdoc: false },
      codeSplitting: { groups: [inOneFile], includeDependenciesRecursively: false },
    });
    chunks.push(...written);
  }
  return chunks;
}

/** All that is needed at every start: each further file would cost more than a millisecond. */
const inOneFile = {
  debugName: 'main',
  name: (module, context) => (importedBy(main, context).has(module) ? 'main' : null),
};

function importedBy(module, context, found = new Set()) {
  if (found.has(module)) return found;
  found.add(module);
  for (const imported of context.getModuleInfo(module)?.importedIds ?? []) {
    importedBy(imported, context, found);
  }
  return found;
}
