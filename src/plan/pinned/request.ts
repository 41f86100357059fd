import type { PipOptions } from '../../config/pip-config.ts';
import type { InstalledDistribution, Interpreter, NormalizedName } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { formatMarker } from '../../python/pep508.ts';
import { resolverOf } from '../../python/pip.ts';
import { holds, type InstallRequest } from '../request/request.ts';
import type { NamedEntry } from '../requirements/entries.ts';
import { type AllowedHashes, bothAllow } from './candidates.ts';
import { type Demand, ignoringLine } from './demand.ts';
import { type Place, searchRules } from './places.ts';
import type { Constraint, PinnedRequest } from './resolve.ts';

/** A request that may be decided here. */
export interface PinnedQuestion {
  readonly request: PinnedRequest;
  readonly places: readonly Place[];
  /** What pip says before it looks at anything. */
  readonly lines: readonly string[];
}

export interface PinnedInputs {
  readonly request: InstallRequest;
  readonly options: PipOptions;
  readonly interpreter: Interpreter;
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
}

/** @returns the reason why the request is pip's to decide. */
export function pinnedQuestion(inputs: PinnedInputs): PinnedQuestion | { readonly reason: string } {
  const { request, options, interpreter } = inputs;
  const pip = interpreter.pip?.version;
  if (pip === undefined || resolverOf(interpreter) === 'legacy') return { reason: 'an old pip' };
  const named = namedEntries(request);
  if ('reason' in named) return named;
  const upgrade = options.flag('upgrade');
  if (upgrade && options.value('upgrade-strategy') === 'eager') return { reason: 'eager upgrades' };
  const search = searchRules(request, options);
  if ('reason' in search) return search;
  const holding = named.filter((entry) => holds(entry, interpreter.markers));
  const constraints = holding.filter(({ origin }) => origin.constraint);
  if (constraints.some(({ requirement }) => requirement.extras.length > 0)) {
    return { reason: 'a constraint with extras' };
  }
  const ignoresInstalled = options.flag('ignore-installed') || options.flag('force-reinstall');
  const asked = named.filter(({ origin }) => !origin.constraint);
  if (asked.length === 0) return { reason: 'no requirement' };
  return {
    request: {
      interpreter,
      pip,
      demands: asked.filter((entry) => holding.includes(entry)).map(demandOf),
      constraints: gather(constraints),
      installed: ignoresInstalled ? new Map() : inputs.installed,
      rules: {
        interpreter,
        pip,
        formats: search.formats,
        preferBinary: search.preferBinary,
        ignoreRequiresPython: options.flag('ignore-requires-python'),
      },
      requireHashes:
        search.requireHashes ||
        named.some(({ options: { hashes } }) => Object.keys(hashes).length > 0),
      ignoreDependencies: options.flag('no-deps'),
      upgrade,
    },
    places: search.places,
    lines: [
      ...search.lines,
      ...asked.flatMap((entry) => (holding.includes(entry) ? [] : [ignored(entry)])),
    ],
  };
}

function namedEntries(
  request: InstallRequest,
): readonly NamedEntry[] | { readonly reason: string } {
  const found: NamedEntry[] = [];
  for (const entry of request.entries) {
    switch (entry.kind) {
      case 'named':
        found.push(entry);
        break;
      case 'options':
      case 'file':
        break;
      case 'direct':
      case 'unknown':
        return { reason: entry.origin.text };
      default:
        entry satisfies never;
    }
  }
  return found;
}

function ignored({ requirement, marker }: NamedEntry): string {
  return ignoringLine(requirement.name, marker ? formatMarker(marker) : '');
}

function demandOf({ requirement, options, origin }: NamedEntry): Demand {
  return { requirement, hashes: lowerCase(options.hashes), isUsers: true, from: origin.comesFrom };
}

function gather(entries: readonly NamedEntry[]): ReadonlyMap<NormalizedName, Constraint> {
  const constraints = new Map<NormalizedName, Constraint>();
  for (const { requirement, options } of entries) {
    const key = normalizeName(requirement.name);
    const { specifiers = [], hashes = {} } = constraints.get(key) ?? {};
    constraints.set(key, {
      specifiers: [...specifiers, ...requirement.specifiers],
      hashes: bothAllow(hashes, lowerCase(options.hashes)),
    });
  }
  return constraints;
}

function lowerCase(hashes: AllowedHashes): AllowedHashes {
  return Object.fromEntries(
    Object.entries(hashes).map(([algorithm, digests]) => [
      algorithm,
      digests.map((digest) => digest.toLowerCase()),
    ]),
  );
}
