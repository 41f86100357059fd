import type { NormalizedName } from '../core/types.ts';

/** A node of the resolution: a project, a project with extras, or a Python requirement. */
export type DependencyGraph = ReadonlyMap<string, readonly string[]>;

/** The node that stands for the user. */
export const root = '';

/**
 * The order in which pip installs (`resolution/resolvelib/resolver.py`,
 * `get_topological_weights` and `_req_set_item_sorter`): leaves are pruned round by round,
 * what goes first weighs most; cycles that remain weigh by the longest path from the root;
 * ties go by name; the heaviest is installed first.
 *
 * @param graph edges from each node to what it depends on, {@link root} included.
 * @param pruning false for pips before 22.0, which weigh by the longest path alone.
 */
export function installationOrder(
  graph: DependencyGraph,
  toInstall: readonly NormalizedName[],
  pruning: boolean,
): readonly NormalizedName[] {
  const weights = new Map<string, number>();
  const remaining = new Map([...graph].map(([node, children]) => [node, new Set(children)]));
  if (pruning) pruneLeaves(remaining, weights);
  weighByLongestPath(remaining, weights, new Set(toInstall));
  const weight = (name: string) => weights.get(name) ?? 0;
  return [...toInstall].sort((a, b) => weight(b) - weight(a) || (a < b ? 1 : a > b ? -1 : 0));
}

/**
 * The order of pip's legacy resolver (`resolution/legacy/resolver.py`, `get_installation_order`):
 * from each in turn, its dependencies first; what is not to be installed leads nowhere.
 *
 * @param graph edges from each project to what it depends on, in pip's order.
 * @param sequence the projects in the order in which pip came upon them.
 */
export function legacyInstallationOrder(
  graph: ReadonlyMap<NormalizedName, readonly NormalizedName[]>,
  sequence: readonly NormalizedName[],
): readonly NormalizedName[] {
  const ordered: NormalizedName[] = [];
  const met = new Set<NormalizedName>();
  const schedule = (key: NormalizedName) => {
    const children = graph.get(key);
    if (children === undefined || met.has(key)) return;
    met.add(key);
    for (const child of children) schedule(child);
    ordered.push(key);
  };
  for (const key of sequence) schedule(key);
  return ordered;
}

function pruneLeaves(graph: Map<string, Set<string>>, weights: Map<string, number>): void {
  for (;;) {
    const leaves = [...graph].flatMap(([node, children]) =>
      node !== root && children.size === 0 ? [node] : [],
    );
    if (leaves.length === 0) return;
    const weight = graph.size - 1;
    for (const leaf of leaves) {
      weights.set(leaf, weight);
      graph.delete(leaf);
    }
    for (const children of graph.values()) for (const leaf of leaves) children.delete(leaf);
  }
}

/** pip 24.2 and later visit what is to be installed at most this often; without a bound the walk is exponential. */
const visitLimit = 5;

function weighByLongestPath(
  graph: ReadonlyMap<string, ReadonlySet<string>>,
  weights: Map<string, number>,
  counted: ReadonlySet<string>,
): void {
  const path = new Set<string>();
  const visits = new Map<string, number>();
  const visit = (node: string) => {
    const seen = visits.get(node) ?? 0;
    if (path.has(node) || seen >= visitLimit) return;
    path.add(node);
    for (const child of graph.get(node) ?? []) visit(child);
    path.delete(node);
    if (!counted.has(node)) return;
    visits.set(node, seen + 1);
    weights.set(node, Math.max(weights.get(node) ?? 0, path.size));
  };
  visit(root);
}
