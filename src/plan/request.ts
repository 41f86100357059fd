import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ParsedArguments } from '../cli/argv.ts';
import type { Environment } from '../config/load.ts';
import { isTrue, type PipConfiguration } from '../config/pip-config.ts';
import type {
  Decided,
  InstalledDistribution,
  Interpreter,
  MarkerEnvironment,
  NormalizedName,
} from '../core/types.ts';
import { normalizeName } from '../python/names.ts';
import { atLeast } from '../python/pip.ts';
import { evaluateMarker, type Requirement } from '../python/pep508.ts';
import { dependencies } from './graph.ts';
import { readMetadata } from './installed.ts';
import {
  isPinned,
  type NamedEntry,
  type RequirementContext,
  type RequirementEntry,
} from './requirements/entries.ts';
import { readRequirementFile } from './requirements/file.ts';
import { parseRequirementWord } from './requirements/word.ts';

/** Everything that was asked for, files and what they include read. */
export interface InstallRequest {
  readonly entries: readonly RequirementEntry[];
  readonly parsed: ParsedArguments;
  readonly configuration: PipConfiguration;
}

/** Reads what the line and the configuration name, in pip's order (`cli/req_command.py`, `get_requirements`). */
export function readRequest(
  parsed: ParsedArguments,
  configuration: PipConfiguration,
  where: { readonly environment: Environment; readonly interpreter: Interpreter },
): InstallRequest {
  const context: RequirementContext = {
    directory: process.cwd(),
    environment: where.environment,
    pip: where.interpreter.pip?.version ?? '26.3',
    read: (location) => (isRemote(location) ? null : readFileSync(location)),
  };
  const valuesOf = (name: string) => [
    ...(configuration.get(name)?.split(/\s+/).filter(Boolean) ?? []),
    ...parsed.options.flatMap(({ option, value }) => (option.name === name ? [value] : [])),
  ];
  const entries = [
    ...valuesOf('constraint').flatMap((file) => readRequirementFile(file, true, context)),
    ...parsed.requirements.map((word) => parseRequirementWord(word, false, context)),
    ...valuesOf('editable').map((word) => parseRequirementWord(word, true, context)),
    ...valuesOf('requirement').flatMap((file) => readRequirementFile(file, false, context)),
  ];
  return { entries, parsed, configuration };
}

function isRemote(location: string): boolean {
  return /^(https?|file):/i.test(location);
}

/** The projects that the user named, with their extras. */
export function namedRoots(
  request: InstallRequest,
  markers: MarkerEnvironment,
): readonly { name: string; extras: readonly string[] }[] {
  return request.entries.flatMap((entry) => {
    if (!holds(entry, markers)) return [];
    if (entry.kind === 'named' && !entry.origin.constraint) {
      return [{ name: entry.requirement.name, extras: entry.requirement.extras }];
    }
    return entry.kind === 'direct' && entry.name
      ? [{ name: entry.name, extras: entry.extras }]
      : [];
  });
}

/** The projects that requirements and constraints name, in their order. */
export function mentioned(
  request: InstallRequest,
  markers: MarkerEnvironment,
): readonly NormalizedName[] {
  return request.entries.flatMap((entry) =>
    entry.kind === 'named' && holds(entry, markers) ? [normalizeName(entry.requirement.name)] : [],
  );
}

function holds(entry: RequirementEntry, markers: MarkerEnvironment): boolean {
  if (entry.kind !== 'named' && entry.kind !== 'direct') return false;
  return entry.marker === null || evaluateMarker(entry.marker, markers, '') === true;
}

/** The files that were read, as pip names them in its messages, in their order. */
export function filesInMessages(request: InstallRequest): readonly string[] {
  return [
    ...new Set(
      request.entries.flatMap((entry) =>
        'origin' in entry && entry.origin.file !== null ? [entry.origin.file] : [],
      ),
    ),
  ];
}

/** True where a requirement has options for its build, which pip itself has to carry out. */
export function hasBuildOptions(request: InstallRequest): boolean {
  return request.entries.some((entry) => {
    if (entry.kind !== 'named' && entry.kind !== 'direct') return false;
    const { configSettings, globalOptions, installOptions } = entry.options;
    return Object.keys(configSettings).length + globalOptions.length + installOptions.length > 0;
  });
}

/**
 * What the user named, in pip's order of messages: a wheel by path goes by the name of its file,
 * an sdist or a folder by that of its metadata.
 */
export function requestedRoots(
  request: InstallRequest,
  decided: readonly Decided[],
  { markers, pip }: Interpreter,
): readonly { name: string; extras: readonly string[] }[] {
  const unnamed = decided
    .filter(({ requested }) => requested)
    .map(({ metadata, extras, direct, source }) => {
      const isWheel = direct !== null && source.filename.endsWith('.whl');
      return {
        name: isWheel ? wheelName(source.filename, pip?.version ?? '26.3') : metadata.name,
        extras,
      };
    });
  return [...namedRoots(request, markers), ...unnamed];
}

/** `pip/_internal/models/wheel.py`, which leaves it to packaging since 25.1. */
function wheelName(filename: string, pip: string): string {
  const written = filename.slice(0, filename.indexOf('-'));
  return atLeast(pip, 25, 1) ? normalizeName(written) : written.replaceAll('_', '-');
}

/**
 * True where a URL holds what pip's report leaves out, so that it cannot be said to pip again:
 * a user's name and password, a hash.
 */
export function hasUnrepeatableUrl(request: InstallRequest): boolean {
  return request.entries.some(
    (entry) =>
      entry.kind === 'direct' &&
      entry.form !== 'path' &&
      /:\/\/[^/\s]*@|#(.*&)?(sha\d+|md5)=/.test(entry.origin.text),
  );
}

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

/** Where a file names a folder that lies beside it, that is the one. */
function besideFile(value: string | null, file: string | null): string | null {
  if (value === null || file === null || isRemote(file)) return value;
  const path = resolve(dirname(resolve(file)), value);
  return existsSync(path) ? path : value;
}

/** Options that change neither what is decided nor what it rests on. */
const immaterial = new Set([
  'requirement',
  'constraint',
  'editable',
  'compile',
  'no-compile',
  'no-warn-script-location',
  'no-warn-conflicts',
  'root-user-action',
  'break-system-packages',
  'progress-bar',
  'require-virtualenv',
  'verbose',
  'quiet',
  'log',
  'no-input',
  'keyring-provider',
  'proxy',
  'no-proxy-env',
  'retries',
  'resume-retries',
  'timeout',
  'trusted-host',
  'cert',
  'client-cert',
  'cache-dir',
  'no-cache-dir',
  'disable-pip-version-check',
  'no-color',
  'no-python-version-warning',
  'user',
]);

/**
 * The name under which a decision is remembered: a hash of everything that it depends on but
 * the index. null where it depends on what no key can hold: paths, URLs and repositories,
 * remote files, what only pip can read.
 */
export function requestKey(
  request: InstallRequest,
  interpreter: Interpreter,
  installed: Iterable<InstalledDistribution>,
): string | null {
  const lines = request.entries.map(keyLine);
  if (lines.includes(null)) return null;
  const options = request.parsed.options.flatMap(({ option, value }) =>
    immaterial.has(option.name) ? [] : [`${option.name}=${value}`],
  );
  if (
    options.some((text) =>
      /^(refresh-package|uploaded-prior-to|group|requirements-from-script)=/.test(text),
    )
  ) {
    return null;
  }
  const configuration = [...request.configuration].filter(([name]) => !immaterial.has(name));
  const state = [...installed].map(installedState);
  const inputs = {
    lines,
    options,
    configuration,
    interpreter: interpreterKey(interpreter),
    installed: state.map((text) => text.replaceAll(interpreter.prefix, '')).sort(),
    folders: findLinks(request).map(folderState),
  };
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

/**
 * What pip could find of an installed distribution. A version stands for its metadata where it
 * came from an index; a folder or a URL may have had another under the same version.
 */
function installedState(distribution: InstalledDistribution): string {
  const { key, version, location, metadataPath, form, editable } = distribution;
  const isOwn =
    form !== 'dist-info' || editable || existsSync(join(metadataPath, 'direct_url.json'));
  const metadata = isOwn ? JSON.stringify(readMetadata(metadataPath)) : '';
  return `${key}==${version} ${location} ${metadata}`;
}

/** What an entry says, wherever it stands; the empty text for what is said by others. */
function keyLine(entry: RequirementEntry): string | null {
  switch (entry.kind) {
    case 'named':
      return `${entry.origin.constraint ? '-c ' : ''}${entry.origin.text}`;
    case 'options':
      return entry.origin.text;
    case 'file':
      return isRemote(entry.location) ? null : '';
    case 'direct':
    case 'unknown':
      return null;
    default:
      return entry satisfies never;
  }
}

function interpreterKey(interpreter: Interpreter): unknown {
  const { version, implementation, soabi, platform, libc, tags, isVirtualEnvironment } =
    interpreter;
  // The kernel's version may change from one day to the next, and no requirement was seen to ask for it.
  const {
    platform_release: _release,
    platform_version: _version,
    ...markers
  } = interpreter.markers;
  const pip = interpreter.pip?.version;
  return {
    version,
    implementation,
    soabi,
    platform,
    libc,
    tags,
    isVirtualEnvironment,
    markers,
    pip,
  };
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

/** True where all archives are in local folders, whose every change makes another request. */
function restsOnFolders(request: InstallRequest): boolean {
  const { parsed, configuration } = request;
  const isWithoutIndex =
    parsed.options.some(({ option }) => option.name === 'no-index') ||
    isTrue(configuration.get('no-index') ?? '') ||
    fileOptions(request).some(({ name }) => name === 'no-index');
  return isWithoutIndex && findLinks(request).every((location) => localPlace(location) !== null);
}

/** A local folder of archives is an index whose every change is seen. */
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
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}

/** The path that pip takes a `--find-links` for; null for a URL, and for what is not looked up here (`~name`). */
function localPlace(location: string): string | null {
  if (/^file:/i.test(location)) return fileURLToPath(location);
  if (/^[a-z][a-z0-9+.-]*:/i.test(location) || /^~[^/]/.test(location)) return null;
  const atHome = location.startsWith('~') ? homedir() + location.slice(1) : null;
  return atHome !== null && existsSync(atHome) ? atHome : resolve(location);
}

/**
 * True where no index can change a decision: each distribution is pinned by what was asked, or
 * by one that is. Then it holds for ever; so does "all is satisfied", for which pip asks no index.
 */
export function isClosurePinned(
  request: InstallRequest,
  decided: readonly Decided[],
  markers: MarkerEnvironment,
): boolean {
  if (restsOnFolders(request)) return true;
  if (mentionsOption(request, 'upgrade') || mentionsOption(request, 'pre')) return false;
  const pinned = new Set(
    request.entries
      .filter((entry): entry is NamedEntry => entry.kind === 'named' && holds(entry, markers))
      .filter(
        (entry) => isPinned(entry.requirement) || Object.keys(entry.options.hashes).length > 0,
      )
      .map((entry) => normalizeName(entry.requirement.name)),
  );
  if (!mentionsOption(request, 'no-deps') && !mentionsOption(request, 'no-dependencies')) {
    for (const requirement of requirementsOf(request, decided, markers)) {
      if (isPinned(requirement)) pinned.add(normalizeName(requirement.name));
    }
  }
  return decided.every(({ key }) => pinned.has(key));
}

function mentionsOption({ parsed, configuration }: InstallRequest, name: string): boolean {
  return configuration.has(name) || parsed.options.some(({ option }) => option.name === name);
}

/** What the decided distributions require of each other here, with the extras that are asked for. */
function requirementsOf(
  request: InstallRequest,
  decided: readonly Decided[],
  markers: MarkerEnvironment,
): readonly Requirement[] {
  const metadataOf = new Map(decided.map(({ key, metadata }) => [key, metadata]));
  const queue: { readonly name: string; readonly extras: readonly string[] }[] = [
    ...decided.map(({ key }) => ({ name: key, extras: [] })),
    ...namedRoots(request, markers),
  ];
  const met = new Set<string>();
  const found: Requirement[] = [];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const key = normalizeName(next.name);
    const node = `${key}[${next.extras.join(',')}]`;
    const metadata = metadataOf.get(key);
    if (!metadata || met.has(node)) continue;
    met.add(node);
    const required = dependencies(metadata, next.extras, markers);
    found.push(...required);
    queue.push(...required);
  }
  return found;
}

/**
 * False where hashes are asked for and an archive's is not among them. The hash in pip's answer
 * is the index's word; what pip held against the user's were the bytes that it fetched itself,
 * and ours are fetched later.
 */
export function areHashesMet(
  request: InstallRequest,
  decided: readonly Decided[],
  markers: MarkerEnvironment,
): boolean {
  const allowed = new Map<NormalizedName, string[]>();
  let isAsked =
    mentionsOption(request, 'require-hashes') ||
    fileOptions(request).some(({ name }) => name === 'require-hashes');
  for (const entry of request.entries) {
    if (entry.kind !== 'named' && entry.kind !== 'direct') continue;
    if (Object.keys(entry.options.hashes).length === 0 || !holds(entry, markers)) continue;
    isAsked = true;
    if (entry.kind === 'direct') continue;
    const key = normalizeName(entry.requirement.name);
    const hashes = entry.options.hashes['sha256'] ?? [];
    allowed.set(key, [...(allowed.get(key) ?? []), ...hashes.map((hash) => hash.toLowerCase())]);
  }
  if (!isAsked) return true;
  return decided.every(
    ({ key, source }) => source.sha256 !== null && allowed.get(key)?.includes(source.sha256),
  );
}
