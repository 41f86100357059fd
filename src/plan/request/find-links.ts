import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { pathOfFileUrl } from '../../core/file-url.ts';
import { isTrue } from '../../config/pip-config.ts';
import { fileOptions } from './options.ts';
import type { InstallRequest } from './request.ts';

/** What tells that a `--find-links` has other archives than before: a local folder is an index whose every change is seen. */
export function findLinksState(request: InstallRequest): readonly string[] {
  return findLinks(request).map(folderState);
}

/** True where all archives are in local folders, whose every change makes another request. */
export function restsOnFolders(request: InstallRequest): boolean {
  const { parsed, configuration } = request;
  const isWithoutIndex =
    parsed.options.some(({ option }) => option.name === 'no-index') ||
    isTrue(configuration.get('no-index') ?? '') ||
    fileOptions(request).some(({ name }) => name === 'no-index');
  return isWithoutIndex && findLinks(request).every((location) => localPlace(location) !== null);
}

function findLinks(request: InstallRequest): readonly string[] {
  return [
    ...(request.configuration.get('find-links')?.split(/\s+/) ?? []),
    ...request.parsed.options.flatMap(({ option, value }) =>
      option.name === 'find-links' ? [value] : [],
    ),
    ...fileOptions(request).flatMap(({ name, value }) =>
      name === 'find-links' && value ? [value] : [],
    ),
  ];
}

function folderState(location: string): string {
  const place = localPlace(location);
  if (place === null) return location;
  try {
    if (statSync(place).isFile()) return fileState(place);
    const files = readdirSync(place).sort();
    return [place, ...files.map((name) => fileState(resolve(place, name)))].join('\n');
  } catch {
    return `${place} absent`;
  }
}

function fileState(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false });
  return status ? `${path} ${status.size} ${status.mtimeMs}` : `${path} absent`;
}

/** The path that pip takes a `--find-links` for; null for a URL, and for what is not looked up here (`~name`). */
function localPlace(location: string): string | null {
  if (/^file:/i.test(location)) return pathOfFileUrl(location);
  if (/^[a-z][a-z0-9+.-]*:/i.test(location) || /^~[^/]/.test(location)) return null;
  const atHome = location.startsWith('~') ? homedir() + location.slice(1) : null;
  return atHome !== null && existsSync(atHome) ? atHome : resolve(location);
}
