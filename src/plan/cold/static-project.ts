import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { hasErrno } from '../../core/errors.ts';
import type { DistributionMetadata, Version } from '../../core/types.ts';
import { formatMarker, formatRequirement, parseRequirement } from '../../python/pep508.ts';

/** Of the fields of `[project]` those that a decision rests on. */
interface ProjectTable {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: readonly string[];
  readonly 'optional-dependencies'?: Readonly<Record<string, readonly string[]>>;
  readonly 'requires-python'?: string;
}

/**
 * The metadata of a project that says it all in its pyproject.toml (PEP 621), so that it is the
 * same for as long as its files are; null where something else can have a say: fields that are
 * dynamic, a backend of the project's own, what setup.py adds, requirements that lie elsewhere.
 */
export async function readStaticProject(folder: string): Promise<DistributionMetadata | null> {
  const tables = parseTables((await readIfPresent(join(folder, 'pyproject.toml'))) ?? '');
  const project = staticTable(tables['project']);
  const buildSystem = isTable(tables['build-system']) ? tables['build-system'] : {};
  if (project === null || 'backend-path' in buildSystem) return null;
  const canAdd = await canSetupAdd(folder, buildSystem['build-backend']);
  if (canAdd && optionalFields.some((name) => !(name in project))) return null;
  const requiresDist = requirementLines(project);
  if (requiresDist === null) return null;
  return {
    name: project.name,
    version: project.version as Version,
    requiresDist,
    requiresPython: project['requires-python'] ?? null,
    providesExtra: Object.keys(project['optional-dependencies'] ?? {}),
  };
}

function parseTables(text: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch {
    // The backend will say what is wrong with it.
    return {};
  }
}

const optionalFields = ['dependencies', 'optional-dependencies', 'requires-python'] as const;

function staticTable(table: unknown): ProjectTable | null {
  if (!isTable(table)) return null;
  const { dynamic = [], name, version } = table;
  const isStatic =
    isListOfStrings(dynamic) &&
    !['name', 'version', ...optionalFields].some((field) => dynamic.includes(field));
  if (!isStatic || typeof name !== 'string' || typeof version !== 'string') return null;
  const { dependencies = [], 'optional-dependencies': extras = {} } = table;
  const areLists = isTable(extras) && Object.values(extras).every(isListOfStrings);
  if (!areLists || !isListOfStrings(dependencies)) return null;
  if (!['string', 'undefined'].includes(typeof table['requires-python'])) return null;
  return table as unknown as ProjectTable;
}

/** Backends that have no use for a setup.py. */
const otherBackends = new Set([
  'flit_core.buildapi',
  'hatchling.build',
  'maturin',
  'mesonpy',
  'pdm.backend',
  'poetry.core.masonry.api',
  'scikit_build_core.build',
  'uv_build',
]);

/** True where setuptools could take what `[project]` leaves out from elsewhere, as it did before 69. */
async function canSetupAdd(folder: string, backend: unknown): Promise<boolean> {
  if (typeof backend === 'string' && otherBackends.has(backend)) return false;
  const script = (await readIfPresent(join(folder, 'setup.py'))) ?? '';
  const configuration = (await readIfPresent(join(folder, 'setup.cfg'))) ?? '';
  const plain = /^\s*((#.*|(import|from) setuptools( .*)?|(setuptools\.)?setup\(\)) *\s*)*$/;
  return !plain.test(script) || /^\[options/m.test(configuration);
}

/** As Requires-Dist has them; null where one cannot be read, or names a place of its own. */
function requirementLines(project: ProjectTable): readonly string[] | null {
  const extras = Object.entries(project['optional-dependencies'] ?? {});
  const lines = [
    ...(project.dependencies ?? []),
    ...extras.flatMap(([extra, texts]) => texts.map((text) => forExtra(text, extra))),
  ];
  const isReadable = (line: string) => parseRequirement(line)?.url === null;
  return lines.every(isReadable) ? lines : null;
}

function forExtra(text: string, extra: string): string {
  const requirement = parseRequirement(text);
  if (requirement === null) return text;
  const bare = formatRequirement({ ...requirement, marker: null });
  const condition = `extra == "${extra}"`;
  const { marker } = requirement;
  return `${bare} ; ${marker ? `(${formatMarker(marker)}) and ${condition}` : condition}`;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES')) return null;
    throw error;
  }
}
