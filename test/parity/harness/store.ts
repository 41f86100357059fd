import path from 'node:path';
import { snapshot } from './tree.ts';

/** The files of the parts of a store in which a download or a build leaves something. */
export async function archivesAndLogs(store: string): Promise<readonly string[]> {
  return filesUnder(store, ['sources', 'binaries', 'logs']);
}

/** The cached builds, as paths relative to the store. */
export async function binaries(store: string): Promise<readonly string[]> {
  return (await filesUnder(store, ['binaries'])).filter((name) => name.endsWith('.tar.gz'));
}

async function filesUnder(store: string, folders: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const tree = await snapshot(path.join(store, folder)).catch(nothingWhereAbsent);
    for (const [name, entry] of tree) if (entry.type === 'file') found.push(`${folder}/${name}`);
  }
  return found;
}

function nothingWhereAbsent(error: NodeJS.ErrnoException): Awaited<ReturnType<typeof snapshot>> {
  if (error.code === 'ENOENT') return new Map();
  throw error;
}
