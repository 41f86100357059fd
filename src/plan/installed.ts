import { join, resolve } from 'node:path';
import { listAsFound, listFolder, readOptional } from '../core/if-there.ts';
import { journalPrefix } from '../core/journal-name.ts';
import type {
  DistributionMetadata,
  InstalledDistribution,
  Interpreter,
  NormalizedName,
  Version,
} from '../core/types.ts';
import { parseMetadata } from '../python/metadata.ts';
import { normalizeName } from '../python/names.ts';

/** What is installed, and where that was read. */
export interface Survey {
  readonly distributions: readonly InstalledDistribution[];
  /**
   * The folders of `sys.path`, existing or not, the `.pth` files that add to it, and the metadata
   * of what came from a path or a URL, which may be written anew in place.
   */
  readonly watched: ReadonlySet<string>;
  /** Somebody is changing the environment, or was killed while changing it. */
  readonly isInMotion: boolean;
}

/** The distributions that pip sees in an environment. */
export function readInstalled(interpreter: Interpreter): readonly InstalledDistribution[] {
  return surveyInstalled(interpreter).distributions;
}

/**
 * The distributions that pip sees in an environment, the first of a name on `sys.path` only
 * (`metadata/importlib/_envs.py`, `pkg_resources.WorkingSet`). Names and versions come from
 * the names of their folders where these tell both; metadata is read where they do not.
 */
export function surveyInstalled(interpreter: Interpreter): Survey {
  const found = new Map<string, InstalledDistribution>();
  const watched = new Set<string>();
  let isInMotion = false;
  const add = (distribution: InstalledDistribution | null): void => {
    if (!distribution || found.has(distribution.key)) return;
    found.set(distribution.key, distribution);
    if (distribution.direct && distribution.form === 'dist-info') {
      for (const name of directFiles) watched.add(join(distribution.metadataPath, name));
    }
  };
  for (const location of searchPath(interpreter.sitePackages, watched)) {
    watched.add(location);
    const names = listAsFound(location);
    isInMotion ||= names.some((name) => name.startsWith(journalPrefix));
    for (const name of names) add(readEntry(location, name));
    for (const name of names.filter((candidate) => candidate.endsWith('.egg-link'))) {
      readLinked(location, name).forEach(add);
    }
  }
  return { distributions: [...found.values()], watched, isInMotion };
}

/** Files of a distribution that came from a path or a URL which a request may depend on. */
export const directFiles = ['METADATA', 'direct_url.json'];

/** By name; of several the first, as `readInstalled` finds them. */
export function firstByName(
  distributions: readonly InstalledDistribution[],
): ReadonlyMap<NormalizedName, InstalledDistribution> {
  const byName = new Map<NormalizedName, InstalledDistribution>();
  for (const distribution of distributions) {
    if (!byName.has(distribution.key)) byName.set(distribution.key, distribution);
  }
  return byName;
}

/** The metadata of an installed distribution: a `.dist-info` or `.egg-info` folder, or a PKG-INFO file. */
export function readMetadata(metadataPath: string): DistributionMetadata {
  for (const name of ['METADATA', 'PKG-INFO', 'EGG-INFO/PKG-INFO']) {
    const text = readOptional(join(metadataPath, name));
    if (text !== null) return parseMetadata(text);
  }
  return parseMetadata(readOptional(metadataPath) ?? '');
}

/** `sys.path` with what its `.pth` files add today (`site.addpackage`). */
function searchPath(sitePackages: readonly string[], watched: Set<string>): Set<string> {
  const folders = new Set<string>();
  for (const folder of sitePackages) {
    folders.add(folder);
    for (const name of listFolder(folder)) {
      if (!name.endsWith('.pth') || name.startsWith('.')) continue;
      watched.add(join(folder, name));
      for (const line of readOptional(join(folder, name))?.split(/\r?\n/) ?? []) {
        if (line.trim() === '' || /^(#|import[ \t])/.test(line)) continue;
        folders.add(resolve(folder, line.trimEnd()));
      }
    }
  }
  return folders;
}

function readEntry(location: string, name: string): InstalledDistribution | null {
  const metadataPath = join(location, name);
  if (name.endsWith('.dist-info')) {
    const identity = splitStem(name.slice(0, -'.dist-info'.length));
    if (!identity) return null;
    return describe({ ...identity, location, metadataPath }, 'dist-info');
  }
  if (name.endsWith('.egg-info')) return readEggInfo(location, name, 'egg-info');
  if (name.endsWith('.egg')) return readEgg(metadataPath, name);
  // The folder of an egg that a `.pth` file put on the path.
  if (name === 'EGG-INFO' && location.endsWith('.egg')) return readEgg(location, location);
  return null;
}

/** `name-version`, for pip ignores what has no name (`~name` is left by a broken uninstall). */
function splitStem(stem: string): { name: string; version: Version } | null {
  const at = stem.indexOf('-');
  if (at < 1 || stem.startsWith('~')) return null;
  return { name: stem.slice(0, at), version: stem.slice(at + 1) as Version };
}

/** A folder, or with distutils a file; its name may lack the version, and hold the Python's. */
function readEggInfo(
  location: string,
  fileName: string,
  form: 'egg-info' | 'egg-link',
): InstalledDistribution | null {
  const metadataPath = join(location, fileName);
  const stem = fileName.slice(0, -'.egg-info'.length).replace(/-py\d+(\.\d+)*(-.*)?$/, '');
  const identity = splitStem(stem) ?? readMetadata(metadataPath);
  const { name, version } = identity;
  if (name === '') return null;
  return describe({ name, version, location, metadataPath }, form);
}

function readEgg(path: string, name: string): InstalledDistribution | null {
  const stem = name.slice(name.lastIndexOf('/') + 1, -'.egg'.length);
  const identity = splitStem(stem.replace(/-py\d+(\.\d+)*(-.*)?$/, ''));
  return identity && describe({ ...identity, location: path, metadataPath: path }, 'egg');
}

/** `setup.py develop` leaves a file that leads to the folder of the project. */
function readLinked(location: string, linkName: string): InstalledDistribution[] {
  const metadataPath = join(location, linkName);
  const lines = readOptional(metadataPath)?.split(/\r?\n/) ?? [];
  const target = lines.find((line) => line.trim() !== '')?.trim();
  if (target === undefined) return [];
  const project = resolve(location, target);
  return listFolder(project)
    .filter((name) => name.endsWith('.egg-info'))
    .flatMap((name) => readEggInfo(project, name, 'egg-link') ?? [])
    .map((distribution) => ({ ...distribution, location: project, metadataPath }));
}

function describe(
  identity: { name: string; version: Version; location: string; metadataPath: string },
  form: InstalledDistribution['form'],
): InstalledDistribution {
  const origin = form === 'dist-info' ? directUrl(identity.metadataPath) : null;
  const editable = form === 'egg-link' || (origin !== null && /"editable"\s*:\s*true/.test(origin));
  const direct = form === 'egg-link' || origin !== null;
  return { ...identity, key: normalizeName(identity.name), form, editable, direct };
}

/** PEP 610, and PEP 660 for what is editable. */
function directUrl(metadataPath: string): string | null {
  return readOptional(join(metadataPath, 'direct_url.json'));
}
