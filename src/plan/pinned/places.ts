/** Where pip looks for files, and by which rules it takes them (`models/search_scope.py`, `req/req_file.py`). */
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { pathOfFileUrl } from '../../core/file-url.ts';
import { sha256 } from '../../core/sha256.ts';
import type { GivenOption } from '../../cli/argv.ts';
import type { PipConfiguration, PipOptions } from '../../config/pip-config.ts';
import type { NormalizedName } from '../../core/types.ts';
import { fileOptions } from '../request/options.ts';
import type { InstallRequest } from '../request/request.ts';
import { addFormatControl, type FormatControl } from './format-control.ts';

/** A place where pip looks for files. */
export type Place =
  /** An index: it has a page for each project. */
  | { readonly kind: 'index'; readonly id: string; readonly url: string }
  /** A page of `--find-links`, with files of any project. */
  | { readonly kind: 'page'; readonly id: string; readonly url: string }
  /** A folder of archives, or a single one: what is there is looked at each time. */
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'archive'; readonly path: string };

export interface SearchRules {
  /** In the order in which pip merges what it finds. */
  readonly places: readonly Place[];
  readonly formats: FormatControl;
  readonly preferBinary: boolean;
  readonly requireHashes: boolean;
  /** `Looking in indexes: …` and `Looking in links: …`, where pip says so. */
  readonly lines: readonly string[];
}

/** The address of a project's page in an index. */
export function projectPage(index: string, key: NormalizedName): string {
  return `${index}${index.endsWith('/') ? '' : '/'}${encodeURIComponent(key)}/`;
}

const pypi = 'https://pypi.org/simple';

/** Options that bear on the choice of files in ways that pip alone knows. */
const unknownHere = [
  'group',
  'requirements-from-script',
  'only-deps',
  'all-releases',
  'only-final',
  'refresh-package',
  'uploaded-prior-to',
  'no-require-hashes',
  'trusted-host',
  'use-feature',
];

/** @returns the reason why pip has to look, where it is not known here how it does. */
export function searchRules(
  request: InstallRequest,
  options: PipOptions,
): SearchRules | { readonly reason: string } {
  const unknown = unknownHere.find((name) => options.value(name) !== null || options.flag(name));
  if (unknown !== undefined) return { reason: `--${unknown}` };
  const scope = readScope(request, options);
  if ('reason' in scope) return scope;
  const links = [...new Set(scope.findLinks)].map(linkPlace);
  const indexes = [...new Set(scope.indexes)].map(indexPlace);
  const places = [...links, ...indexes];
  const strange = places.find((place) => 'reason' in place);
  if (strange && 'reason' in strange) return strange;
  return {
    places: places.filter((place): place is Place => 'kind' in place),
    formats: scope.formats,
    preferBinary: scope.preferBinary,
    requireHashes: scope.requireHashes,
    lines: lookingLines(scope.indexes, scope.findLinks),
  };
}

/** The indexes that pip is told of on the line, in files and in its configuration, as far as that can be read here. */
export function likelyIndexes(search: ReturnType<typeof searchRules>): readonly string[] {
  if ('reason' in search) return [];
  return search.places.flatMap((place) => {
    const isRemote = place.kind === 'index' && /^https?:/.test(place.url);
    return isRemote ? [place.url] : [];
  });
}

interface Scope {
  indexes: string[];
  readonly findLinks: string[];
  readonly formats: FormatControl;
  preferBinary: boolean;
  requireHashes: boolean;
}

function readScope(
  request: InstallRequest,
  options: PipOptions,
): Scope | { readonly reason: string } {
  const formats = { noBinary: new Set<string>(), onlyBinary: new Set<string>() };
  for (const [name, value] of formatOptions(request.configuration, request.parsed.options)) {
    if (/\s/.test(value)) return { reason: `--${name} with blanks` };
    addFormatControl(formats, name, value);
  }
  let isWithoutIndex = options.flag('no-index');
  const scope: Scope = {
    indexes: isWithoutIndex
      ? []
      : [options.value('index-url') ?? pypi, ...options.values('extra-index-url')],
    findLinks: options.values('find-links').map(atHome),
    formats,
    preferBinary: options.flag('prefer-binary'),
    requireHashes: options.flag('require-hashes'),
  };
  for (const entry of request.entries) {
    if (entry.kind !== 'options') continue;
    const line = fileOptions({ ...request, entries: [entry] });
    const valuesOf = (name: string) =>
      line.flatMap((option) => (option.name === name ? [option.value ?? ''] : []));
    if (valuesOf('no-index').length > 0) {
      isWithoutIndex = true;
      scope.indexes = [];
    }
    const [index] = valuesOf('index-url');
    if (index !== undefined && !isWithoutIndex) scope.indexes = [index];
    if (!isWithoutIndex) scope.indexes.push(...valuesOf('extra-index-url'));
    scope.findLinks.push(...valuesOf('find-links'));
    scope.preferBinary ||= valuesOf('prefer-binary').length > 0;
    scope.requireHashes ||= valuesOf('require-hashes').length > 0;
    for (const { name, value } of line) {
      if (name === 'trusted-host' || name === 'use-feature') return { reason: `--${name}` };
      if (name === 'no-binary' || name === 'only-binary') {
        addFormatControl(formats, name, value ?? '');
      }
    }
  }
  return scope;
}

function formatOptions(
  configuration: PipConfiguration,
  given: readonly GivenOption[],
): readonly (readonly ['no-binary' | 'only-binary', string])[] {
  return [
    ...configuration,
    ...given.map(({ option, value }) => [option.name, value] as const),
  ].flatMap(([name, value]) =>
    name === 'no-binary' || name === 'only-binary' ? [[name, value] as const] : [],
  );
}

/** A path that begins with `~` is taken for one at home where it is there. */
function atHome(location: string): string {
  if (!location.startsWith('~/')) return location;
  const path = homedir() + location.slice(1);
  return existsSync(path) ? path : location;
}

function indexPlace(url: string): Place | { readonly reason: string } {
  if (isLocalFileUrl(url)) return { kind: 'index', id: placeId(url), url };
  return remotePlace('index', url);
}

function linkPlace(location: string): Place | { readonly reason: string } {
  const isUrl = isLocalFileUrl(location);
  const path = isUrl ? pathOfFileUrl(location) : resolve(location);
  if (isUrl || existsSync(path)) return localPlace(path, location);
  return remotePlace('page', location);
}

function localPlace(path: string, location: string): Place | { readonly reason: string } {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) return { kind: 'folder', path };
  if (status?.isFile() && !/\.x?html?$/i.test(path)) return { kind: 'archive', path };
  return { reason: `find-links ${location}` };
}

/** What pip takes for secure without `--trusted-host`. */
const localHost = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

function remotePlace(kind: 'index' | 'page', url: string): Place | { readonly reason: string } {
  if (!URL.canParse(url)) return { reason: `the place ${url}` };
  const { protocol, hostname, hash, search, pathname } = new URL(url);
  const isSecure = protocol === 'https:' || (protocol === 'http:' && localHost.test(hostname));
  const isArchive = /\.(?:whl|zip|tar|t?gz|bz2|xz|t[bx]z)$/.test(pathname);
  if (!isSecure || hash !== '' || isArchive || (kind === 'index' && search !== '')) {
    return { reason: `the place ${url}` };
  }
  return { kind, id: placeId(url), url };
}

function isLocalFileUrl(location: string): boolean {
  return location.startsWith('file:///') && URL.canParse(location);
}

function placeId(url: string): string {
  return sha256(withoutCredentials(url)).slice(0, 16);
}

export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, '$1');
}

function lookingLines(indexes: readonly string[], findLinks: readonly string[]): readonly string[] {
  const isUsual = indexes.length === 1 && indexes[0] === pypi;
  return [
    ...(indexes.length > 0 && !isUsual
      ? [`Looking in indexes: ${indexes.map(redacted).join(', ')}`]
      : []),
    ...(findLinks.length > 0 ? [`Looking in links: ${findLinks.map(redacted).join(', ')}`] : []),
  ];
}

/** pip's `redact_auth_from_url`. */
function redacted(url: string): string {
  return url.replace(/^([a-z]+:\/\/)([^/?#]*)@/i, (_match, scheme: string, credentials: string) => {
    const end = credentials.indexOf(':');
    return `${scheme}${end === -1 ? '' : credentials.slice(0, end)}${end === -1 ? '****' : ':****'}@`;
  });
}
