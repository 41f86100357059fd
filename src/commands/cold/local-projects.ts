import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasErrno } from '../../core/errors.ts';
import type { Decided, DistributionMetadata } from '../../core/types.ts';
import { openZip, ZipFault } from '../../obtain/cold/zip.ts';
import { isSatisfied } from '../../plan/cold/satisfied.ts';
import { readStaticProject } from '../../plan/cold/static-project.ts';
import { readMetadata } from '../../plan/installed.ts';
import { localPath } from '../../plan/request/local.ts';
import { holds } from '../../plan/request/request.ts';
import type { DirectEntry, NamedEntry } from '../../plan/requirements/entries.ts';
import { parseMetadata } from '../../python/metadata.ts';
import { normalizeName } from '../../python/names.ts';
import { parseRequirement } from '../../python/pep508.ts';
import type { InstallJob } from '../job.ts';

/**
 * True where pip would install nothing but what lies on this machine, which it has to do itself:
 * to ask it first what it would do would double its work. What is known of a project may be out
 * of date, which does no harm: pip decides again.
 */
export async function isForPipAlone(job: InstallJob): Promise<boolean> {
  const { interpreter } = job.context;
  const entries = job.request.entries.filter((entry) => holds(entry, interpreter.markers));
  const direct = entries.filter((entry) => entry.kind === 'direct');
  const all = entries.filter((entry) => entry.kind === 'named').map(wantedOf);
  const wanted = all.filter(({ constraint }) => !constraint);
  if (direct.length === 0 || isInstalledAnew(job, wanted.length > 0)) return false;
  const known = await Promise.all(direct.map(async (entry) => await knownMetadata(entry, job)));
  const projects = known.filter((metadata) => metadata !== null);
  if (projects.length < direct.length) return false;
  const roots = projects.map(({ name }, index) => ({
    name,
    extras: direct[index]?.extras ?? [],
    specifiers: [],
  }));
  return isSatisfied({
    wanted: [...roots, ...wanted],
    constraints: all.filter(({ constraint }) => constraint),
    projects: new Map(projects.map((metadata) => [normalizeName(metadata.name), metadata])),
    installed: job.installed,
    markers: interpreter.markers,
  });
}

function wantedOf({ requirement, origin: { constraint } }: NamedEntry) {
  return { ...requirement, constraint };
}

/** True where also what is there already may be replaced. */
function isInstalledAnew({ options }: InstallJob, hasNamed: boolean): boolean {
  const isUpgraded = hasNamed || options.value('upgrade-strategy') === 'eager';
  return (
    ['force-reinstall', 'ignore-installed', 'only-deps'].some((name) => options.flag(name)) ||
    (options.flag('upgrade') && isUpgraded)
  );
}

/** By its own files, or by what was made of it the last time. */
async function knownMetadata(
  entry: DirectEntry,
  { installed }: InstallJob,
): Promise<DistributionMetadata | null> {
  const path = localPath(entry);
  if (path === null) return null;
  if (path.endsWith('.whl')) return wheelMetadata(path);
  const project = await readStaticProject(path);
  if (project) return project;
  const last = [...installed.values()].find(
    (distribution) => cameFrom(distribution.metadataPath) === path,
  );
  return last ? readMetadata(last.metadataPath) : null;
}

function wheelMetadata(path: string): DistributionMetadata | null {
  try {
    const wheel = openZip(path);
    try {
      const entry = wheel.entries.find(({ name }) => /^[^/]+\.dist-info\/METADATA$/.test(name));
      return entry ? parseMetadata(wheel.read(entry).toString('utf8')) : null;
    } finally {
      wheel.close();
    }
  } catch (error) {
    if (error instanceof ZipFault || hasErrno(error, 'ENOENT', 'EACCES', 'EISDIR')) return null;
    throw error;
  }
}

/** The local path that a distribution was installed from (PEP 610); null for another, or none. */
function cameFrom(metadataPath: string): string | null {
  try {
    const text = readFileSync(join(metadataPath, 'direct_url.json'), 'utf8');
    const { url } = JSON.parse(text) as { readonly url?: string };
    return url?.startsWith('file:') ? fileURLToPath(url) : null;
  } catch {
    return null;
  }
}

/** True where every project of a decision will be the same as long as the request's key is. */
export async function areRepeatable(
  job: InstallJob,
  decided: readonly Decided[],
): Promise<boolean> {
  const entries = job.request.entries.filter((entry) => entry.kind === 'direct');
  const paths = new Set(entries.map(localPath));
  const isElsewhere = ({ direct, metadata }: Decided) =>
    direct !== null &&
    (!paths.has(placeOf(direct.location)) || metadata.requiresDist.some(namesPlace));
  if (decided.some(isElsewhere)) return false;
  const folders = decided.flatMap(({ direct }) =>
    direct?.location.startsWith('/') ? [direct.location] : [],
  );
  const projects = await Promise.all(folders.map(readStaticProject));
  return !projects.includes(null);
}

function placeOf(location: string): string {
  return location.startsWith('file:') ? fileURLToPath(location) : location;
}

function namesPlace(requirement: string): boolean {
  return parseRequirement(requirement)?.url !== null;
}
