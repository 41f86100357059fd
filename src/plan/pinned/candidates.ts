/** Which of a release's files pip takes (`index/package_finder.py`: LinkEvaluator, CandidateEvaluator). */
import type { Interpreter, NormalizedName } from '../../core/types.ts';
import {
  compareVersions,
  contains,
  type ParsedVersion,
  parseSpecifiers,
  type Specifier,
} from '../../python/pep440.ts';
import { atLeast } from '../../python/pip.ts';
import { compareText } from '../../python/text.ts';
import type { ReleaseFile } from '../../store/releases.ts';
import { allowedFormats, type FormatControl } from './format-control.ts';
import { type ArchiveName, filenameOf, readArchiveName } from './filename.ts';

/** Digests by algorithm, lower case; empty: any will do. */
export type AllowedHashes = Readonly<Record<string, readonly string[]>>;

export interface CandidateQuestion {
  readonly key: NormalizedName;
  readonly specifiers: readonly Specifier[];
  readonly hashes: AllowedHashes;
  readonly rules: FileRules;
}

/** What holds for the files of every project. */
export interface FileRules {
  readonly interpreter: Interpreter;
  /** The version of pip. */
  readonly pip: string;
  readonly formats: FormatControl;
  readonly preferBinary: boolean;
  readonly ignoreRequiresPython: boolean;
}

export interface Candidate {
  readonly file: ReleaseFile;
  readonly filename: string;
  readonly version: ParsedVersion;
}

export type Choice =
  | { readonly outcome: 'chosen'; readonly candidate: Candidate }
  /** Nothing fits, or pip would have to say something about what does. */
  | { readonly outcome: 'none'; readonly reason: string };

/** A candidate, and where it stands among others of its project. */
export interface RankedFile extends Candidate {
  readonly rank: Rank;
}

/** Greater is better, compared member by member. */
interface Rank {
  readonly isHashAllowed: number;
  readonly binary: number;
  readonly version: ParsedVersion;
  /** The lower the tag's place, the better; an sdist comes after all tags. */
  readonly tag: number;
  readonly build: readonly [number: number, rest: string] | null;
}

/**
 * Of files in pip's order, the one that pip's resolver tries first.
 *
 * @param files of all places where pip looks, as it merges them: local files by falling URL, then
 *   pages, those of `--find-links` first.
 */
export function chooseFile(files: readonly ReleaseFile[], question: CandidateQuestion): Choice {
  const fitting: RankedFile[] = [];
  for (const file of files) {
    const found = rankFile(file, question);
    if (found === 'unclear') return none(`the name of ${file.url} is read in two ways`);
    if (found) fitting.push(found);
  }
  const isAnyAllowed = fitting.some(({ rank }) => rank.isHashAllowed === 1);
  const allowed = fitting.filter(
    ({ file, rank }) =>
      !isAnyAllowed || rank.isHashAllowed === 1 || Object.keys(file.hashes).length === 0,
  );
  // Where all are yanked and one is asked for by its version, pip takes it with a warning.
  const offered = allowed.filter(({ file }) => file.yanked === null);
  if (offered.length === 0) return none(fitting.length === 0 ? 'no file fits' : 'it was yanked');
  const isOldOrder = !atLeast(question.rules.pip, 21, 1);
  const isKnownMerge = atLeast(question.rules.pip, 22, 2);
  let best = offered[0];
  for (const candidate of offered.slice(1)) {
    if (best === undefined) break;
    const order = compareRanks(candidate.rank, best.rank, isOldOrder);
    // Older pips merge files in other orders, which matters for none but those that are alike.
    if (order === 0 && !isKnownMerge && candidate.file.url !== best.file.url) {
      return none('two files are alike');
    }
    // pip sorts stably and goes from the end.
    if (order >= 0) best = candidate;
  }
  return best ? { outcome: 'chosen', candidate: best } : none('no file fits');
}

function none(reason: string): Choice {
  return { outcome: 'none', reason };
}

/** How a file stands to a question; null where pip does not take it, `unclear` where only some pips do. */
export function rankFile(
  file: ReleaseFile,
  { key, specifiers, hashes, rules }: CandidateQuestion,
): RankedFile | 'unclear' | null {
  const filename = filenameOf(file.url);
  const name = readArchiveName(filename, key, rules.pip);
  const formats = allowedFormats(rules.formats, key);
  if (filename.endsWith('.whl') ? !formats.binary : !formats.source) return null;
  if (name === null || name === 'unclear') return name;
  const tag = tagOf(name, rules.interpreter);
  if (tag === null || !contains(specifiers, name.version, true)) return null;
  const python = pythonFits(file, name, rules);
  if (python !== true) return python === false ? null : python;
  const isHashAllowed = Object.entries(file.hashes).some(([algorithm, digest]) =>
    hashes[algorithm]?.includes(digest),
  );
  const rank = {
    isHashAllowed: isHashAllowed ? 1 : 0,
    binary: rules.preferBinary && name.wheel ? 1 : 0,
    version: name.version,
    tag,
    build: name.wheel?.build ?? null,
  };
  return { file, filename, version: name.version, rank };
}

const placesOfTags = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/** The place of the best of a wheel's tags; null where the interpreter takes none. */
function tagOf({ wheel }: ArchiveName, { tags }: Interpreter): number | null {
  if (wheel === null) return tags.length;
  let places = placesOfTags.get(tags);
  if (!places) {
    places = new Map(tags.map((tag, place) => [tag.toLowerCase(), place]));
    placesOfTags.set(tags, places);
  }
  const found = wheel.tags.map((tag) => places.get(tag) ?? Number.POSITIVE_INFINITY);
  const best = Math.min(...found);
  return Number.isFinite(best) ? best : null;
}

function pythonFits(
  { requiresPython }: ReleaseFile,
  { onlyPython }: ArchiveName,
  { interpreter, pip, ignoreRequiresPython }: FileRules,
): boolean | 'unclear' {
  if (onlyPython !== null && onlyPython !== interpreter.versionInfo.join('.')) return false;
  if (requiresPython === null || requiresPython === '' || ignoreRequiresPython) return true;
  // pip passes over what it cannot read, and before 24.1 it could read more.
  return isPythonMet(interpreter, requiresPython) ?? (atLeast(pip, 24, 1) ? true : 'unclear');
}

const metByPython = new WeakMap<Interpreter, Map<string, boolean | null>>();

/** Whether a Python is what a file requires; null where that cannot be read. Projects say the same of most of their files. */
export function isPythonMet(interpreter: Interpreter, requiresPython: string): boolean | null {
  const known = metByPython.get(interpreter) ?? new Map<string, boolean | null>();
  metByPython.set(interpreter, known);
  const met = known.get(requiresPython);
  if (met !== undefined) return met;
  const specifiers = parseSpecifiers(requiresPython);
  const found = specifiers && contains(specifiers, pythonRelease(interpreter), true);
  known.set(requiresPython, found);
  return found;
}

/** Three numbers, as pip compares them: a pre-release of Python counts as its release. */
export function pythonRelease({ version }: Interpreter): string {
  return /^\d+(?:\.\d+){0,2}/.exec(version)?.[0] ?? version;
}

/** Above zero where pip tries the left one first. */
export function compareRanks(left: Rank, right: Rank, isOldOrder: boolean): number {
  const tag = right.tag - left.tag;
  const build = compareBuilds(left.build, right.build);
  return (
    left.isHashAllowed - right.isHashAllowed ||
    left.binary - right.binary ||
    compareVersions(left.version, right.version) ||
    (isOldOrder ? build || tag : tag || build)
  );
}

function compareBuilds(left: Rank['build'], right: Rank['build']): number {
  if (left === null || right === null) return (left === null ? 0 : 1) - (right === null ? 0 : 1);
  return left[0] - right[0] || compareText(left[1], right[1]);
}

/** What both allow, where one that is empty allows all (`utils/hashes.py`). */
export function bothAllow(left: AllowedHashes, right: AllowedHashes): AllowedHashes {
  if (Object.keys(right).length === 0) return left;
  if (Object.keys(left).length === 0) return right;
  return Object.fromEntries(
    Object.entries(right).flatMap(([algorithm, digests]) => {
      const others = left[algorithm];
      return others ? [[algorithm, digests.filter((digest) => others.includes(digest))]] : [];
    }),
  );
}

export function sameVersion(left: ParsedVersion, right: ParsedVersion): boolean {
  return compareVersions(left, right) === 0;
}
