/** What one requirement says: a name, a path, a URL or a repository (`req/constructors.py`). */
import { resolve } from 'node:path';
import { strip } from '../../python/pep440.ts';
import {
  type Marker,
  parseMarker,
  parsePinned,
  parseRequirement,
  type Requirement,
} from '../../python/pep508.ts';
import {
  type DirectEntry,
  type NamedEntry,
  noOptions,
  type Origin,
  release,
  type RequirementContext,
  type RequirementOptions,
  unknown,
  type UnknownEntry,
} from './entries.ts';

/** Reads a word of the command line, or the value of its `-e`. */
export function parseRequirementWord(
  word: string,
  editable: boolean,
  context: RequirementContext,
): NamedEntry | DirectEntry | UnknownEntry {
  const origin = { comesFrom: null, file: null, constraint: false, text: word };
  const line = { origin, options: noOptions };
  return editable ? parseEditable(word, line, context) : parseLine(word, line, context);
}

interface RequirementLine {
  readonly origin: Origin;
  readonly options: RequirementOptions;
}

/** `install_req_from_line`. */
export function parseLine(
  text: string,
  line: RequirementLine,
  context: RequirementContext,
): NamedEntry | DirectEntry | UnknownEntry {
  const pinned = parsePinned(text);
  if (pinned !== null) return { kind: 'named', ...line, requirement: pinned, marker: null };
  const isUrl = urlForm(text) !== null;
  const end = text.indexOf(isUrl ? '; ' : ';');
  const written = end === -1 ? '' : strip(text.slice(end + 1));
  const marker = written === '' ? null : parseMarker(written);
  if (written !== '' && marker === null) return unknown(line.origin, 'requirement');
  const name = strip(end === -1 ? text : text.slice(0, end));
  if (isUrl)
    return direct(
      { ...line, marker },
      { location: name, editable: false, ...ofUrl(name, release(context)) },
    );
  if (isPath(name)) {
    const { path, extras } = splitExtras(resolve(context.directory, name));
    if (extras === null || /^[a-z][a-z0-9+.-]*:/i.test(name)) {
      return unknown(line.origin, 'requirement');
    }
    const location = resolve(path);
    const project = { form: 'path', name: null, extras, subdirectory: null } as const;
    return direct({ ...line, marker }, { location, editable: false, ...project });
  }
  const requirement = parseRequirement(name);
  if (requirement === null) return unknown(line.origin, 'requirement');
  if (requirement.url === null) return { kind: 'named', ...line, requirement, marker };
  return directByName(requirement, { ...line, marker }, false);
}

/** `install_req_from_editable`, which knows no markers but in the form `name @ url`. */
export function parseEditable(
  text: string,
  line: RequirementLine,
  context: RequirementContext,
): DirectEntry | UnknownEntry {
  if (line.origin.constraint || text === '') return unknown(line.origin, 'requirement');
  const requirement = release(context) >= 2503 ? parseRequirement(text) : null;
  if (requirement !== null && requirement.url !== null) {
    return directByName(requirement, { ...line, marker: requirement.marker }, true);
  }
  const form = urlForm(text);
  if (form === 'vcs') {
    const project = ofUrl(text, release(context));
    // Only the checkout could tell its name, and pip wants to know it before.
    if (project.name === null) return unknown(line.origin, 'requirement');
    return direct({ ...line, marker: null }, { location: text, editable: true, ...project });
  }
  const { path, extras } = splitExtras(text);
  if (extras === null) return unknown(line.origin, 'requirement');
  const place = { editable: true, extras } as const;
  if (path.toLowerCase().startsWith('file:')) {
    return direct(
      { ...line, marker: null },
      { ...ofUrl(path, release(context)), location: path, ...place },
    );
  }
  if (form !== null || /^[a-z][a-z0-9+.-]*:/i.test(text))
    return unknown(line.origin, 'requirement');
  const location = resolve(context.directory, path);
  const project = { form: 'path', name: null, subdirectory: null } as const;
  return direct({ ...line, marker: null }, { ...project, location, ...place });
}

interface Project {
  readonly form: DirectEntry['form'];
  /** Empty for an egg fragment that cannot be read. */
  readonly name: string | null;
  readonly extras: readonly string[];
  readonly subdirectory: string | null;
}

function direct(
  line: RequirementLine & { readonly marker: Marker | null },
  project: Project & { readonly location: string; readonly editable: boolean },
): DirectEntry | UnknownEntry {
  if (project.name === '') return unknown(line.origin, 'requirement');
  return { kind: 'direct', ...line, ...project };
}

/** `name[extra] @ url`. */
function directByName(
  { name, extras, url }: Requirement,
  line: RequirementLine & { readonly marker: Marker | null },
  editable: boolean,
): DirectEntry | UnknownEntry {
  const location = url ?? '';
  const form = urlForm(location);
  // Of `name @ url[extra]` pip takes the extra.
  if (form === null || location.endsWith(']')) return unknown(line.origin, 'requirement');
  const { subdirectory } = ofUrl(location, 0);
  return direct(line, { form, location, editable, name, extras, subdirectory });
}

/** Since 25.0 pip refuses an egg fragment that is more than a name. */
function ofUrl(url: string, pip: number): Project {
  const egg = /[#&]egg=([^&]*)/.exec(url)?.[1];
  const isPlain =
    egg !== undefined && (pip >= 2500 ? /^[\w.-]+$/ : /^[\w.-]+(?:\[[^\]]*\])?$/).test(egg);
  const requirement = isPlain ? parseRequirement(egg) : null;
  return {
    form: urlForm(url) ?? 'url',
    name: egg === undefined ? null : (requirement?.name ?? ''),
    extras: requirement?.extras ?? [],
    subdirectory: /[#&]subdirectory=([^&]*)/.exec(url)?.[1] ?? null,
  };
}

/** What pip takes for a URL, by its scheme. */
function urlForm(text: string): 'url' | 'vcs' | null {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return null;
  if (['http', 'https', 'file', 'ftp'].includes(scheme)) return 'url';
  const isVcs =
    /^(?:git\+(?:https?|ssh|git|file)|hg\+(?:file|https?|ssh|static-http)|svn\+(?:ssh|https?|svn|file)|bzr\+(?:https?|ssh|sftp|ftp|lp|file))$/;
  return isVcs.test(scheme) ? 'vcs' : null;
}

const archiveEnding =
  /\.(?:zip|whl|tar\.bz2|tbz|tar\.gz|tgz|tar|tar\.xz|txz|tlz|tar\.lz|tar\.lzma)$/i;

/** A `/`, a `.` in front, or the ending of an archive; not in `name @ url`, where these belong to the URL. */
function isPath(name: string): boolean {
  const looksLikePath = (text: string): boolean => text.includes('/') || text.startsWith('.');
  const at = name.indexOf('@');
  if (at !== -1 && !looksLikePath(name.slice(0, at))) return false;
  return looksLikePath(name) || archiveEnding.test(splitExtras(name).path);
}

/** `path[extra]`; pip reads the extras in lower case. They are null where it could not. */
function splitExtras(text: string): { path: string; extras: readonly string[] | null } {
  const [, path, extras] = /^(.+)(\[[^\]]+\])$/.exec(text) ?? [];
  if (path === undefined || extras === undefined) return { path: text, extras: [] };
  const placeholder = parseRequirement(`placeholder${extras.toLowerCase()}`);
  return { path: path.trimEnd(), extras: placeholder && placeholder.extras };
}
