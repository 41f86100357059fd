import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { hasErrno, PipAccelError } from '../../../core/errors.ts';
import siteScript from '../../../python/scripts/build_site.py';
import { isStoreTrouble } from '../../../store/trouble.ts';
import { buildFailure, type Workbench } from './workbench.ts';

/**
 * A build's own set of distributions: what pip's `build_env.py` makes. Two prefixes, `overlay`
 * for what the project names and `normal` for what its backend asks for, before the standard
 * library's; the interpreter's site-packages are out of sight.
 */
export interface IsolatedEnvironment {
  readonly overlay: string;
  readonly normal: string;
  readonly variables: Readonly<Record<string, string>>;
}

export async function createEnvironment(
  bench: Workbench,
  folder: string,
): Promise<IsolatedEnvironment> {
  const site = join(folder, 'site');
  const [overlay, normal] = [join(folder, 'overlay'), join(folder, 'normal')];
  for (const path of [site, overlay, normal]) await mkdir(path, { recursive: true });
  await writeFile(join(site, 'sitecustomize.py'), siteScript);
  // Debian's own Pythons put scripts into local/bin of a prefix.
  const folders = [overlay, normal].flatMap((prefix) => [
    join(prefix, 'bin'),
    join(prefix, 'local', 'bin'),
  ]);
  const path = bench.environment['PATH'];
  return {
    overlay,
    normal,
    variables: {
      ...bench.environment,
      PATH: [...folders, ...(path ? [path] : [])].join(delimiter),
      PYTHONNOUSERSITE: '1',
      PYTHONPATH: site,
    },
  };
}

/** Puts build requirements, and theirs, into one of the prefixes. */
export async function fill(
  bench: Workbench,
  requirements: readonly string[],
  prefix: string,
): Promise<void> {
  if (requirements.length === 0) return;
  await bench.log.write(`\n$ install ${requirements.join(' ')}\n`);
  try {
    await bench.context.fillEnvironment(requirements, prefix);
  } catch (error) {
    bench.context.signal?.throwIfAborted();
    if (isStoreTrouble(error, bench.context.store)) throw error;
    if (error instanceof PipAccelError && error.code === 'install-failed') {
      // The prefix lies in the data directory; nothing was said of the requirements.
      throw new PipAccelError('store-unusable', error.message, { cause: error });
    }
    const message = error instanceof Error ? error.message : String(error);
    await bench.log.write(`${message}\n`);
    throw await buildFailure(
      bench,
      `its build requirements cannot be installed (${requirements.join(', ')})`,
      error,
    );
  }
}

/** A distribution that lies in a prefix, as its metadata folder names it. */
export interface Present {
  readonly name: string;
  readonly version: string;
}

/** What the prefixes hold, by the names of the metadata folders in them. */
export async function distributionsIn(prefixes: readonly string[]): Promise<Present[]> {
  const present: Present[] = [];
  for (const prefix of prefixes) {
    for (const folder of await libraryFolders(prefix)) {
      for (const entry of await readdir(folder)) {
        const match = /^(?<name>.+?)-(?<version>[^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info$/.exec(
          entry,
        );
        if (match?.groups) {
          present.push({
            name: match.groups['name'] ?? '',
            version: match.groups['version'] ?? '',
          });
        }
      }
    }
  }
  return present;
}

/** `name==version` of each, sorted, as a manifest lists them. */
export function describeRequirements(present: readonly Present[]): string[] {
  return [...new Set(present.map(({ name, version }) => `${name}==${version}`))].sort();
}

/** Every folder of that name in a prefix, whatever the scheme: `lib/python3.11/site-packages`, `local/lib/…/dist-packages`. */
export async function libraryFolders(prefix: string, depth = 0): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdirOrNone(prefix)) {
    if (!entry.isDirectory() || entry.name === 'bin') continue;
    const path = join(prefix, entry.name);
    if (entry.name === 'site-packages' || entry.name === 'dist-packages') found.push(path);
    else if (depth < 3) found.push(...(await libraryFolders(path, depth + 1)));
  }
  return found;
}

async function readdirOrNone(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
