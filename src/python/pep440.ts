/** PEP 440: versions and version specifiers, with `packaging` as the standard that decides doubtful cases. */

/** A number of a version. Python's have no upper end: `bigint` beyond 2^53. */
export type VersionNumber = number | bigint;

export interface ParsedVersion {
  readonly epoch: VersionNumber;
  /** As many numbers as were written: `1.0.0` has three. */
  readonly release: readonly VersionNumber[];
  readonly pre: PreRelease | null;
  readonly post: VersionNumber | null;
  readonly dev: VersionNumber | null;
  /** Lower case. */
  readonly local: readonly (string | VersionNumber)[] | null;
}

export interface PreRelease {
  readonly phase: 'a' | 'b' | 'rc';
  readonly number: VersionNumber;
}

const operators = ['===', '==', '!=', '<=', '>=', '~=', '<', '>'] as const;
export type Operator = (typeof operators)[number];

/** One clause of a specifier set: `>=1.0`, `==2.*`, `===2004d`. */
export type Specifier = VersionSpecifier | ArbitrarySpecifier;
interface VersionSpecifier {
  readonly operator: Exclude<Operator, '==='>;
  /** As written, `.*` included. */
  readonly version: string;
  /** The version without `.*`. */
  readonly parsed: ParsedVersion;
  /** `==1.*`, `!=1.*`. */
  readonly wildcard: boolean;
}
interface ArbitrarySpecifier {
  readonly operator: '===';
  /** Anything without white space, `;` and `)`. */
  readonly version: string;
}

/** Reads a version as `packaging.version.Version` does; null for one that PEP 440 does not know. */
export function parseVersion(text: string): ParsedVersion | null {
  return parseRelease(text) ?? parseFull(strip(text));
}

/** Negative, 0 or positive, for sorting from old to new; `1.0` equals `1.0.0`. */
export function compareVersions(left: ParsedVersion, right: ParsedVersion): number {
  return comparePublic(left, right) || compareLocal(left.local, right.local);
}

/** `str(Version)`: the normalised spelling, trailing zeros kept. */
export function formatVersion(version: ParsedVersion): string {
  const { epoch, release, pre, post, dev, local } = version;
  let text = epoch === 0 ? release.join('.') : `${epoch}!${release.join('.')}`;
  if (pre !== null) text += `${pre.phase}${pre.number}`;
  if (post !== null) text += `.post${post}`;
  if (dev !== null) text += `.dev${dev}`;
  return local === null ? text : `${text}+${local.join('.')}`;
}

/** One spelling for all versions that `==` without a local part takes for the same: `1.0`, `1.0.0` and `1+cpu` are `1`. */
export function publicVersion(version: ParsedVersion): string {
  return formatVersion({ ...withoutTrailingZeros(version), local: null });
}

/** True for `1.0a1`, `1.0.dev1`, `1.0.post1.dev1`. */
export function isPrerelease(version: ParsedVersion): boolean {
  return version.pre !== null || version.dev !== null;
}

/** Reads `>=1.0, !=1.3` as `packaging.specifiers.SpecifierSet` does; null where any clause is invalid. */
export function parseSpecifiers(text: string): readonly Specifier[] | null {
  const specifiers: Specifier[] = [];
  for (const clause of text.split(',')) {
    const stripped = strip(clause);
    if (stripped === '') continue;
    const specifier = parseSpecifier(stripped);
    if (specifier === null) return null;
    specifiers.push(specifier);
  }
  return specifiers;
}

/** One clause, without a comma; null where it is invalid. */
export function parseSpecifier(text: string): Specifier | null {
  const stripped = strip(text);
  const operator = operators.find((candidate) => stripped.startsWith(candidate));
  if (operator === undefined) return null;
  const version = strip(stripped.slice(operator.length));
  if (operator === '===') return hasBreak(version) ? null : { operator, version };
  return parseVersionSpecifier(operator, version);
}

/**
 * `SpecifierSet.contains(version, prereleases)` of packaging 26: without a word on pre-releases one that fits is
 * taken, since a single version has no final release beside it. (Before 26 it was refused then, unless a clause
 * named a pre-release.) What is no PEP 440 version fits only `===` and the empty set.
 */
export function contains(
  specifiers: readonly Specifier[],
  version: ParsedVersion | string,
  prereleases: boolean | null = null,
): boolean {
  const parsed = typeof version === 'string' ? parseVersion(version) : version;
  if (prereleases === false && parsed !== null && isPrerelease(parsed)) return false;
  return specifiers.every((specifier) =>
    specifier.operator === '==='
      ? specifier.version.toLowerCase() === spelling(version).toLowerCase()
      : parsed !== null && fits(specifier, parsed),
  );
}

/** `str(SpecifierSet)`: sorted, clauses that mean the same once, joined by commas. */
export function formatSpecifiers(specifiers: readonly Specifier[]): string {
  const [first] = specifiers;
  if (specifiers.length === 1 && first !== undefined) return formatSpecifier(first);
  const sorted = specifiers
    .map((specifier) => ({ text: formatSpecifier(specifier), meaning: meaning(specifier) }))
    .sort((left, right) => (left.text < right.text ? -1 : left.text > right.text ? 1 : 0));
  const seen = new Set<string>();
  return sorted
    .filter(({ meaning }) => !seen.has(meaning) && seen.add(meaning))
    .map(({ text }) => text)
    .join(',');
}

/** Python's `str.strip()`, whose white space is not that of `String.prototype.trim`. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/** Python's `str.isspace()` for a code unit; all such characters lie in the basic plane. */
export function isSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code >= 0x1c;
  if (code < 0x85) return false;
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** The common case in one pass: digits and dots. */
function parseRelease(text: string): ParsedVersion | null {
  const release: number[] = [];
  let number = -1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (isDigit(code)) {
      number = (number < 0 ? 0 : number * 10) + code - 0x30;
      if (number > Number.MAX_SAFE_INTEGER) return null;
    } else if (code === 0x2e && number >= 0) {
      release.push(number);
      number = -1;
    } else {
      return null;
    }
  }
  if (number < 0) return null;
  release.push(number);
  return { epoch: 0, release, pre: null, post: null, dev: null, local: null };
}

const phases: Readonly<Record<string, PreRelease['phase']>> = {
  alpha: 'a',
  a: 'a',
  beta: 'b',
  b: 'b',
  preview: 'rc',
  pre: 'rc',
  c: 'rc',
  rc: 'rc',
};

// The grammar of PEP 440's appendix B. Each part starts with what no part before it can end with, so that a failure
// costs no more than one walk back.
const versionPattern =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[._-]?(alpha|a|beta|b|preview|pre|c|rc)[._-]?(\d+)?)?(?:-(\d+)|[._-]?(post|rev|r)[._-]?(\d+)?)?(?:[._-]?(dev)[._-]?(\d+)?)?(?:\+([a-z0-9]+(?:[._-][a-z0-9]+)*))?$/i;

function parseFull(text: string): ParsedVersion | null {
  const match = versionPattern.exec(text);
  if (match === null) return null;
  const [, epoch = '0', release = '', phase, preNumber, dashed, postWord, postNumber] = match;
  const [devWord, devNumber, local] = match.slice(8);
  return {
    epoch: toNumber(epoch),
    release: release.split('.').map(toNumber),
    pre: phase === undefined ? null : preRelease(phase, preNumber),
    post:
      dashed === undefined && postWord === undefined ? null : toNumber(dashed ?? postNumber ?? '0'),
    dev: devWord === undefined ? null : toNumber(devNumber ?? '0'),
    local: local === undefined ? null : parseLocal(local),
  };
}

function preRelease(phase: string, number = '0'): PreRelease {
  return { phase: phases[phase.toLowerCase()] ?? 'rc', number: toNumber(number) };
}

function parseLocal(text: string): ParsedVersion['local'] {
  const parts = text.toLowerCase().split(/[._-]/);
  return parts.map((part) => (/^\d+$/.test(part) ? toNumber(part) : part));
}

function toNumber(digits: string): VersionNumber {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

function parseVersionSpecifier(
  operator: VersionSpecifier['operator'],
  version: string,
): VersionSpecifier | null {
  const wildcard = version.endsWith('.*');
  const parsed = parseVersion(wildcard ? version.slice(0, -2) : version);
  if (parsed === null) return null;
  const isRange = operator !== '==' && operator !== '!=';
  if (wildcard && (isRange || !isWrittenRelease(version.slice(0, -2)))) return null;
  if (isRange && parsed.local !== null) return null;
  if (operator === '~=' && parsed.release.length < 2) return null;
  return { operator, version, parsed, wildcard };
}

/** `1.2`, `v1!2.3`: a version that takes `.*`. Judged by its text, since `1.0-` is one too many for `1.0-.*`. */
function isWrittenRelease(text: string): boolean {
  return /^v?(?:[0-9]+!)?[0-9.]+$/i.test(text);
}

function hasBreak(version: string): boolean {
  for (let index = 0; index < version.length; index++) {
    const code = version.charCodeAt(index);
    if (code === 0x3b || code === 0x29 || isSpace(code)) return true;
  }
  return false;
}

function fits(specifier: VersionSpecifier, version: ParsedVersion): boolean {
  const { operator, parsed, wildcard } = specifier;
  switch (operator) {
    case '==':
      return wildcard ? hasPrefix(version, parsed, parsed.release.length) : equals(version, parsed);
    case '!=':
      return !(wildcard
        ? hasPrefix(version, parsed, parsed.release.length)
        : equals(version, parsed));
    case '<=':
      return comparePublic(version, parsed) <= 0;
    case '>=':
      return comparePublic(version, parsed) >= 0;
    case '~=':
      return (
        comparePublic(version, parsed) >= 0 && hasPrefix(version, parsed, parsed.release.length - 1)
      );
    case '<':
      // `<1.0` leaves out the pre-releases of 1.0 as well.
      return isPrerelease(parsed)
        ? comparePublic(version, parsed) < 0
        : comparePublic(version, { ...parsed, dev: 0 }) < 0;
    case '>':
      return comparePublic(version, parsed) > 0 && !isPostOf(version, parsed);
    default:
      return operator satisfies never;
  }
}

/** A local version equals its public one, unless the specifier names a local version. */
function equals(version: ParsedVersion, wanted: ParsedVersion): boolean {
  return (
    comparePublic(version, wanted) === 0 &&
    (wanted.local === null || compareLocal(version.local, wanted.local) === 0)
  );
}

function hasPrefix(version: ParsedVersion, prefix: ParsedVersion, length: number): boolean {
  if (version.epoch !== prefix.epoch) return false;
  for (let index = 0; index < length; index++) {
    if ((version.release[index] ?? 0) !== prefix.release[index]) return false;
  }
  return true;
}

/** `>1.0` leaves out `1.0.post1`; `>1.0.post1` and `>1.0.dev1` have no post-releases of their own. */
function isPostOf(version: ParsedVersion, base: ParsedVersion): boolean {
  if (base.post !== null || base.dev !== null || version.epoch !== base.epoch) return false;
  return compareRelease(version.release, base.release) === 0 && comparePre(version, base) === 0;
}

function spelling(version: ParsedVersion | string): string {
  return typeof version === 'string' ? version : formatVersion(version);
}

function comparePublic(left: ParsedVersion, right: ParsedVersion): number {
  return (
    compareNumbers(left.epoch, right.epoch) ||
    compareRelease(left.release, right.release) ||
    comparePre(left, right) ||
    compareNumbers(left.post ?? -1, right.post ?? -1) ||
    compareDev(left.dev, right.dev)
  );
}

function compareNumbers(left: VersionNumber, right: VersionNumber): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareRelease(left: readonly VersionNumber[], right: readonly VersionNumber[]): number {
  const length = Math.max(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const order = compareNumbers(left[index] ?? 0, right[index] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePre(left: ParsedVersion, right: ParsedVersion): number {
  return (
    preRank(left) - preRank(right) || compareNumbers(left.pre?.number ?? 0, right.pre?.number ?? 0)
  );
}

/** `1.0.dev1` comes before `1.0a1`, `1.0` after `1.0rc1`, and `1.0.post1.dev1` after `1.0`. */
function preRank(version: ParsedVersion): number {
  if (version.pre === null) return version.dev !== null && version.post === null ? -1 : 3;
  return version.pre.phase === 'a' ? 0 : version.pre.phase === 'b' ? 1 : 2;
}

function compareDev(left: VersionNumber | null, right: VersionNumber | null): number {
  if (left === null || right === null) return (left === null ? 1 : 0) - (right === null ? 1 : 0);
  return compareNumbers(left, right);
}

/** None before some, words before numbers, a beginning before what goes on from it. */
function compareLocal(left: ParsedVersion['local'], right: ParsedVersion['local']): number {
  if (left === null || right === null) return (left === null ? 0 : 1) - (right === null ? 0 : 1);
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareLocalParts(left[index] ?? 0, right[index] ?? 0);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareLocalParts(left: string | VersionNumber, right: string | VersionNumber): number {
  if (typeof left === 'string' && typeof right === 'string') {
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (typeof left === 'string') return -1;
  return typeof right === 'string' ? 1 : compareNumbers(left, right);
}

function formatSpecifier(specifier: Specifier): string {
  return specifier.operator + specifier.version;
}

/** The same for clauses that mean the same: `==1.0` and `==1.0.0`, but not `~=1.0` and `~=1.0.0`. */
function meaning(specifier: Specifier): string {
  if (specifier.operator === '===' || specifier.wildcard) return formatSpecifier(specifier);
  if (specifier.operator === '~=') return `~=${formatVersion(specifier.parsed)}`;
  return specifier.operator + formatVersion(withoutTrailingZeros(specifier.parsed));
}

function withoutTrailingZeros(version: ParsedVersion): ParsedVersion {
  let length = version.release.length;
  while (length > 1 && version.release[length - 1] === 0) length--;
  return { ...version, release: version.release.slice(0, length) };
}
