import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Group } from './same-as-pip.ts';

/** A requirements file of the folder `pypi` as a group; what its `--no-binary` lines name is built. */
export function listed(name: string): Group {
  const file = path.join(import.meta.dirname, '../pypi', `${name}.txt`);
  const text = readFileSync(file, 'utf8');
  const built = [...text.matchAll(/^--no-binary (\S+)/gm)].map((match) => match[1] ?? '');
  return { title: `the ${name} of PyPI`, words: ['-r', file], built };
}
