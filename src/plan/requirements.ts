/**
 * pip's requirement files and requirement words (`req/req_file.py`, `req/constructors.py`), read without pip. What pip
 * would refuse, warn of, or read by other rules than these becomes an `unknown` entry: then pip has to read it all.
 */
import { resolve } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import { isSpace, parseVersion, strip } from '../python/pep440.ts';
import { type Marker, parseMarker, parseRequirement, type Requirement } from '../python/pep508.ts';

export interface RequirementContext {
  /** What relative paths start from: pip's working directory, absolute. */
  readonly directory: string;
  /** For `${NAME}`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The version of the pip whose place is taken; what a file may say depends on it. */
  readonly pip: string;
  /** Given an absolute path, or a URL; null for what is not to be had. Its ENOENT and the like are caught. */
  readonly read: (location: string) => Uint8Array | null;
}

/** Where an entry was found. */
export interface Origin {
  /** `-r requirements.txt (line 3)`, as pip's messages have it; null for the command line. */
  readonly comesFrom: string | null;
  /** As pip names the file in messages; null for the command line. */
  readonly file: string | null;
  readonly constraint: boolean;
  /** The line: joined, without its comment, variables filled in. */
  readonly text: string;
}

export type RequirementEntry = NamedEntry | DirectEntry | OptionsEntry | FileEntry | UnknownEntry;

export interface NamedEntry {
  readonly kind: 'named';
  readonly origin: Origin;
  /** Without its marker, as pip prints it. */
  readonly requirement: Requirement;
  readonly marker: Marker | null;
  readonly options: RequirementOptions;
}

/** A project at a place of its own. Whether it is there has not been looked at. */
export interface DirectEntry {
  readonly kind: 'direct';
  readonly origin: Origin;
  readonly form: 'path' | 'url' | 'vcs';
  /** An absolute path without extras, or a URL as written. */
  readonly location: string;
  readonly editable: boolean;
  /** As written before `@` or after `#egg=`; null where neither is there. */
  readonly name: string | null;
  readonly extras: readonly string[];
  readonly subdirectory: string | null;
  readonly marker: Marker | null;
  readonly options: RequirementOptions;
}

/** A line that holds for the whole run, wherever it stands. */
export interface OptionsEntry {
  readonly kind: 'options';
  readonly origin: Origin;
  /** Only what has an effect: of several `--index-url` the last, of several `--find-links` the first. */
  readonly options: readonly FileOption[];
}
export interface FileOption {
  /** The long form: `--index-url`. */
  readonly name: string;
  /** null for a switch. */
  readonly value: string | null;
}

/** A file that was read; what it says follows. */
export interface FileEntry {
  readonly kind: 'file';
  /** As given to `read`. */
  readonly location: string;
  readonly constraint: boolean;
  readonly content: Uint8Array;
}

export interface UnknownEntry {
  readonly kind: 'unknown';
  readonly origin: Origin;
  readonly reason: 'unreadable' | 'encoding' | 'recursion' | 'option' | 'requirement';
}

export interface RequirementOptions {
  /** Digests by algorithm, as written. */
  readonly hashes: Readonly<Record<string, readonly string[]>>;
  readonly configSettings: Readonly<Record<string, string | readonly string[]>>;
  readonly globalOptions: readonly string[];
  readonly installOptions: readonly string[];
}

/** Reads a file and all that it names, in pip's order. `location` is a path or a URL, as it was given to `-r` or `-c`. */
export function readRequirementFile(
  location: string,
  constraint: boolean,
  context: RequirementContext,
): readonly RequirementEntry[] {
  const naming = { comesFrom: null, file: null, constraint, text: location };
  return readFile({ location, constraint, naming, ancestors: [] }, context);
}

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

/** True for `==1.0` and `===1.0`, as pip has it for hashes, but not for `==1.*`, which it takes there too. */
export function isPinned(requirement: Requirement): boolean {
  const [only, ...others] = requirement.specifiers;
  if (only === undefined || others.length > 0) return false;
  return only.operator === '===' || (only.operator === '==' && !only.wildcard);
}

interface File {
  readonly location: string;
  readonly constraint: boolean;
  /** The line that names it. */
  readonly naming: Origin;
  /** Itself left out. */
  readonly ancestors: readonly string[];
}

function readFile(file: File, context: RequirementContext): readonly RequirementEntry[] {
  const { location, constraint, naming } = file;
  const isRemote = isFileUrl(location);
  const place = isRemote ? location : resolve(context.directory, location);
  if (file.ancestors.includes(place)) return [unknown(naming, 'recursion')];
  const content = tryRead(place, context);
  if (content === null) return [unknown(naming, 'unreadable')];
  const text = isRemote ? decodeAscii(content) : decode(content);
  if (text === null) return [unknown(naming, 'encoding')];
  const entries: RequirementEntry[] = [{ kind: 'file', location: place, constraint, content }];
  for (const { number, text: line } of logicalLines(text, context.environment)) {
    const comesFrom = `${constraint ? '-c' : '-r'} ${location} (line ${number})`;
    const origin = { comesFrom, file: location, constraint, text: line };
    entries.push(
      ...parseFileLine(origin, { ...file, ancestors: [...file.ancestors, place] }, context),
    );
  }
  return entries;
}

function tryRead(place: string, context: RequirementContext): Uint8Array | null {
  try {
    return context.read(place);
  } catch (error) {
    // pip ends with "Could not open requirements file" and Python's words for the errno.
    const codes = ['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'];
    if (hasErrno(error, ...codes)) return null;
    throw error;
  }
}

function isFileUrl(location: string): boolean {
  return /^(?:https?|file):/i.test(location);
}

function unknown(origin: Origin, reason: UnknownEntry['reason']): UnknownEntry {
  return { kind: 'unknown', origin, reason };
}

/** A response is decoded by its headers, or by a guess; ASCII is the same by all of them. */
function decodeAscii(content: Uint8Array): string | null {
  return content.every((byte) => byte > 0 && byte < 0x80)
    ? Buffer.from(content).toString('latin1')
    : null;
}

/** By its byte order mark, its PEP 263 line, else as UTF-8; null for anything but UTF-8, UTF-16, ASCII and Latin 1. */
function decode(content: Uint8Array): string | null {
  const [first, second, third, fourth] = content;
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return decodeStrictly(content.subarray(3), 'utf-8');
  }
  // pip before 25.0 takes UTF-32 for UTF-16.
  if (first === 0xff && second === 0xfe) {
    if (third === 0 && fourth === 0) return null;
    return decodeStrictly(content.subarray(2), 'utf-16le');
  }
  if (first === 0xfe && second === 0xff) return decodeStrictly(content.subarray(2), 'utf-16be');
  const declared = declaredEncoding(content);
  if (declared === null) return decodeStrictly(content, 'utf-8');
  const name = declared.toLowerCase().replaceAll('_', '-');
  if (['utf-8', 'utf8'].includes(name)) return decodeStrictly(content, 'utf-8');
  if (['ascii', 'us-ascii'].includes(name)) return decodeAscii(content);
  if (!['latin-1', 'latin1', 'iso-8859-1', 'iso8859-1'].includes(name)) return null;
  return Buffer.from(content).toString('latin1');
}

function decodeStrictly(content: Uint8Array, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function declaredEncoding(content: Uint8Array): string | null {
  const firstEnd = content.indexOf(0x0a);
  const secondEnd = firstEnd === -1 ? -1 : content.indexOf(0x0a, firstEnd + 1);
  const head = content.subarray(0, secondEnd === -1 ? content.length : secondEnd);
  for (const line of Buffer.from(head).toString('latin1').split('\n')) {
    const name = line.startsWith('#')
      ? /coding[:=][ \t\r\f\v]*([-\w.]+)/.exec(line)?.[1]
      : undefined;
    if (name !== undefined) return name;
  }
  return null;
}

interface LogicalLine {
  /** Of its first part, from 1. */
  readonly number: number;
  readonly text: string;
}

function logicalLines(
  text: string,
  environment: RequirementContext['environment'],
): readonly LogicalLine[] {
  return joinLines(splitLines(text)).flatMap(({ number, text }) => {
    const bare = strip(withoutComment(text));
    return bare === '' ? [] : [{ number, text: fillIn(bare, environment) }];
  });
}

const lineEnd = new RegExp(
  `\r\n|[\n\r\v\f${String.fromCharCode(0x1c, 0x1d, 0x1e)}\x85\u2028\u2029]`,
);

/** Python's `str.splitlines()`, which knows more line ends than `\n`. */
function splitLines(text: string): readonly string[] {
  const lines = text.split(lineEnd);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A backslash at the end joins a line with the next one; a comment line ends what was joined. */
function joinLines(lines: readonly string[]): readonly LogicalLine[] {
  const joined: LogicalLine[] = [];
  let parts: string[] = [];
  let first = 0;
  for (const [index, line] of lines.entries()) {
    if (parts.length === 0) first = index + 1;
    const isComment = commentStart(line) === 0;
    if (line.endsWith('\\') && !isComment) {
      parts.push(line.replace(/^\\+/, '').replace(/\\+$/, ''));
      continue;
    }
    // The blank keeps a `#` a comment wherever it is joined to.
    parts.push(isComment ? ` ${line}` : line);
    joined.push({ number: first, text: parts.join('') });
    parts = [];
  }
  if (parts.length > 0) joined.push({ number: first, text: parts.join('') });
  return joined;
}

function withoutComment(line: string): string {
  const start = commentStart(line);
  return start === -1 ? line : line.slice(0, start);
}

/** Where a comment with the white space before it starts: a `#` is one at the start and after white space. */
function commentStart(line: string): number {
  let hash = line.indexOf('#');
  while (hash > 0 && !isSpace(line.charCodeAt(hash - 1))) hash = line.indexOf('#', hash + 1);
  let start = hash;
  while (start > 0 && isSpace(line.charCodeAt(start - 1))) start--;
  return start;
}

/** Variables that are unset or empty stay as they are. */
function fillIn(line: string, environment: RequirementContext['environment']): string {
  if (!line.includes('${')) return line;
  let filled = line;
  for (const [written, name = ''] of line.matchAll(/\$\{([A-Z0-9_]+)\}/g)) {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && value !== '') filled = filled.replaceAll(written, () => value);
  }
  return filled;
}

function parseFileLine(
  origin: Origin,
  file: File,
  context: RequirementContext,
): readonly RequirementEntry[] {
  const { argument, rest } = splitOptions(origin.text);
  const words = rest === '' ? [] : splitWords(rest);
  const options = words && parseOptions(words, context);
  if (options === null) return [unknown(origin, 'option')];
  const own = requirementOptions(options);
  if (own === null) return [unknown(origin, 'option')];
  const find = (name: string): string | null =>
    options.find((option) => option.name === name)?.value ?? null;
  const editable = find('--editable');
  if (argument !== '' || editable !== null) {
    // Whether the argument is then editable differs between pips.
    const isBoth = argument !== '' && editable !== null;
    if (isBoth || reaches(options)) return [unknown(origin, 'option')];
    const line = { origin, options: own };
    return argument === '' && editable !== null
      ? [parseEditable(editable, { origin, options: editableOptions(own, context) }, context)]
      : [parseLine(argument, line, context)];
  }
  const requirements = find('--requirement');
  const nested = requirements ?? find('--constraint');
  if (nested === null) return [optionsEntry(origin, options)];
  const location = nestedLocation(nested, file.location, context);
  if (location === null || reaches(options)) return [unknown(origin, 'option')];
  const constraint = requirements === null;
  return readFile({ location, constraint, naming: origin, ancestors: file.ancestors }, context);
}

/** These take effect even beside a requirement or a nested file, where pip passes over all else. */
function reaches(options: readonly FileOption[]): boolean {
  return options.some(({ name }) => name === '--no-binary' || name === '--only-binary');
}

/** Options start at the first word that begins with `-`; what is before them is no shell's business. */
function splitOptions(line: string): { argument: string; rest: string } {
  if (line.startsWith('-')) return { argument: '', rest: line };
  const start = line.indexOf(' -');
  return start === -1
    ? { argument: line, rest: '' }
    : { argument: line.slice(0, start), rest: line.slice(start + 1) };
}

/** Python's `shlex.split`; null where a quote is not closed or nothing follows a backslash. */
function splitWords(text: string): readonly string[] | null {
  // Nearly always so, and cheaper.
  if (!/['"\\]/.test(text)) return text.split(/[ \t\r\n]+/).filter((word) => word !== '');
  const words: string[] = [];
  const pattern = /[ \t\r\n]+|((?:[^ \t\r\n'"\\]|\\[^]|'[^']*'|"(?:[^"\\]|\\[^])*")+)|[^]/gu;
  for (const [written, word] of text.matchAll(pattern)) {
    if (word !== undefined) words.push(unquote(word));
    else if (!' \t\r\n'.includes(written[0] ?? '')) return null;
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(
    /\\([^])|'([^']*)'|"((?:[^"\\]|\\[^])*)"/gu,
    (_match, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? '').replace(/\\(["\\])/g, '$1'),
  );
}

interface OptionRule {
  readonly takesValue: boolean;
  /** The first pip that has it in files, as `major * 100 + minor`. */
  readonly since?: number;
  /** The first that has it no more. */
  readonly until?: number;
}

/** What files may say in every pip from 18.1 on, but for the exceptions. Anything newer is left to pip. */
const optionRules: ReadonlyMap<string, OptionRule> = new Map([
  ['--index-url', { takesValue: true }],
  ['--extra-index-url', { takesValue: true }],
  ['--no-index', { takesValue: false }],
  ['--constraint', { takesValue: true }],
  ['--requirement', { takesValue: true }],
  ['--editable', { takesValue: true }],
  ['--find-links', { takesValue: true }],
  ['--no-binary', { takesValue: true }],
  ['--only-binary', { takesValue: true }],
  ['--prefer-binary', { takesValue: false, since: 2002 }],
  ['--require-hashes', { takesValue: false }],
  ['--pre', { takesValue: false }],
  ['--trusted-host', { takesValue: true }],
  ['--use-feature', { takesValue: true, since: 2002 }],
  ['--hash', { takesValue: true }],
  ['--config-settings', { takesValue: true, since: 2301 }],
  ['--global-option', { takesValue: true, until: 2503 }],
  ['--install-option', { takesValue: true, until: 2301 }],
]);
const shortOptions: ReadonlyMap<string, string> = new Map([
  ['-i', '--index-url'],
  ['-c', '--constraint'],
  ['-r', '--requirement'],
  ['-e', '--editable'],
  ['-f', '--find-links'],
  ['-C', '--config-settings'],
]);

function release(context: RequirementContext): number {
  const [major = 0, minor = 0] = parseVersion(context.pip)?.release ?? [];
  return Number(major) * 100 + Number(minor);
}

/** Python's `optparse`, without its abbreviations. Words that belong to no option are dropped, as pip does. */
function parseOptions(
  words: readonly string[],
  context: RequirementContext,
): readonly FileOption[] | null {
  const options: FileOption[] = [];
  const pip = release(context);
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-') || word === '-') continue;
    const { name, attached } = splitOption(word);
    const rule = optionRules.get(name);
    if (rule === undefined || pip < (rule.since ?? 0) || pip >= (rule.until ?? Infinity)) {
      return null;
    }
    if (!rule.takesValue) {
      if (attached !== null) return null;
      options.push({ name, value: null });
      continue;
    }
    const value = attached ?? words[++index];
    if (value === undefined) return null;
    options.push({ name, value });
  }
  return options;
}

/** `--name=value`, `-nvalue`; the name is empty where it is none of ours. */
function splitOption(word: string): { name: string; attached: string | null } {
  if (!word.startsWith('--')) {
    const attached = word.length > 2 ? word.slice(2) : null;
    return { name: shortOptions.get(word.slice(0, 2)) ?? '', attached };
  }
  const equals = word.indexOf('=');
  const name = equals === -1 ? word : word.slice(0, equals);
  return {
    name: name === '--pypi-url' ? '--index-url' : name,
    attached: equals === -1 ? null : word.slice(equals + 1),
  };
}

function optionsEntry(origin: Origin, options: readonly FileOption[]): OptionsEntry | UnknownEntry {
  // Without a requirement pip warns of a `--hash`, and passes over the others.
  const belongsToRequirement = [
    '--hash',
    '--config-settings',
    '--global-option',
    '--install-option',
  ];
  if (options.length === 0 || options.some(({ name }) => belongsToRequirement.includes(name))) {
    return unknown(origin, 'option');
  }
  const names = options.map(({ name }) => name);
  const effective = options.filter(({ name }, index) => {
    if (name === '--index-url') return index === names.lastIndexOf(name);
    return name !== '--find-links' || index === names.indexOf(name);
  });
  return { kind: 'options', origin, options: effective };
}

const noOptions: RequirementOptions = {
  hashes: {},
  configSettings: {},
  globalOptions: [],
  installOptions: [],
};

/** pip passes over all but the settings, and before 24.0 over these too. */
function editableOptions(
  { configSettings }: RequirementOptions,
  context: RequirementContext,
): RequirementOptions {
  return release(context) >= 2400 ? { ...noOptions, configSettings } : noOptions;
}

/** null for what pip refuses: a hash without or with a weak algorithm, a setting without `=`. */
function requirementOptions(options: readonly FileOption[]): RequirementOptions | null {
  if (options.length === 0) return noOptions;
  const values = (name: string): readonly string[] => {
    const found: string[] = [];
    for (const option of options) {
      if (option.name === name && option.value !== null) found.push(option.value);
    }
    return found;
  };
  const hashes = gather(values('--hash'), ':');
  const settings = gather(values('--config-settings'), '=');
  if (hashes === null || settings === null) return null;
  if (!Object.keys(hashes).every((name) => ['sha256', 'sha384', 'sha512'].includes(name))) {
    return null;
  }
  return {
    hashes,
    configSettings: Object.fromEntries(
      Object.entries(settings).map(([key, values]) => [
        key,
        values.length > 1 ? values : (values[0] ?? ''),
      ]),
    ),
    globalOptions: values('--global-option'),
    installOptions: values('--install-option'),
  };
}

/** `a:1 a:2 b:3` as `{a: [1, 2], b: [3]}`; null where a separator is missing. */
function gather(
  pairs: readonly string[],
  separator: string,
): Record<string, readonly string[]> | null {
  if (pairs.length === 0) return {};
  const gathered = new Map<string, string[]>();
  for (const pair of pairs) {
    const end = pair.indexOf(separator);
    if (end === -1) return null;
    const key = pair.slice(0, end);
    const values = gathered.get(key);
    if (values === undefined) gathered.set(key, [pair.slice(end + 1)]);
    else values.push(pair.slice(end + 1));
  }
  return Object.fromEntries(gathered);
}

/** Where a nested file lies, in the words that pip's messages use for it. */
function nestedLocation(
  nested: string,
  naming: string,
  context: RequirementContext,
): string | null {
  if (isFileUrl(naming)) return joinUrl(naming, nested);
  if (isFileUrl(nested)) return nested;
  const folder = naming.slice(0, naming.lastIndexOf('/') + 1).replace(/\/+$/, '/');
  const joined = nested.startsWith('/') ? nested : folder + nested;
  // pip 24.3 made these paths absolute, to find files that name themselves.
  return release(context) >= 2403 ? resolve(context.directory, joined) : joined;
}

/** `urllib.parse.urljoin` for absolute URLs and plain relative paths; null for all else. */
function joinUrl(base: string, nested: string): string | null {
  if (/^(?:https?:\/\/|file:\/\/\/)/.test(nested)) return nested;
  const parts = /^((?:https?|file):\/\/[^/?#]*)(\/[^?#]*)/.exec(base);
  const [, authority = '', path = ''] = parts ?? [];
  if (parts === null || !/^[\w./-]+$/.test(nested) || nested.startsWith('//')) return null;
  const joined = nested.startsWith('/')
    ? nested
    : path.slice(0, path.lastIndexOf('/') + 1) + nested;
  if (joined.includes('//') || /(?:^|\/)\.{0,2}$/.test(joined)) return null;
  return authority + resolve('/', joined);
}

interface RequirementLine {
  readonly origin: Origin;
  readonly options: RequirementOptions;
}

/** `install_req_from_line`. */
function parseLine(
  text: string,
  line: RequirementLine,
  context: RequirementContext,
): NamedEntry | DirectEntry | UnknownEntry {
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
function parseEditable(
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
