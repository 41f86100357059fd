import type { Decided, MarkerEnvironment, NormalizedName } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { fileOptions, mentionsOption } from './options.ts';
import { holds, type InstallRequest } from './request.ts';

/**
 * False where hashes are asked for and an archive's is not among them. The hash in pip's answer
 * is the index's word; what pip held against the user's were the bytes that it fetched itself,
 * and ours are fetched later.
 */
export function areHashesMet(
  request: InstallRequest,
  decided: readonly Decided[],
  markers: MarkerEnvironment,
): boolean {
  if (!areHashesAsked(request, markers)) return true;
  const allowed = new Map<NormalizedName, string[]>();
  for (const entry of request.entries) {
    if (entry.kind !== 'named' || !holds(entry, markers)) continue;
    const key = normalizeName(entry.requirement.name);
    const hashes = entry.options.hashes['sha256'] ?? [];
    allowed.set(key, [...(allowed.get(key) ?? []), ...hashes.map((hash) => hash.toLowerCase())]);
  }
  return decided.every(
    ({ key, source }) => source.sha256 !== null && allowed.get(key)?.includes(source.sha256),
  );
}

/** Whether pip compares archives with hashes that the user names. */
export function areHashesAsked(request: InstallRequest, markers: MarkerEnvironment): boolean {
  return (
    mentionsOption(request, 'require-hashes') ||
    fileOptions(request).some(({ name }) => name === 'require-hashes') ||
    request.entries.some(
      (entry) =>
        (entry.kind === 'named' || entry.kind === 'direct') &&
        Object.keys(entry.options.hashes).length > 0 &&
        holds(entry, markers),
    )
  );
}
