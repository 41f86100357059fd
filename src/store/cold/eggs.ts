import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import type { Interpreter } from '../../core/types.ts';
import { parseMetadata } from '../../python/metadata.ts';
import { formatRequirement, evaluateMarker, parseRequirement } from '../../python/pep508.ts';
import type { Image } from '../images.ts';
import type { Store } from '../layout.ts';
import { distrust } from '../trust.ts';
import { publishFolder } from './publish.ts';

/**
 * Where setuptools finds what setup_requires names, if this is on its path: an egg for each, which
 * it takes in place of fetching one into the project's `.eggs`. Nothing in it can be imported before.
 *
 * @returns null where there is none yet, or none that may be believed.
 */
export function eggFolder(store: Store, interpreter: Interpreter): string | null {
  const folder = folderOf(store, interpreter);
  return existsSync(folder) && distrust(store, [folder]) === null ? folder : null;
}

function folderOf({ eggs }: Store, { abi, platform }: Interpreter): string {
  return join(eggs, `${abi}-${platform.replace(/[-.]/g, '_')}`);
}

/** Keeps the egg of an image, for all projects and environments of a Python's ABI. */
export async function publishEgg(
  store: Store,
  image: Image,
  interpreter: Interpreter,
): Promise<void> {
  const { name, version, distInfo, root, trees } = image.manifest;
  const python = `py${interpreter.versionInfo.join('.')}`;
  // `-` stands between the parts of an egg's name (`pkg_resources.to_filename`).
  const parts = [name, version].map((part) => part.replace(/[^A-Za-z0-9.]+/g, '_'));
  const target = join(folderOf(store, interpreter), `${[...parts, python].join('-')}.egg`);
  if (existsSync(target)) return;
  const information = join(image.path, root, distInfo);
  await publishFolder(store, target, async (egg) => {
    for (const { scheme } of trees) {
      if (scheme !== 'purelib' && scheme !== 'platlib') continue;
      const filter = (source: string) => source !== information;
      await cp(join(image.path, scheme), egg, { recursive: true, filter });
    }
    const about = join(egg, 'EGG-INFO');
    await mkdir(about);
    const metadata = await readFile(join(information, 'METADATA'), 'utf8');
    await writeFile(join(about, 'PKG-INFO'), metadata);
    await writeFile(join(about, 'requires.txt'), requirementsOf(metadata, interpreter));
    await copyIfThere(join(information, 'entry_points.txt'), join(about, 'entry_points.txt'));
  });
}

/** An old setuptools knows no markers; extras are not for builds. */
function requirementsOf(metadata: string, { markers }: Interpreter): string {
  const lines = parseMetadata(metadata).requiresDist.flatMap((line) => {
    const requirement = parseRequirement(line);
    if (!requirement) return [];
    const { marker } = requirement;
    if (marker && !evaluateMarker(marker, markers, '')) return [];
    return [`${formatRequirement({ ...requirement, marker: null })}\n`];
  });
  return lines.join('');
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await cp(from, to);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}
