/** PEP 508: dependency specifiers and environment markers, as `packaging.requirements` and `.markers` have them. */
import type { MarkerEnvironment } from '../core/types.ts';
import { normalizeName } from './names.ts';
import {
  contains,
  formatSpecifiers,
  isSpace,
  parseSpecifier,
  parseSpecifiers,
  parseVersion,
  type Specifier,
} from './pep440.ts';

export interface Requirement {
  /** As written. */
  readonly name: string;
  /** As written, each once. */
  readonly extras: readonly string[];
  readonly specifiers: readonly Specifier[];
  /** Of `name @ url`, as written. */
  readonly url: string | null;
  readonly marker: Marker | null;
}

export type Marker = MarkerGroup | MarkerComparison;
interface MarkerGroup {
  readonly kind: 'group';
  readonly members: readonly Marker[];
  /** What stands between the members, so one fewer than they are; `and` binds more tightly. */
  readonly joints: readonly Joint[];
}
type Joint = 'and' | 'or';
interface MarkerComparison {
  readonly kind: 'comparison';
  readonly left: Operand;
  readonly operator: string;
  readonly right: Operand;
}
interface Operand {
  readonly kind: 'variable' | 'text';
  readonly value: string;
}

/**
 * Reads one requirement; null where `packaging` refuses it, and for a marker with a backslash in a text, which
 * `packaging` reads as Python source.
 */
export function parseRequirement(text: string): Requirement | null {
  return parsePinned(text) ?? parseGeneral(text);
}

/** `name==1.2.3`, of which most lock files consist, and null for all else: the general way takes ten times as long. */
export function parsePinned(text: string): Requirement | null {
  const [, name, version = ''] =
    /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==([0-9]+(?:\.[0-9]+)*)$/.exec(text) ?? [];
  const parsed = name === undefined ? null : parseVersion(version);
  if (name === undefined || parsed === null) return null;
  const specifier = { operator: '==', version, parsed, wildcard: false } as const;
  return { name, extras: [], specifiers: [specifier], url: null, marker: null };
}

function parseGeneral(text: string): Requirement | null {
  const cursor = { text, position: 0, depth: 0 };
  skipBlanks(cursor);
  const name = takeIdentifier(cursor);
  if (name === null) return null;
  skipBlanks(cursor);
  const extras = takeExtras(cursor);
  if (extras === null) return null;
  skipBlanks(cursor);
  const isDirect = takeCharacter(cursor, '@');
  const url = isDirect ? takeUrl(cursor) : null;
  const specifiers = isDirect ? [] : takeSpecifiers(cursor);
  if (specifiers === null || (isDirect && url === null)) return null;
  skipBlanks(cursor);
  if (atEnd(cursor)) return { name, extras, specifiers, url, marker: null };
  const marker = takeCharacter(cursor, ';') ? takeMarker(cursor) : null;
  if (marker === null || !atEnd(cursor)) return null;
  return { name, extras, specifiers, url, marker };
}

/** `str(Requirement)` of packaging 22 and later. */
export function formatRequirement(requirement: Requirement): string {
  const { name, extras, specifiers, url, marker } = requirement;
  let text = name;
  if (extras.length > 0) text += `[${[...extras].sort().join(',')}]`;
  text += formatSpecifiers(specifiers);
  if (url !== null) text += ` @ ${url}`;
  if (marker === null) return text;
  return `${text}${url === null ? '' : ' '}; ${formatMarker(marker)}`;
}

/** Reads a marker on its own; null as for `parseRequirement`. */
export function parseMarker(text: string): Marker | null {
  const cursor = { text, position: 0, depth: 0 };
  const marker = takeMarker(cursor);
  return atEnd(cursor) ? marker : null;
}

/** `str(Marker)`. */
export function formatMarker(marker: Marker): string {
  return formatMember(marker, true);
}

/**
 * `Marker.evaluate` of packaging 26: versions are compared for the variables that hold versions, all else as text, for
 * which `<` and `>` are never true. (Before 26 any two versions were compared as such, and texts by their order.)
 *
 * @param extra the extra that the requirement is looked at for; empty for none.
 * @returns null where `packaging` raises: a variable without a value, `~=` or `===` between texts.
 */
export function evaluateMarker(
  marker: Marker,
  environment: MarkerEnvironment,
  extra: string,
): boolean | null {
  if (marker.kind === 'comparison') return compare(marker, environment, extra);
  let any = false;
  let all = true;
  // No early end: packaging raises for a comparison that no result depends on, too.
  for (const [index, member] of marker.members.entries()) {
    const value = evaluateMarker(member, environment, extra);
    if (value === null) return null;
    if (index > 0 && marker.joints[index - 1] === 'or') {
      any ||= all;
      all = true;
    }
    all &&= value;
  }
  return any || all;
}

const versionVariables: ReadonlySet<string> = new Set([
  'implementation_version',
  'platform_release',
  'python_full_version',
  'python_version',
]);

function compare(
  { left, operator, right }: MarkerComparison,
  environment: MarkerEnvironment,
  extra: string,
): boolean | null {
  // The side that is not looked up stands for itself, also where it is no quoted text.
  const key = left.kind === 'variable' ? left.value : right.value;
  const value = key === 'extra' ? normalizeName(extra) : lookUp(environment, key);
  if (value === null) return null;
  const [first, second] = left.kind === 'variable' ? [value, right.value] : [left.value, value];
  if (versionVariables.has(key)) {
    const specifier = parseSpecifier(operator + second);
    if (specifier !== null) return contains([specifier], first, true);
  }
  return compareTexts(first, operator, second);
}

function lookUp(environment: MarkerEnvironment, key: string): string | null {
  const value = Object.hasOwn(environment, key) ? environment[key] : undefined;
  if (value === undefined) return null;
  // Untagged builds of Python call themselves `3.14.0a1+`, which is no version.
  return key === 'python_full_version' && value.endsWith('+') ? `${value}local` : value;
}

function compareTexts(left: string, operator: string, right: string): boolean | null {
  switch (operator) {
    case 'in':
      return right.includes(left);
    case 'not in':
      return !right.includes(left);
    case '==':
    case '<=':
    case '>=':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
    case '>':
      return false;
    default:
      return null;
  }
}

function formatMember(marker: Marker, outermost: boolean): string {
  if (marker.kind === 'comparison') {
    return `${formatOperand(marker.left)} ${marker.operator} ${formatOperand(marker.right)}`;
  }
  const [only] = marker.members;
  if (only !== undefined && marker.members.length === 1) return formatMember(only, outermost);
  const text = marker.members
    .flatMap((member, index) => {
      const joint = marker.joints[index];
      return joint === undefined
        ? [formatMember(member, false)]
        : [formatMember(member, false), joint];
    })
    .join(' ');
  return outermost ? text : `(${text})`;
}

function formatOperand({ kind, value }: Operand): string {
  if (kind === 'variable') return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

interface Cursor {
  readonly text: string;
  position: number;
  /** Brackets around it. */
  depth: number;
}

function atEnd(cursor: Cursor): boolean {
  return cursor.position >= cursor.text.length;
}

/** PEP 508's white space: spaces and tabs. */
function skipBlanks(cursor: Cursor): void {
  while (isBlank(cursor.text.charCodeAt(cursor.position))) cursor.position++;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function takeCharacter(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.position] !== character) return false;
  cursor.position++;
  return true;
}

/** Letters, digits, `.`, `-`, `_`; from a letter or digit to one or to `_`. */
function takeIdentifier(cursor: Cursor): string | null {
  const start = cursor.position;
  let end = start;
  while (isIdentifierPart(cursor.text.charCodeAt(end))) end++;
  if (end === start || '._-'.includes(cursor.text[start] ?? '')) return null;
  if ('.-'.includes(cursor.text[end - 1] ?? '')) return null;
  cursor.position = end;
  return cursor.text.slice(start, end);
}

function isIdentifierPart(code: number): boolean {
  return isWordPart(code) || code === 0x2d || code === 0x2e;
}

/** Python's `\w` within ASCII. */
function isWordPart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f
  );
}

function takeExtras(cursor: Cursor): readonly string[] | null {
  if (!takeCharacter(cursor, '[')) return [];
  skipBlanks(cursor);
  const extras = new Set<string>();
  if (takeCharacter(cursor, ']')) return [];
  do {
    skipBlanks(cursor);
    const extra = takeIdentifier(cursor);
    if (extra === null) return null;
    extras.add(extra);
    skipBlanks(cursor);
  } while (takeCharacter(cursor, ','));
  return takeCharacter(cursor, ']') ? [...extras] : null;
}

/** A URL reaches to the next blank, so a `;` right after it is a part of it. */
function takeUrl(cursor: Cursor): string | null {
  skipBlanks(cursor);
  const start = cursor.position;
  while (!atEnd(cursor) && !isBlank(cursor.text.charCodeAt(cursor.position))) cursor.position++;
  return cursor.position === start ? null : cursor.text.slice(start, cursor.position);
}

/** `>=1,<2`, `(>=1,<2)` of older metadata, or nothing. */
function takeSpecifiers(cursor: Cursor): readonly Specifier[] | null {
  const bracketed = takeCharacter(cursor, '(');
  skipBlanks(cursor);
  const start = cursor.position;
  while ('<>=!~'.includes(cursor.text[cursor.position] ?? ' ')) {
    skipClause(cursor);
    skipBlanks(cursor);
    if (!takeCharacter(cursor, ',')) break;
    skipBlanks(cursor);
  }
  const specifiers = parseSpecifiers(cursor.text.slice(start, cursor.position));
  return bracketed && !takeCharacter(cursor, ')') ? null : specifiers;
}

/** An operator and what follows it, up to what cannot belong to a version; a comma can where `===` stands. */
function skipClause(cursor: Cursor): void {
  const { text } = cursor;
  const isArbitrary = text.startsWith('===', cursor.position);
  while ('<>=!~'.includes(text[cursor.position] ?? ' ')) cursor.position++;
  while (isSpace(text.charCodeAt(cursor.position))) cursor.position++;
  while (!atEnd(cursor)) {
    const code = text.charCodeAt(cursor.position);
    if (code === 0x3b || code === 0x29 || isSpace(code)) return;
    if (code === 0x2c && !isArbitrary) return;
    cursor.position++;
  }
}

/** Members and what joins them, and the blanks around them. */
function takeMarker(cursor: Cursor): Marker | null {
  const members: Marker[] = [];
  const joints: Joint[] = [];
  for (;;) {
    skipBlanks(cursor);
    const member = takeCharacter(cursor, '(') ? takeBracketed(cursor) : takeComparison(cursor);
    if (member === null) return null;
    members.push(member);
    skipBlanks(cursor);
    const joint = takeWord(cursor, 'and') ?? takeWord(cursor, 'or');
    if (joint === null) break;
    joints.push(joint);
  }
  return { kind: 'group', members, joints };
}

/** `packaging` gives up at some two hundred, for want of stack. */
const deepestBrackets = 100;

function takeBracketed(cursor: Cursor): Marker | null {
  cursor.depth += 1;
  const marker = cursor.depth > deepestBrackets ? null : takeMarker(cursor);
  cursor.depth -= 1;
  return takeCharacter(cursor, ')') ? marker : null;
}

function takeComparison(cursor: Cursor): MarkerComparison | null {
  const left = takeOperand(cursor);
  skipBlanks(cursor);
  const operator = takeOperator(cursor);
  skipBlanks(cursor);
  const right = takeOperand(cursor);
  if (left === null || operator === null || right === null) return null;
  // PEP 685: names of extras are compared, and printed, in their normal form.
  if (isNamed(left, 'extra')) return { kind: 'comparison', left, operator, right: normal(right) };
  const isNameList =
    isNamed(right, 'extra') || isNamed(right, 'extras') || isNamed(right, 'dependency_groups');
  return { kind: 'comparison', left: isNameList ? normal(left) : left, operator, right };
}

function isNamed(operand: Operand, variable: string): boolean {
  return operand.kind === 'variable' && operand.value === variable;
}

function normal(operand: Operand): Operand {
  return operand.kind === 'text' ? { kind: 'text', value: normalizeName(operand.value) } : operand;
}

const markerOperators = ['===', '==', '~=', '!=', '<=', '>=', '<', '>'];

function takeOperator(cursor: Cursor): string | null {
  const word = takeWord(cursor, 'in');
  if (word !== null) return word;
  if (takeWord(cursor, 'not') !== null) {
    const start = cursor.position;
    skipBlanks(cursor);
    return cursor.position > start && takeWord(cursor, 'in') !== null ? 'not in' : null;
  }
  const found = markerOperators.find((operator) =>
    cursor.text.startsWith(operator, cursor.position),
  );
  if (found === undefined) return null;
  cursor.position += found.length;
  return found;
}

function takeWord<Word extends string>(cursor: Cursor, word: Word): Word | null {
  const end = cursor.position + word.length;
  if (!cursor.text.startsWith(word, cursor.position)) return null;
  if (isWordPart(cursor.text.charCodeAt(end))) return null;
  cursor.position = end;
  return word;
}

/** Every spelling of a variable (those of PEP 345 and of setuptools too) and its name. */
const variables: ReadonlyMap<string, string> = new Map([
  ...[
    'python_version',
    'python_full_version',
    'os_name',
    'sys_platform',
    'platform_release',
    'platform_system',
    'platform_version',
    'platform_machine',
    'platform_python_implementation',
    'implementation_name',
    'implementation_version',
    'extra',
    'extras',
    'dependency_groups',
  ].map((name) => [name, name] as const),
  ['os.name', 'os_name'],
  ['sys.platform', 'sys_platform'],
  ['platform.version', 'platform_version'],
  ['platform.machine', 'platform_machine'],
  ['platform.python_implementation', 'platform_python_implementation'],
  ['python_implementation', 'platform_python_implementation'],
]);

function takeOperand(cursor: Cursor): Operand | null {
  const quote = cursor.text[cursor.position];
  if (quote === '"' || quote === "'") return takeText(cursor, quote);
  const start = cursor.position;
  let end = start;
  while (isWordPart(cursor.text.charCodeAt(end)) || cursor.text[end] === '.') end++;
  const name = variables.get(cursor.text.slice(start, end));
  if (name === undefined) return null;
  cursor.position = end;
  return { kind: 'variable', value: name };
}

function takeText(cursor: Cursor, quote: string): Operand | null {
  const end = cursor.text.indexOf(quote, cursor.position + 1);
  if (end === -1) return null;
  const value = cursor.text.slice(cursor.position + 1, end);
  // What Python's own string literals would read differently, or not at all.
  if (/[\\\n\r\0]/.test(value)) return null;
  cursor.position = end + 1;
  return { kind: 'text', value };
}
