import type { DistributionMetadata, MarkerEnvironment, NormalizedName } from '../core/types.ts';
import { normalizeName } from '../python/names.ts';
import { evaluateMarker, parseRequirement, type Requirement } from '../python/pep508.ts';
import { type DependencyGraph, root } from './order.ts';

/** What a name stands for after the installation: decided, or installed before; null where it is neither. */
export type MetadataOf = (key: NormalizedName) => GraphMember | null;

export interface GraphMember {
  readonly metadata: DistributionMetadata;
  /** False for what is installed already: the resolver does not look at its Requires-Python. */
  readonly isDecided: boolean;
}

export interface GraphRequest {
  /** What the user named. */
  readonly roots: readonly { readonly name: string; readonly extras: readonly string[] }[];
  readonly markers: MarkerEnvironment;
  readonly metadataOf: MetadataOf;
  /** `--no-deps`. */
  readonly ignoreDependencies: boolean;
  /** `--ignore-requires-python`. */
  readonly ignoreRequiresPython: boolean;
}

export interface ResolvedGraph {
  readonly graph: DependencyGraph;
  /** A project's name as the first requirement that led to it spells it, as pip names it in its messages. */
  readonly spellings: ReadonlyMap<NormalizedName, string>;
}

const pythonNode = '<Python from Requires-Python>';

/**
 * Rebuilds the graph that pip's resolver ends with (`resolution/resolvelib/candidates.py`):
 * a project with extras is a node of its own beside the bare project.
 */
export function resolvedGraph(request: GraphRequest): ResolvedGraph {
  const graph = new Map<string, string[]>();
  const spellings = new Map<NormalizedName, string>();
  const queue = [...request.roots];
  const link = (from: string, name: string, extras: readonly string[]) => {
    const key = normalizeName(name);
    if (!spellings.has(key)) spellings.set(key, name);
    graph.get(from)?.push(nodeName(key, extras));
    queue.push({ name, extras });
  };
  graph.set(root, []);
  for (const { name, extras } of queue.splice(0)) link(root, name, extras);
  for (let next = queue.shift(); next; next = queue.shift()) {
    const key = normalizeName(next.name);
    const node = nodeName(key, next.extras);
    if (graph.has(node)) continue;
    graph.set(node, []);
    const member = request.metadataOf(key);
    if (!member) continue;
    if (next.extras.length > 0) link(node, next.name, []);
    if (!request.ignoreDependencies) {
      for (const requirement of dependencies(member.metadata, next.extras, request.markers)) {
        link(node, requirement.name, requirement.extras);
      }
    }
    const asksPython = member.metadata.requiresPython !== null && member.isDecided;
    if (asksPython && next.extras.length === 0 && !request.ignoreRequiresPython) {
      graph.get(node)?.push(pythonNode);
      if (!graph.has(pythonNode)) graph.set(pythonNode, []);
    }
  }
  return { graph, spellings };
}

function nodeName(key: NormalizedName, extras: readonly string[]): string {
  if (extras.length === 0) return key;
  return `${key}[${[...new Set(extras.map(normalizeName))].sort().join(',')}]`;
}

/** The requirements of a distribution that hold here, with these extras (`metadata/base.py`, `iter_dependencies`). */
export function dependencies(
  metadata: DistributionMetadata,
  extras: readonly string[],
  markers: MarkerEnvironment,
): readonly Requirement[] {
  return metadata.requiresDist.flatMap((text) => {
    const requirement = parseRequirement(text);
    if (!requirement) return [];
    const { marker } = requirement;
    const contexts = extras.length === 0 ? [''] : extras;
    return !marker || contexts.some((extra) => evaluateMarker(marker, markers, extra) === true)
      ? [requirement]
      : [];
  });
}
