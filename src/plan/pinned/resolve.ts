/**
 * Decides without pip, where every distribution has but one version that can be meant: pinned by
 * the request or by what it requires, or installed. Then pip's resolver
 * (`resolution/resolvelib/`) never has a choice, and its steps can be followed one by one: what
 * is looked at in which order, by which requirement each file is found, what is said of it.
 */
import type {
  Decided,
  DistributionMetadata,
  InstalledDistribution,
  Interpreter,
  NormalizedName,
  Sha256,
} from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import {
  compareVersions,
  contains,
  formatVersion,
  parseSpecifiers,
  parseVersion,
  publicVersion,
  type Specifier,
} from '../../python/pep440.ts';
import { evaluateMarker, parseRequirement, type Requirement } from '../../python/pep508.ts';
import { atLeast } from '../../python/pip.ts';
import type { ReleaseFile } from '../../store/releases.ts';
import {
  type AllowedHashes,
  bothAllow,
  type Candidate,
  chooseFile,
  type FileRules,
  pythonRelease,
  sameVersion,
} from './candidates.ts';
import {
  collectingLine,
  type Demand,
  satisfiedLine,
  withoutExtras,
  withoutMarker,
} from './demand.ts';

/** What is asked for, and what it is decided by. */
export interface PinnedRequest {
  readonly interpreter: Interpreter;
  readonly pip: string;
  /** What the user named and what holds here, in pip's order. */
  readonly demands: readonly Demand[];
  readonly constraints: ReadonlyMap<NormalizedName, Constraint>;
  /** What pip could keep; empty where it is told to look past it. */
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  readonly rules: FileRules;
  readonly requireHashes: boolean;
  readonly ignoreDependencies: boolean;
  /** `--upgrade`: what the user named is looked up even where what is installed satisfies. */
  readonly upgrade: boolean;
}

export interface Constraint {
  readonly specifiers: readonly Specifier[];
  readonly hashes: AllowedHashes;
}

/** What is known of the world. */
export interface Knowledge {
  /** All files of a release, in pip's order; else the questions that have to be asked first. */
  readonly filesOf: (key: NormalizedName, version: string) => FilesAnswer;
  /** Whether nothing has to be fetched or built to install a file. */
  readonly isAtHand: (file: ChosenFile) => boolean;
  /** null where it has to be asked first. */
  readonly factsOf: (file: ChosenFile) => FileFacts | null;
  readonly metadataOf: (installed: InstalledDistribution) => DistributionMetadata;
}

export type FilesAnswer =
  /** @property isStored true where a page could tell otherwise by now, and may be asked. */
  | {
      readonly outcome: 'files';
      readonly files: readonly ReleaseFile[];
      readonly isStored: boolean;
    }
  | { readonly outcome: 'unknown' }
  /** A place that cannot be read here as pip does. */
  | { readonly outcome: 'strange'; readonly reason: string };

export interface ChosenFile {
  readonly key: NormalizedName;
  readonly candidate: Candidate;
}

export interface FileFacts {
  readonly metadata: DistributionMetadata;
  /** Of the file's bytes; null where nobody said it and it was not fetched yet. */
  readonly sha256: Sha256 | null;
}

export interface Questions {
  readonly releases: readonly { readonly key: NormalizedName; readonly version: string }[];
  readonly files: readonly ChosenFile[];
}

export type PinnedAnswer =
  /** @property isFromStore true where a page could tell otherwise by now. */
  | {
      readonly outcome: 'decided';
      readonly isFromStore: boolean;
      readonly decided: readonly Decided[];
      readonly lines: readonly string[];
    }
  /** @property isOpen true where something is pinned by nothing that is known so far. */
  | { readonly outcome: 'unknown'; readonly questions: Questions; readonly isOpen: boolean }
  | { readonly outcome: 'not-pinned'; readonly reason: string };

/** A choice that is not ours to make, or a fault that pip has words for. */
class NotPinned extends Error {}

/** A node of the resolution: a project, or a project with extras (`base.py`, `format_name`). */
interface Node {
  readonly id: string;
  readonly key: NormalizedName;
  readonly extras: readonly string[];
  readonly demands: Demand[];
  /** Required by its own project with extras. */
  isDirect: boolean;
  isDone: boolean;
  /** Worked out when it is asked for; null after each change. */
  preference: readonly number[] | null;
}

/** What stands for a project in all its nodes. */
interface Project {
  readonly key: NormalizedName;
  readonly specifiers: Specifier[];
  hashes: AllowedHashes;
  member: Member | null;
  isBlocked: boolean;
}

type Member = { readonly demand: Demand; readonly metadata: DistributionMetadata } & (
  | { readonly kind: 'installed'; readonly installed: InstalledDistribution }
  | { readonly kind: 'file'; readonly candidate: Candidate; readonly sha256: Sha256 | null }
);

interface Resolution {
  readonly request: PinnedRequest;
  readonly knowledge: Knowledge;
  readonly nodes: Map<string, Node>;
  readonly projects: Map<NormalizedName, Project>;
  /** By node, the place among what the user named. */
  readonly named: ReadonlyMap<string, number>;
  readonly questions: { releases: { key: NormalizedName; version: string }[]; files: ChosenFile[] };
  readonly lines: string[];
  readonly order: Node[];
  isFromStore: boolean;
}

export function resolvePinned(request: PinnedRequest, knowledge: Knowledge): PinnedAnswer {
  try {
    return resolve(request, knowledge);
  } catch (error) {
    if (error instanceof NotPinned) return { outcome: 'not-pinned', reason: error.message };
    throw error;
  }
}

function resolve(request: PinnedRequest, knowledge: Knowledge): PinnedAnswer {
  const roots = request.demands.map((demand) => expand(demand, request.pip));
  const named = new Map<string, number>();
  for (const [place, [first]] of roots.entries()) {
    const id = first ? nodeId(first) : '';
    if (!named.has(id)) named.set(id, place);
  }
  const resolution: Resolution = {
    request,
    knowledge,
    nodes: new Map(),
    projects: new Map(),
    named,
    questions: { releases: [], files: [] },
    lines: [],
    order: [],
    isFromStore: false,
  };
  if (request.upgrade && [...named.keys()].some((id) => id.includes('['))) {
    throw new NotPinned('an upgrade of extras');
  }
  const all = roots.flat();
  // Since 23.3 those with extras come last.
  const isSorted = atLeast(request.pip, 23, 3);
  const bare = isSorted ? all.filter(({ requirement }) => requirement.extras.length === 0) : all;
  const extended = isSorted ? all.filter(({ requirement }) => requirement.extras.length > 0) : [];
  for (const demand of [...bare, ...extended]) add(resolution, demand);
  for (let node = nextNode(resolution); node; node = nextNode(resolution)) take(resolution, node);
  return answer(resolution);
}

function answer(resolution: Resolution): PinnedAnswer {
  const { questions, nodes, projects } = resolution;
  const open = [...nodes.values()].find(
    ({ key, isDone }) => !isDone && projects.get(key)?.isBlocked === false,
  );
  if (questions.releases.length + questions.files.length > 0) {
    return { outcome: 'unknown', questions, isOpen: open !== undefined };
  }
  if (open) throw new NotPinned(`${open.id} is not pinned`);
  const { lines, isFromStore } = resolution;
  return { outcome: 'decided', decided: decisionOf(resolution), lines, isFromStore };
}

/** Since 23.3 a requirement with extras and a version stands for two (`factory.py`). */
function expand(demand: Demand, pip: string): readonly Demand[] {
  const { extras, specifiers } = demand.requirement;
  const isSplit = atLeast(pip, 23, 3) && extras.length > 0 && specifiers.length > 0;
  return isSplit ? [withoutExtras(demand), demand] : [demand];
}

function nodeId({ requirement }: Demand): string {
  return idOf(normalizeName(requirement.name), extrasOf(requirement));
}

function extrasOf({ extras }: Requirement): readonly string[] {
  return [...new Set(extras.map(normalizeName))].sort();
}

function idOf(key: NormalizedName, extras: readonly string[]): string {
  return extras.length === 0 ? key : `${key}[${extras.join(',')}]`;
}

function nodeOf(resolution: Resolution, key: NormalizedName, extras: readonly string[]): Node {
  const id = idOf(key, extras);
  const known = resolution.nodes.get(id);
  if (known) return known;
  const node: Node = {
    id,
    key,
    extras,
    demands: [],
    isDirect: false,
    isDone: false,
    preference: null,
  };
  resolution.nodes.set(id, node);
  return node;
}

/** One more requirement on a project; pip looks for a file as soon as it meets one. */
function add(resolution: Resolution, demand: Demand): void {
  const { requirement } = demand;
  const key = normalizeName(requirement.name);
  const node = nodeOf(resolution, key, extrasOf(requirement));
  node.demands.push(demand);
  node.preference = null;
  const project = projectOf(resolution, key);
  project.specifiers.push(...requirement.specifiers);
  project.hashes = bothAllow(project.hashes, demand.hashes);
  if (project.member) {
    checkMember(project.member, demand);
    return;
  }
  if (!project.isBlocked) findMember(resolution, project, node);
}

/** The first file of several hashes that fit is the first of any of them that it is among. */
function checkMember(member: Member, { requirement, hashes }: Demand): void {
  const isFit = contains(requirement.specifiers, member.metadata.version, true);
  const isAllowed =
    member.kind === 'installed' ||
    Object.keys(hashes).length === 0 ||
    (member.sha256 !== null && hashes['sha256']?.includes(member.sha256) === true);
  if (!isFit || !isAllowed) throw new NotPinned(`${requirement.name} is required in several ways`);
}

function projectOf({ projects, request }: Resolution, key: NormalizedName): Project {
  const known = projects.get(key);
  if (known) return known;
  const constraint = request.constraints.get(key);
  const project: Project = {
    key,
    specifiers: [...(constraint?.specifiers ?? [])],
    hashes: constraint?.hashes ?? {},
    member: null,
    isBlocked: false,
  };
  projects.set(key, project);
  return project;
}

function findMember(resolution: Resolution, project: Project, node: Node): void {
  const { request } = resolution;
  const installed = request.installed.get(project.key);
  // The first requirement stands for all that lead to the file (`_iter_found_candidates`).
  const first = templateOf(resolution, node);
  const demand = withoutMarker(first);
  const present = installed ? parseVersion(installed.version) : null;
  if (installed && present === null) throw new NotPinned(`${project.key} has an odd version`);
  const isSatisfied =
    installed !== undefined && contains(project.specifiers, installed.version, true);
  const isUpgraded = request.upgrade && isNamed(resolution, node);
  if (isSatisfied && !isUpgraded) {
    keepInstalled(resolution, project, { demand, installed });
    return;
  }
  const candidate = findCandidate(resolution, project);
  if (candidate === null) return;
  if (isSatisfied && present && compareVersions(candidate.version, present) <= 0) {
    keepInstalled(resolution, project, { demand, installed });
    return;
  }
  if (present && sameVersion(present, candidate.version)) {
    throw new NotPinned(`${project.key} is installed in this version`);
  }
  useFile(resolution, project, { demand, candidate });
}

function isNamed({ named }: Resolution, { id, key }: Node): boolean {
  return named.has(id) || named.has(key);
}

function templateOf({ nodes }: Resolution, node: Node): Demand {
  const [first] = [...node.demands, ...(nodes.get(node.key)?.demands ?? [])];
  if (!first) throw new Error('a node without a requirement');
  return first;
}

function keepInstalled(
  { knowledge, lines, request }: Resolution,
  project: Project,
  { demand, installed }: { readonly demand: Demand; readonly installed: InstalledDistribution },
): void {
  // What an egg requires stands in files of its own.
  if (installed.form !== 'dist-info' && !request.ignoreDependencies) {
    throw new NotPinned(`${project.key} is installed as ${installed.form}`);
  }
  const metadata = { ...knowledge.metadataOf(installed), version: installed.version };
  project.member = { kind: 'installed', demand, installed, metadata };
  lines.push(satisfiedLine(demand, installed));
}

/** null where nothing pins the project yet, or what its release has is not known. */
function findCandidate(resolution: Resolution, project: Project): Candidate | null {
  const { knowledge, questions, request } = resolution;
  const { key, specifiers, hashes } = project;
  const pin = specifiers.find(
    (one) => one.operator === '===' || (one.operator === '==' && !one.wildcard),
  );
  if (pin === undefined) return null;
  const wanted = parseVersion(pin.version);
  if (wanted === null) throw new NotPinned(`${key}${pin.operator}${pin.version} is no version`);
  const version = publicVersion(wanted);
  const found = knowledge.filesOf(key, version);
  switch (found.outcome) {
    case 'strange':
      throw new NotPinned(found.reason);
    case 'unknown':
      break;
    case 'files': {
      const choice = chooseFile(found.files, { key, specifiers, hashes, rules: request.rules });
      if (found.isStored) {
        // Who has to fetch or to build anyway looks first whether there is something better by now.
        if (choice.outcome === 'none') break;
        if (!knowledge.isAtHand({ key, candidate: choice.candidate })) break;
        resolution.isFromStore = true;
      }
      if (choice.outcome === 'none') throw new NotPinned(`${key} ${version}: ${choice.reason}`);
      return choice.candidate;
    }
    default:
      return found satisfies never;
  }
  project.isBlocked = true;
  questions.releases.push({ key, version });
  return null;
}

function useFile(
  { knowledge, lines, questions, request }: Resolution,
  project: Project,
  { demand: asked, candidate }: { readonly demand: Demand; readonly candidate: Candidate },
): void {
  const { key } = project;
  const allowed = allowedFor(request, key, asked);
  const demand = namedByPip(request, asked, candidate);
  const promised = candidate.file.hashes['sha256']?.toLowerCase();
  const isForPip = new NotPinned(`the hash of ${candidate.filename} is for pip to check`);
  if (allowed && promised !== undefined && !allowed.includes(promised)) throw isForPip;
  const facts = knowledge.factsOf({ key, candidate });
  if (facts === null) {
    // To look into an sdist is to run it: no file is fetched whose hash nobody allowed.
    if (allowed && promised === undefined) throw isForPip;
    project.isBlocked = true;
    questions.files.push({ key, candidate });
    return;
  }
  const { metadata, sha256 } = facts;
  const version = parseVersion(metadata.version);
  const isConsistent =
    normalizeName(metadata.name) === key &&
    version !== null &&
    sameVersion(version, candidate.version);
  if (!isConsistent)
    throw new NotPinned(`${candidate.filename} is ${metadata.name} ${metadata.version}`);
  if (allowed && (sha256 === null || !allowed.includes(sha256))) throw isForPip;
  project.member = { kind: 'file', demand, metadata, candidate, sha256 };
  const { protocol, pathname } = new URL(candidate.file.url);
  const localPath = protocol === 'file:' ? decodeURIComponent(pathname) : null;
  const line = collectingLine(demand, localPath, request.pip);
  if (lines.at(-1) !== line) lines.push(line);
}

/** Since 26.1 what has hashes is named by its version (`make_install_req_from_link`). */
function namedByPip(
  { constraints, pip }: PinnedRequest,
  demand: Demand,
  candidate: Candidate,
): Demand {
  const constraint = constraints.get(normalizeName(demand.requirement.name));
  const hashes = [...Object.keys(demand.hashes), ...Object.keys(constraint?.hashes ?? {})];
  if (hashes.length === 0 || !atLeast(pip, 26, 1)) return demand;
  return { ...demand, version: formatVersion(candidate.version) };
}

/** The sha256 digests that pip would hold a file against (`_get_linked_req_hashes`); null for none. */
function allowedFor(
  { constraints, pip, requireHashes }: PinnedRequest,
  key: NormalizedName,
  { requirement, hashes }: Demand,
): readonly string[] | null {
  if (!requireHashes) return null;
  if (Object.keys(hashes).length > 0) {
    const [only, ...others] = requirement.specifiers;
    const isPinned = only?.operator === '==' || only?.operator === '===';
    if (isPinned && others.length === 0) return hashes['sha256'] ?? [];
  } else if (atLeast(pip, 26, 1)) {
    const constrained = constraints.get(key)?.hashes['sha256'];
    if (constrained) return constrained;
  }
  throw new NotPinned(`${key} has no hash, or no version`);
}

/** What pip pins next (`provider.py`, `get_preference`), of what can be pinned. */
function nextNode(resolution: Resolution): Node | null {
  let next: Node | null = null;
  for (const node of resolution.nodes.values()) {
    if (node.isDone || !resolution.projects.get(node.key)?.member) continue;
    if (next === null || isPreferred(resolution, node, next)) next = node;
  }
  return next;
}

function isPreferred(resolution: Resolution, left: Node, right: Node): boolean {
  const first = (left.preference ??= preference(resolution, left));
  const second = (right.preference ??= preference(resolution, right));
  for (const [index, value] of first.entries()) {
    const other = second[index] ?? 0;
    if (value !== other) return value < other;
  }
  return left.id < right.id;
}

function preference({ named }: Resolution, { id, isDirect, demands }: Node): readonly number[] {
  const specifiers = demands.flatMap(({ requirement }) => requirement.specifiers);
  const isPinned = specifiers.some(
    ({ operator, version }) => operator.startsWith('==') && !version.includes('*'),
  );
  const isBounded = specifiers.some(
    ({ operator, version }) =>
      ['<', '<=', '~='].includes(operator) || (operator === '==' && version.includes('*')),
  );
  return [
    isDirect ? 0 : 1,
    isPinned ? 0 : 1,
    isBounded ? 0 : 1,
    named.get(id) ?? Number.MAX_SAFE_INTEGER,
    specifiers.length > 0 ? 0 : 1,
  ];
}

/** Pins a node, and adds what it requires (`candidates.py`, `iter_dependencies`). */
function take(resolution: Resolution, node: Node): void {
  const { request } = resolution;
  const member = projectOf(resolution, node.key).member;
  if (!member) throw new Error('a node without a distribution');
  node.isDone = true;
  resolution.order.push(node);
  let from = member.demand;
  if (node.extras.length > 0) {
    const base = nodeOf(resolution, node.key, []);
    base.isDirect = true;
    base.preference = null;
    from = templateOf(resolution, node);
  } else if (member.kind === 'file') {
    checkPython(request, member.metadata);
  }
  if (request.ignoreDependencies) return;
  for (const requirement of requirementsOf(member.metadata, node.extras, request)) {
    const demand: Demand = { requirement, hashes: {}, isUsers: false, from };
    for (const one of expand(demand, request.pip)) add(resolution, one);
  }
}

function checkPython(request: PinnedRequest, { name, requiresPython }: DistributionMetadata): void {
  if (request.rules.ignoreRequiresPython || requiresPython === null) return;
  const specifiers = parseSpecifiers(requiresPython);
  if (specifiers && contains(specifiers, pythonRelease(request.interpreter), true)) return;
  throw new NotPinned(`${name} requires Python ${requiresPython}`);
}

const plainClause = String.raw`(?:[<>]=?|[!=]=) ?\d+(?:\.\d+)*`;
/** A plain requirement for an extra, which says nothing of the project alone: the most of all that there are. */
const isOfOneExtra = new RegExp(
  String.raw`^[A-Za-z\d](?:[\w.-]*[A-Za-z\d])? ?(?:${plainClause}(?:, ?${plainClause})*)? ?; ?extra ?== ?(?:"[\w.-]+"|'[\w.-]+')$`,
);

function requirementsOf(
  { name, requiresDist, providesExtra }: DistributionMetadata,
  extras: readonly string[],
  { interpreter }: PinnedRequest,
): readonly Requirement[] {
  const provided = new Set(providesExtra.map(normalizeName));
  const absent = extras.find((extra) => !provided.has(normalizeName(extra)));
  if (absent !== undefined) throw new NotPinned(`${name} does not provide ${absent}`);
  const contexts = extras.length === 0 ? [''] : extras;
  return requiresDist.flatMap((text) => {
    if (extras.length === 0 && isOfOneExtra.test(text)) return [];
    const requirement = parseRequirement(text);
    if (requirement === null || requirement.url !== null) {
      throw new NotPinned(`${name} requires ${text}`);
    }
    const { marker } = requirement;
    if (marker === null) return [requirement];
    const values = contexts.map((extra) => evaluateMarker(marker, interpreter.markers, extra));
    if (values.includes(null)) throw new NotPinned(`${name} requires ${text}`);
    return values.includes(true) ? [requirement] : [];
  });
}

/** In the order in which pip pinned; those with extras add theirs to what they extend. */
function decisionOf({ order, projects, request }: Resolution): readonly Decided[] {
  return order.flatMap(({ key, extras: own }) => {
    const member = projects.get(key)?.member;
    if (own.length > 0 || member?.kind !== 'file') return [];
    const { demand, metadata, candidate, sha256 } = member;
    const extended = atLeast(request.pip, 23, 3)
      ? order.flatMap((node) => (node.key === key ? node.extras : []))
      : [];
    const { url, hashes } = candidate.file;
    const [first] = Object.entries(hashes);
    const isPromised = hashes['sha256'] === undefined && first !== undefined;
    return [
      {
        metadata,
        key,
        source: {
          url,
          filename: candidate.filename,
          sha256: isPromised ? null : sha256,
          ...(isPromised ? { promise: first.join('=') } : {}),
        },
        requested: demand.isUsers,
        extras: demand.isUsers
          ? [...new Set([...demand.requirement.extras, ...extended])].sort()
          : [],
        direct: null,
      },
    ];
  });
}
