import type {
  DistributionMetadata,
  MarkerEnvironment,
  NormalizedName,
} from '../../../core/types.ts';
import type { RankedFile } from '../../../plan/pinned/candidates.ts';
import { normalizeName } from '../../../python/names.ts';
import { contains, type Specifier } from '../../../python/pep440.ts';
import { evaluateMarker, parseRequirement, type Requirement } from '../../../python/pep508.ts';
import { type ChoiceRules, likeliest } from './choice.ts';

export interface ForesightRules extends Omit<ChoiceRules, 'specifiers'> {
  readonly markers: MarkerEnvironment;
  /** `--no-deps` */
  readonly ignoreDependencies: boolean;
  readonly constraints: ReadonlyMap<NormalizedName, readonly Specifier[]>;
  /** Versions that pip would keep where they fit, if it is not the user who names them to have them upgraded. */
  readonly upgrade: boolean;
  readonly installed: ReadonlyMap<NormalizedName, string>;
}

/** What foresight has to be told by others. */
export interface Sight {
  /** The files of a project that this Python takes, of all places; none where nothing is known. */
  readonly filesOf: (key: NormalizedName) => Promise<readonly RankedFile[]>;
  readonly metadataOf: (
    file: RankedFile,
    key: NormalizedName,
  ) => Promise<DistributionMetadata | null>;
}

interface Demand {
  readonly specifiers: readonly Specifier[];
  readonly extras: readonly string[];
}

interface Project {
  readonly key: NormalizedName;
  /** By who demands it: the user, or the URL of a file. */
  readonly demands: Map<string, Demand>;
  /** Ends when they are known. */
  looked: Promise<void>;
  /** null until they are known. */
  files: readonly RankedFile[] | null;
  chosen: RankedFile | null;
  metadata: DistributionMetadata | null;
  /** How often another file was chosen. */
  turns: number;
}

/** Two projects that exclude each other's newest could take turns for ever. */
const mostTurns = 12;

/** Follows requirements the way that pip will most likely go, ahead of it. What it decides nobody relies on. */
export class Foresight {
  readonly #rules: ForesightRules;
  readonly #sight: Sight;
  readonly #projects = new Map<NormalizedName, Project>();
  #isOver = false;

  constructor(rules: ForesightRules, sight: Sight) {
    this.#rules = rules;
    this.#sight = sight;
  }

  /** Somebody demands a project. */
  expect({ name, specifiers, extras, url }: Requirement, from: string): void {
    const key = normalizeName(name);
    const installed = this.#rules.installed.get(key);
    const isKept = installed !== undefined && !(this.#rules.upgrade && from === 'user');
    const isThere = isKept && contains(specifiers, installed, true);
    if (url !== null || isThere || this.#isOver) return;
    const known = this.#projects.get(key);
    const project = known ?? {
      key,
      demands: new Map<string, Demand>(),
      looked: Promise.resolve(),
      files: null,
      chosen: null,
      metadata: null,
      turns: 0,
    };
    const before = project.demands.get(from);
    project.demands.set(from, {
      specifiers: [...(before?.specifiers ?? []), ...specifiers],
      extras: [...(before?.extras ?? []), ...extras.map(normalizeName)],
    });
    if (known) {
      this.#choose(project);
      return;
    }
    this.#projects.set(key, project);
    project.looked = this.#look(project);
  }

  /** pip asks for a page: it wants the project, whoever demands it. */
  isExpected(key: NormalizedName): boolean {
    return this.#projects.has(key);
  }

  /** pip looks at this very file, whatever was thought likely. */
  confirm(key: NormalizedName, url: string): void {
    const project = this.#projects.get(key);
    const file = project?.files?.find((candidate) => candidate.file.url === url);
    if (project && file && project.chosen !== file) this.#turnTo(project, file);
  }

  /** What it is that pip most likely tries first of a project. */
  async chosen(key: NormalizedName): Promise<RankedFile | null> {
    const project = this.#projects.get(key);
    await project?.looked;
    return project?.chosen ?? null;
  }

  /** Pages are others than they were, or can be read by now. */
  lookAgain(): void {
    for (const project of this.#projects.values()) project.looked = this.#look(project);
  }

  close(): void {
    this.#isOver = true;
  }

  async #look(project: Project): Promise<void> {
    project.files = await orElse(this.#sight.filesOf(project.key), []);
    this.#choose(project);
  }

  #choose(project: Project): void {
    if (project.files === null || this.#isOver) return;
    const specifiers = [
      ...[...project.demands.values()].flatMap((demand) => demand.specifiers),
      ...(this.#rules.constraints.get(project.key) ?? []),
    ];
    const { chosen } = project;
    const isStillGood = chosen !== null && contains(specifiers, chosen.version, true);
    const best = isStillGood ? chosen : likeliest(project.files, { ...this.#rules, specifiers });
    if (best === chosen) this.#follow(project);
    else if (best && project.turns < mostTurns) this.#turnTo(project, best);
  }

  #turnTo(project: Project, file: RankedFile): void {
    const { chosen } = project;
    if (chosen) {
      for (const { demands } of this.#projects.values()) demands.delete(chosen.file.url);
    }
    project.chosen = file;
    project.metadata = null;
    project.turns += 1;
    void this.#learn(project, file);
  }

  async #learn(project: Project, file: RankedFile): Promise<void> {
    const metadata = await orElse(this.#sight.metadataOf(file, project.key), null);
    if (project.chosen !== file) return;
    project.metadata = metadata;
    this.#follow(project);
  }

  #follow({ chosen, demands, metadata }: Project): void {
    if (!chosen || !metadata || this.#rules.ignoreDependencies) return;
    const extras = new Set(['', ...[...demands.values()].flatMap((demand) => demand.extras)]);
    const from = chosen.file.url;
    for (const line of metadata.requiresDist) {
      const requirement = parseRequirement(line);
      if (!requirement || !this.#holds(requirement, extras)) continue;
      const before = this.#projects.get(normalizeName(requirement.name))?.demands.get(from);
      const isNew =
        before === undefined ||
        requirement.specifiers.some((specifier) => !includes(before.specifiers, specifier)) ||
        requirement.extras.some((extra) => !before.extras.includes(normalizeName(extra)));
      if (isNew) this.expect(requirement, from);
    }
  }

  #holds({ marker }: Requirement, extras: ReadonlySet<string>): boolean {
    if (marker === null) return true;
    return [...extras].some((extra) => evaluateMarker(marker, this.#rules.markers, extra) === true);
  }
}

/** Whatever goes wrong with what nobody asked for yet is for pip to meet, if it ever does. */
async function orElse<Result>(work: Promise<Result>, other: Result): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error) return other;
    throw error;
  }
}

function includes(specifiers: readonly Specifier[], sought: Specifier): boolean {
  return specifiers.some(
    ({ operator, version }) => operator === sought.operator && version === sought.version,
  );
}
