import type { NormalizedName, Version } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { parseRequirement } from '../../python/pep508.ts';

/** An archive that pip looked at while it decided. */
export interface Candidate {
  readonly key: NormalizedName;
  /** As the requirement spells it. */
  readonly spelling: string;
  readonly extras: readonly string[];
  /** As the archive's name has it. */
  readonly version: Version;
  /** Without credentials and fragment. */
  readonly url: string;
  readonly filename: string;
  /** The requirement as pip prints it. */
  readonly text: string;
  /** `requests->-r requirements.txt (line 1)`; null for what the command line names. */
  readonly comesFrom: string | null;
}

/** Two blanks deep are pip's own lines; those of the pips that it runs for builds lie deeper. */
const added =
  /^(?:\d{4}-\d\d-\d\dT\S+ )? {2}Added (.+?) from ((?:https?|file|ftp):\/\/\S+)(?: \(from (.*)\))? to build tracker u?['"]/;

/**
 * The archives that a pip of 18.1 to 22.1 looked at, in its order, out of its `--log`
 * (`req/req_tracker.py` notes each requirement with the link that it follows).
 */
export function parseDownloadLog(log: string): readonly Candidate[] {
  return log.split('\n').flatMap((line) => {
    const [, text, link, comesFrom = null] = added.exec(line) ?? [];
    const requirement = text === undefined ? null : parseRequirement(text);
    if (text === undefined || link === undefined || !requirement) return [];
    const url = new URL(link);
    url.username = '';
    url.password = '';
    url.hash = '';
    const filename = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
    const { name: spelling, extras } = requirement;
    const key = normalizeName(spelling);
    const version = versionOf(filename, key);
    return [{ key, spelling, extras, version, url: url.href, filename, text, comesFrom }];
  });
}

/** The version in an archive's name, found as pip finds it: what follows the project's name (`index/package_finder.py`). */
function versionOf(filename: string, key: NormalizedName): Version {
  if (filename.endsWith('.whl'))
    return (filename.split('-')[1] ?? '').replaceAll('_', '-') as Version;
  const stem = filename.replace(/\.(zip|tar\.\w+|t[a-z]+)$/i, '');
  for (let at = stem.indexOf('-'); at !== -1; at = stem.indexOf('-', at + 1)) {
    if (normalizeName(stem.slice(0, at)) === key) return stem.slice(at + 1) as Version;
  }
  return '' as Version;
}
