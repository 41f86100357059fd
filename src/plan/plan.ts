import type {
  Decided,
  DistributionMetadata,
  InstalledDistribution,
  Interpreter,
  NormalizedName,
} from '../core/types.ts';
import { normalizeName } from '../python/names.ts';
import { nameInMessages } from '../python/pip.ts';
import { dependencies, type GraphMember, resolvedGraph } from './graph.ts';
import { installationOrder, legacyInstallationOrder } from './order.ts';

/** What is to be done, in the order in which it is done. */
export interface PlannedItem {
  readonly decided: Decided;
  /** As the requirements spell it: what pip calls it in its messages. */
  readonly spelling: string;
  /** The version that goes; null where there is none, or where it is to stay (`--ignore-installed`). */
  readonly replaces: InstalledDistribution | null;
}

export interface PlanRequest {
  readonly decided: readonly Decided[];
  readonly interpreter: Interpreter;
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  readonly metadataOf: (installed: InstalledDistribution) => DistributionMetadata | null;
  /** What the user named, in his order. */
  readonly roots: readonly { readonly name: string; readonly extras: readonly string[] }[];
  readonly ignoreDependencies: boolean;
  readonly ignoreRequiresPython: boolean;
  readonly ignoreInstalled: boolean;
  /**
   * What the order of installation follows: pips before 22.0 know the longest path alone, those
   * with the legacy resolver neither.
   */
  readonly order: 'pruning' | 'longest-path' | 'legacy';
  /** What requirements and constraints name, in the order of the request. */
  readonly mentioned: readonly NormalizedName[];
}

/** Puts a decision into pip's order, and beside each distribution what it replaces. */
export function makePlan(request: PlanRequest): readonly PlannedItem[] {
  const decided = new Map(request.decided.map((item) => [item.key, item]));
  const { graph, spellings } = resolvedGraph({
    roots: request.roots,
    markers: request.interpreter.markers,
    metadataOf: (key) => memberOf(key, decided, request),
    ignoreDependencies: request.ignoreDependencies,
    ignoreRequiresPython: request.ignoreRequiresPython,
  });
  const order =
    request.order === 'legacy'
      ? legacyOrder(request)
      : installationOrder(graph, [...decided.keys()], request.order === 'pruning');
  return order.flatMap((key) => {
    const item = decided.get(key);
    if (!item) return [];
    const replaces = request.ignoreInstalled ? null : (request.installed.get(key) ?? null);
    return [
      {
        decided: item,
        spelling: nameInMessages(
          item.spelling ?? spellings.get(key) ?? item.metadata.name,
          request.interpreter.pip,
        ),
        replaces,
      },
    ];
  });
}

/**
 * The dependencies of an sdist come in the order of its metadata. Those of a wheel come in that of
 * a hash: the order in which pip decided shows it, as far as anything does.
 */
function legacyOrder({ decided, mentioned, ...request }: PlanRequest): readonly NormalizedName[] {
  const sequence = decided.map(({ key }) => key);
  const graph = new Map(
    decided.map(({ key, metadata, extras, source }) => {
      const required = request.ignoreDependencies
        ? []
        : dependencies(metadata, extras, request.interpreter.markers);
      const keys = new Set(required.map(({ name }) => normalizeName(name)));
      const isWheel = source.filename.endsWith('.whl');
      return [key, isWheel ? sequence.filter((other) => keys.has(other)) : [...keys]] as const;
    }),
  );
  return legacyInstallationOrder(graph, [...mentioned, ...sequence]);
}

function memberOf(
  key: NormalizedName,
  decided: ReadonlyMap<NormalizedName, Decided>,
  request: PlanRequest,
): GraphMember | null {
  const item = decided.get(key);
  if (item) return { metadata: item.metadata, isDecided: true };
  const installed = request.installed.get(key);
  const metadata = installed ? request.metadataOf(installed) : null;
  return metadata ? { metadata, isDecided: false } : null;
}
