import type { PipOptions } from '../../config/pip-config.ts';
import type {
  Decided,
  InstalledDistribution,
  Interpreter,
  NormalizedName,
} from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import type { ConsultedPage } from '../decisions.ts';
import { projectPage, searchRules, withoutCredentials } from '../pinned/places.ts';
import { holds, type InstallRequest } from '../request/request.ts';

/** A page, and how long its index says that it holds. */
export interface AnsweredPage extends ConsultedPage {
  /** The header field of that name. */
  readonly cacheControl: string | null;
}

interface Line {
  readonly request: InstallRequest;
  readonly options: PipOptions;
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  readonly context: { readonly interpreter: Interpreter };
}

/** Seconds for which a page is believed to hold, whatever its index says. */
const mostSeconds = 600;

/** For how many seconds all of the pages hold (RFC 9111, section 5.2.2): nothing where one says nothing. */
export function freshSecondsOf(pages: readonly AnsweredPage[]): number {
  const lives = pages.map(({ cacheControl }) => {
    const said = cacheControl?.toLowerCase() ?? '';
    if (/\b(?:no-cache|no-store)\b/.test(said)) return 0;
    return Number(/\bmax-age=(\d{1,9})\b/.exec(said)?.[1] ?? 0);
  });
  return Math.min(mostSeconds, ...lives);
}

/**
 * The pages that a decision rests on, or null where others may have had a part in it: pages of
 * `--find-links`, or those that pip had in a cache of its own and did not ask for.
 */
export function pagesOf(
  { request, options, installed, context }: Line,
  decided: readonly Decided[],
  answered: readonly AnsweredPage[],
): readonly ConsultedPage[] | null {
  const search = searchRules(request, options);
  if ('reason' in search || search.places.some(({ kind }) => kind === 'page')) return null;
  const indexes = search.places.flatMap((place) => (place.kind === 'index' ? [place.url] : []));
  const { markers } = context.interpreter;
  const named = request.entries.flatMap((entry) =>
    entry.kind === 'named' && !entry.origin.constraint && holds(entry, markers)
      ? [normalizeName(entry.requirement.name)]
      : [],
  );
  // What is installed and fits, pip does not look for.
  const missing = named.filter((key) => !installed.has(key));
  const fromIndex = decided.filter(({ direct }) => direct === null);
  const asked = new Set(answered.map(({ url }) => url));
  const needed = new Set([...missing, ...fromIndex.map(({ key }) => key)]);
  const isComplete = [...needed].every((key) =>
    indexes.every((index) => asked.has(new URL(withoutCredentials(projectPage(index, key))).href)),
  );
  if (!isComplete) return null;
  return answered.map(({ url, status, etag, lastModified, sha256 }) => {
    return { url, status, etag, lastModified, sha256 };
  });
}
