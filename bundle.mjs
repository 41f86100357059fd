// What both builds share. A bundle is main.js, which has all that src/main.ts imports, chunks for
// what it reaches by import(), and thread.js, which threads start from.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { rolldown } from 'rolldown';

export const { dependencies, version } = JSON.parse(await readFile('package.json', 'utf8'));

const main = resolve('src/main.ts');
const thread = resolve('src/thread.ts');

/**
 * What is read as one file each, for each further one costs Bun a third of a millisecond and Node
 * more than a whole one: all that every start needs, all that takes a lock, all that changes an
 * environment, and all that threads need to put files in place. A module belongs to the first that
 * needs it.
 */
const filesOf = new Map([
  [thread, { thread: ['src/thread.ts'] }],
  [
    main,
    {
      main: ['src/main.ts'],
      lock: [
        'src/commands/cold/environment-lock.ts',
        'src/process/cold/libc-bun.ts',
        'src/process/cold/libc-node.ts',
      ],
      place: [
        'src/commands/cold/put-in-place.ts',
        'src/commands/cold/interruption.ts',
        'src/process/cold/relative-calls-bun.ts',
      ],
    },
  ],
]);

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
      codeSplitting: { groups: groupsOf(input), includeDependenciesRecursively: false },
    });
    chunks.push(...written);
  }
  return chunks;
}

function groupsOf(input) {
  return Object.entries(filesOf.get(input)).map(([name, roots]) => {
    const paths = roots.map((root) => resolve(root));
    return {
      debugName: name,
      name: (module, context) =>
        paths.some((path) => importedBy(path, context).has(module)) ? name : null,
    };
  });
}

function importedBy(module, context, found = new Set()) {
  if (found.has(module)) return found;
  found.add(module);
  for (const imported of context.getModuleInfo(module)?.importedIds ?? []) {
    importedBy(imported, context, found);
  }
  return found;
}
