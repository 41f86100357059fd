import type { NormalizedName } from '../../../core/types.ts';
import {
  compareRanks,
  type FileRules,
  rankFile,
  type RankedFile,
} from '../../../plan/pinned/candidates.ts';
import { contains, isPrerelease, type Specifier } from '../../../python/pep440.ts';
import { atLeast } from '../../../python/pip.ts';
import type { ReleaseFile } from '../../../store/releases.ts';

/** The files of a project that this Python takes, of whatever version; those whose names are unclear are pip's to judge. */
export function takenFiles(
  files: readonly ReleaseFile[],
  key: NormalizedName,
  rules: FileRules,
): readonly RankedFile[] {
  const tags = new Set(rules.interpreter.tags.map((tag) => tag.toLowerCase()));
  return files.flatMap((file) => {
    if (!mayFit(file.url, tags)) return [];
    const found = rankFile(file, { key, specifiers: [], hashes: {}, rules });
    return found === null || found === 'unclear' ? [] : [found];
  });
}

/**
 * False for wheels of other systems, which most files of many pages are: to read their names as
 * pip does takes ten times as long as to see that by their ends.
 */
function mayFit(url: string, tags: ReadonlySet<string>): boolean {
  const [, interpreters, abi, platforms] = /-([\w.]+)-(\w+)-([\w.]+)\.whl$/.exec(url) ?? [];
  if (interpreters === undefined || abi === undefined || platforms === undefined) return true;
  return platforms
    .split('.')
    .some((platform) =>
      interpreters
        .split('.')
        .some((interpreter) => tags.has(`${interpreter}-${abi}-${platform}`.toLowerCase())),
    );
}

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
