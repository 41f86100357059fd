import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type InstallRequest, isRemote } from './request.ts';

/** Options of the files that say where archives come from: name without dashes, value. */
export function fileOptions(
  request: InstallRequest,
): readonly { name: string; value: string | null }[] {
  return request.entries.flatMap((entry) =>
    entry.kind === 'options'
      ? entry.options.map(({ name, value }) => ({
          name: name.replace(/^--/, ''),
          value: name === '--find-links' ? besideFile(value, entry.origin.file) : value,
        }))
      : [],
  );
}

/** True where the line or pip's configuration has an option; one that is configured off counts too. */
export function mentionsOption({ parsed, configuration }: InstallRequest, name: string): boolean {
  return configuration.has(name) || parsed.options.some(({ option }) => option.name === name);
}

/** Where a file names a folder that lies beside it, that is the one. */
function besideFile(value: string | null, file: string | null): string | null {
  if (value === null || file === null || isRemote(file)) return value;
  const path = resolve(dirname(resolve(file)), value);
  return existsSync(path) ? path : value;
}
