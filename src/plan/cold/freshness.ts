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

/** A page that pip was answered with: what its decision rests on. */
export interface AnsweredPage extends ConsultedPage {
  /** For how many seconds it holds by its index's word. */
  readonly freshSeconds: number;
}

interface Line {
  readonly request: InstallRequest;
  readonly options: PipOptions;
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  readonly context: { readonly interpreter: Interpreter };
}

/** Seconds for which a page is believed to hold, whatever its index says. */
const mostSeconds = 600;

/**
 * For how many seconds an answer holds (RFC 9111, section 4.2): what its `Cache-Control` says, less
 * the time that it has spent in caches on its way (`Age`). None where it says nothing.
 */
export function freshSecondsOf(cacheControl: string | null, age: string | null): number {
  const said = cacheControl?.toLowerCase() ?? '';
  if (/\b(?:no-cache|no-store)\b/.test(said)) return 0;
  const life = Number(/\bmax-age="?(\d{1,9})\b/.exec(said)?.[1] ?? 0);
  const spent = /^\d{1,9}$/.test(age ?? '') ? Number(age) : 0;
  return Math.max(0, Math.min(mostSeconds, life - spent));
}

/** For how many seconds all of the pages hold. */
export function shortestLife(pages: readonly AnsweredPage[]): number {
  return Math.min(mostSeconds, ...pages.map(({ freshSeconds }) => freshSeconds));
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
