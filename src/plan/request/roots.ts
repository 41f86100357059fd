import type { Decided, Interpreter, MarkerEnvironment, NormalizedName } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { atLeast } from '../../python/pip.ts';
import { holds, type InstallRequest } from './request.ts';

/** The projects that the user named, with their extras. */
export function namedRoots(
  request: InstallRequest,
  markers: MarkerEnvironment,
): readonly { name: string; extras: readonly string[] }[] {
  return request.entries.flatMap((entry) => {
    if (!holds(entry, markers)) return [];
    if (entry.kind === 'named' && !entry.origin.constraint) {
      return [{ name: entry.requirement.name, extras: entry.requirement.extras }];
    }
    return entry.kind === 'direct' && entry.name
      ? [{ name: entry.name, extras: entry.extras }]
      : [];
  });
}

/** The projects that requirements and constraints name, in their order. */
export function mentioned(
  request: InstallRequest,
  markers: MarkerEnvironment,
): readonly NormalizedName[] {
  return request.entries.flatMap((entry) =>
    entry.kind === 'named' && holds(entry, markers) ? [normalizeName(entry.requirement.name)] : [],
  );
}

/**
 * What the user named, in pip's order of messages: a wheel by path goes by the name of its file,
 * an sdist or a folder by that of its metadata.
 */
export function requestedRoots(
  request: InstallRequest,
  decided: readonly Decided[],
  { markers, pip }: Interpreter,
): readonly { name: string; extras: readonly string[] }[] {
  const unnamed = decided
    .filter(({ requested }) => requested)
    .map(({ metadata, extras, direct, source }) => {
      const isWheel = direct !== null && source.filename.endsWith('.whl');
      return {
        name: isWheel ? wheelName(source.filename, pip?.version ?? '26.3') : metadata.name,
        extras,
      };
    });
  return [...namedRoots(request, markers), ...unnamed];
}

/** `pip/_internal/models/wheel.py`, which leaves it to packaging since 25.1. */
function wheelName(filename: string, pip: string): string {
  const written = filename.slice(0, filename.indexOf('-'));
  return atLeast(pip, 25, 1) ? normalizeName(written) : written.replaceAll('_', '-');
}
