import { normalizeName } from '../../python/names.ts';
import { parseSpecifiers } from '../../python/pep440.ts';
import { bothAllow, chooseFile } from './candidates.ts';
import type { ChosenFile, Knowledge, PinnedRequest, Questions } from './resolve.ts';

/**
 * The file that a release will most likely be taken from, whatever else comes to light: what the
 * user says of its project decides nearly always. null where that excludes it.
 */
export function likelyFile(
  { constraints, demands, rules }: PinnedRequest,
  { filesOf }: Pick<Knowledge, 'filesOf'>,
  { key, version }: Questions['releases'][number],
): ChosenFile | null {
  const found = filesOf(key, version);
  const pin = parseSpecifiers(`==${version}`);
  if (found.outcome !== 'files' || pin === null) return null;
  const asked = demands.filter(({ requirement }) => normalizeName(requirement.name) === key);
  const constraint = constraints.get(key);
  const hashes = [...asked, ...(constraint ? [constraint] : [])]
    .map((one) => one.hashes)
    .reduce(bothAllow, {});
  const specifiers = [
    ...pin,
    ...asked.flatMap(({ requirement }) => requirement.specifiers),
    ...(constraint?.specifiers ?? []),
  ];
  const choice = chooseFile(found.files, { key, specifiers, hashes, rules });
  if (choice.outcome !== 'chosen') return null;
  const { candidate } = choice;
  const isAllowed =
    Object.keys(hashes).length === 0 ||
    Object.entries(candidate.file.hashes).some(([algorithm, digest]) =>
      hashes[algorithm]?.includes(digest),
    );
  return isAllowed ? { key, candidate } : null;
}
