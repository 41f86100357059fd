/**
 * pip's requirement files and requirement words (`req/req_file.py`, `req/constructors.py`), read without pip. What pip
 * would refuse, warn of, or read by other rules than these becomes an `unknown` entry: then pip has to read it all.
 */
import { resolve } from 'node:path';
import { hasErrno } from '../../core/errors.ts';
import {
  type Origin,
  release,
  type RequirementContext,
  type RequirementEntry,
  unknown,
} from './entries.ts';
import {
  editableOptions,
  optionsEntry,
  parseOptions,
  reaches,
  requirementOptions,
  splitOptions,
  splitWords,
} from './options.ts';
import { decode, decodeAscii, logicalLines } from './text.ts';
import { parseEditable, parseLine } from './word.ts';

/** Reads a file and all that it names, in pip's order. `location` is a path or a URL, as it was given to `-r` or `-c`. */
export function readRequirementFile(
  location: string,
  constraint: boolean,
  context: RequirementContext,
): readonly RequirementEntry[] {
  const naming = { comesFrom: null, file: null, constraint, text: location };
  return readFile({ location, constraint, naming, ancestors: [], reads: { count: 0 } }, context);
}

interface File {
  readonly location: string;
  readonly constraint: boolean;
  /** The line that names it. */
  readonly naming: Origin;
  /** Itself left out. */
  readonly ancestors: readonly string[];
  /** Of all files together; two that each name the next one twice double it at each step. */
  readonly reads: { count: number };
}

/** Files within files; pip ends at some hundreds, for want of stack. */
const deepest = 50;
const mostReads = 1000;

function readFile(file: File, context: RequirementContext): readonly RequirementEntry[] {
  const { location, constraint, naming } = file;
  const isRemote = isFileUrl(location);
  const place = isRemote ? location : resolve(context.directory, location);
  const isTooDeep = file.ancestors.length > deepest || file.ancestors.includes(place);
  file.reads.count += 1;
  if (isTooDeep || file.reads.count > mostReads) {
    return [unknown(naming, 'recursion')];
  }
  const content = tryRead(place, context);
  if (content === null) return [unknown(naming, 'unreadable')];
  const text = isRemote ? decodeAscii(content) : decode(content);
  if (text === null) return [unknown(naming, 'encoding')];
  const entries: RequirementEntry[] = [{ kind: 'file', location: place, constraint, content }];
  for (const { number, text: line } of logicalLines(text, context.environment)) {
    const comesFrom = `${constraint ? '-c' : '-r'} ${location} (line ${number})`;
    const origin = { comesFrom, file: location, constraint, text: line };
    const within = { ...file, ancestors: [...file.ancestors, place] };
    // One by one: a call cannot take a hundred thousand arguments.
    for (const entry of parseFileLine(origin, within, context)) entries.push(entry);
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
  return readFile({ ...file, location, constraint, naming: origin }, context);
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
