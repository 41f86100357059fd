import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The path of one of our Python scripts: beside the bundle, or in the source tree. */
export function scriptPath(name: string): string {
  const bundled = fileURLToPath(new URL(`./python/${name}`, import.meta.url));
  return existsSync(bundled)
    ? bundled
    : fileURLToPath(new URL(`../scripts/${name}`, import.meta.url));
}

export async function readScript(name: string): Promise<string> {
  return await readFile(scriptPath(name), 'utf8');
}
