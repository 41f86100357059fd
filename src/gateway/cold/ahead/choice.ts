import type { Interpreter, NormalizedName } from '../../../core/types.ts';
import {
  compareRanks,
  isPythonMet,
  type FileRules,
  rankFile,
  type RankedFile,
} from '../../../plan/pinned/candidates.ts';
import type { PageLink } from '../../../obtain/cold/index/page.ts';
import { isInstaller, plainNameOf } from '../../../plan/pinned/filename.ts';
import { contains, formatVersion, isPrerelease, type Specifier } from '../../../python/pep440.ts';
import { atLeast } from '../../../python/pip.ts';
import type { ReleaseFile } from '../../../store/releases.ts';

/** Those of these files that this Python takes, of whatever version; those whose names are unclear are pip's to judge. */
export function takenFiles(
  files: readonly ReleaseFile[],
  key: NormalizedName,
  rules: FileRules,
): readonly RankedFile[] {
  return files.flatMap((file) => {
    const found = rankFile(file, { key, specifiers: [], hashes: {}, rules });
    return found === null || found === 'unclear' ? [] : [found];
  });
}

/**
 * Tells wheels of other systems, which most files of many pages are, and installers by their
 * addresses; to read their names as pip does takes ten times as long. pip passes over them, and says
 * so under `-v` alone (`index/package_finder.py`, `evaluate_link`).
 */
export function foreignTo({ tags }: Interpreter): (address: string) => boolean {
  const taken = new Set(tags.map((tag) => tag.toLowerCase()));
  return (address) => {
    if (isInstaller(address)) return true;
    const wheel = plainNameOf(address)?.tags ?? null;
    if (wheel === null) return false;
    const interpreters = wheel.interpreters.split('.');
    const fits = (platform: string) =>
      interpreters.some((interpreter) =>
        taken.has(`${interpreter}-${wheel.abi}-${platform}`.toLowerCase()),
      );
    return !wheel.platforms.split('.').some(fits);
  };
}

/**
 * The places of sdists that pip would try only after a wheel of the same version: one that it takes,
 * and whose metadata it then finds to contradict its name (`resolvelib/found_candidates.py`).
 */
export function spareSdists(
  links: readonly PageLink[],
  taken: readonly RankedFile[],
): readonly number[] {
  const releaseOf = ({ file, version }: RankedFile) =>
    `${formatVersion(version)} ${file.requiresPython ?? ''}`;
  const offered = taken.filter(({ file }) => file.yanked === null);
  const isWheel = ({ filename }: RankedFile) => filename.endsWith('.whl');
  const wheels = offered.filter((file) => isWheel(file) && file.file.metadata !== null);
  const releases = new Set(wheels.map(releaseOf));
  const sdists = offered.filter((file) => !isWheel(file) && releases.has(releaseOf(file)));
  const spare = new Set(sdists.map(({ file }) => file));
  return links.flatMap(({ at, file }) => (spare.has(file) ? [at] : []));
}

/**
 * Tells what a file requires of Python and this one meets; null for pips that keep in mind what they
 * have read once, as since 25.0 (`utils/packaging.py`, `check_requires_python`): others read it for
 * every file, which takes a third of their time for a page.
 */
export function metBy({
  interpreter,
  pip,
}: Pick<FileRules, 'interpreter' | 'pip'>): ((requiresPython: string) => boolean) | null {
  if (atLeast(pip, 25, 0)) return null;
  return (text) => plainSpecifiers.test(text) && isPythonMet(interpreter, text) === true;
}

/** Without epochs, phases and a `v`, of which each packaging has its own opinion. */
const plainSpecifiers = /^(?:\s*(?:[<>!=~]=|[<>]|===)\s*\d+(?:\.\d+)*(?:\.\*)?\s*(?:,|$))+$/;

export interface ChoiceRules {
  readonly specifiers: readonly Specifier[];
  /** `--pre` */
  readonly prereleases: boolean;
  /** The version of pip. */
  readonly pip: string;
}

/**
 * The file that pip most likely tries first (`package_finder.py`, `get_applicable_candidates`):
 * the newest that fits, a pre-release where it is asked for or nothing else is there.
 */
export function likeliest(files: readonly RankedFile[], rules: ChoiceRules): RankedFile | null {
  const { specifiers, prereleases, pip } = rules;
  const fitting = files.filter(({ version }) => contains(specifiers, version, true));
  const isAnyTaken = prereleases || specifiers.some(namesPrerelease);
  const stable = isAnyTaken ? [] : fitting.filter(({ version }) => !isPrerelease(version));
  const pool = stable.length > 0 ? stable : fitting;
  const offered = pool.filter(({ file }) => file.yanked === null);
  const isOldOrder = !atLeast(pip, 21, 1);
  let best: RankedFile | null = null;
  for (const candidate of offered.length > 0 || !specifiers.some(isExact) ? offered : pool) {
    // pip sorts stably and goes from the end.
    if (!best || compareRanks(candidate.rank, best.rank, isOldOrder) >= 0) best = candidate;
  }
  return best;
}

function namesPrerelease(specifier: Specifier): boolean {
  if (specifier.operator === '===' || specifier.operator === '!=') return false;
  return isPrerelease(specifier.parsed);
}

function isExact(specifier: Specifier): boolean {
  return specifier.operator === '===' || (specifier.operator === '==' && !specifier.wildcard);
}
