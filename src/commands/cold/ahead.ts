import { setTimeout as sleep } from 'node:timers/promises';
import type { PipOptions } from '../../config/pip-config.ts';
import type { Emit } from '../../core/events.ts';
import type { NormalizedName } from '../../core/types.ts';
import { openAhead } from '../../gateway/cold/ahead/ahead.ts';
import type { ArchiveContext } from '../../gateway/cold/ahead/download.ts';
import type { ForesightRules } from '../../gateway/cold/ahead/foresight.ts';
import { type GatewayRules, headStart } from '../../gateway/cold/gateway.ts';
import { timeoutOf } from '../../obtain/cold/request.ts';
import { likelyIndexes, searchRules } from '../../plan/pinned/places.ts';
import { holds } from '../../plan/request/request.ts';
import type { NamedEntry } from '../../plan/requirements/entries.ts';
import { normalizeName } from '../../python/names.ts';
import { atLeast } from '../../python/pip.ts';
import type { Specifier } from '../../python/pep440.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup, type Sought } from '../sound-images.ts';

/** A line of pip's, as far as it tells where pip will go. */
export interface ForeseenLine extends Sought, Pick<InstallJob, 'request'> {
  /** What pip keeps where it fits. */
  readonly installed: ReadonlyMap<NormalizedName, { readonly version: string }>;
  readonly emit: Emit;
  /** See `AheadSettings`; false where it is not given. */
  readonly isTerse?: () => boolean;
  /** See `ArchiveContext`. */
  readonly arrived?: ArchiveContext['arrived'];
}

/** How to open what answers a pip ahead of the network. */
export function aheadOf(line: ForeseenLine): NonNullable<GatewayRules['openAhead']> {
  return (upstream, ready) => {
    const { context, emit, options, request } = line;
    const { interpreter, settings, store } = context;
    const search = searchRules(request, options);
    const { trustModTimes } = settings;
    const timeout = timeoutOf(options);
    const pip = interpreter.pip?.version ?? '';
    const ahead = openAhead({
      upstream,
      timeout,
      showsOwnWheelsOnly: showsOwnWheelsOnly(options),
      isTerse: line.isTerse ?? (() => false),
      wantsArchives: wantsArchives(options, pip),
      // Of strange ones pip shows what they are.
      indexes: likelyIndexes(search),
      rules: {
        interpreter,
        pip,
        formats:
          'reason' in search ? { noBinary: new Set(), onlyBinary: new Set() } : search.formats,
        preferBinary: 'reason' in search ? false : search.preferBinary,
        ignoreRequiresPython: options.flag('ignore-requires-python'),
      },
      foresight: foresightOf(line),
      downloads: {
        store,
        trustModTimes,
        maxRetries: settings.maxRetries,
        emit,
        timings: context.timings,
        patience: timeout / 2,
        ...(line.arrived ? { arrived: line.arrived } : {}),
      },
      lookup: imageLookup(line),
    });
    const asked = namedEntries(line, false).map(({ requirement }) => requirement);
    void sleep(headStart)
      .then(ready)
      .then(() => ahead.begin(asked));
    return ahead;
  };
}

/** False for other targets than this Python, and where pip tells of every link that it passes over. */
export function showsOwnWheelsOnly(
  options: Pick<PipOptions, 'value' | 'values' | 'verbose'>,
): boolean {
  const targets = ['platform', 'python-version', 'implementation', 'abi'];
  return (
    options.verbose === 0 &&
    options.value('log') === null &&
    targets.every((name) => options.values(name).length === 0)
  );
}

/** False where metadata is all that pip asks for; before 25.3 it downloads what it then does not install. */
export function wantsArchives(options: Pick<PipOptions, 'flag'>, pip: string): boolean {
  return !options.flag('dry-run') || !atLeast(pip, 25, 3);
}

function foresightOf(line: ForeseenLine): Omit<ForesightRules, 'markers' | 'pip'> {
  const { options } = line;
  const forgetsInstalled =
    options.flag('ignore-installed') ||
    options.flag('force-reinstall') ||
    (options.flag('upgrade') && options.value('upgrade-strategy') === 'eager');
  const installed = forgetsInstalled ? [] : [...line.installed];
  return {
    prereleases: options.flag('pre'),
    ignoreDependencies: options.flag('no-deps'),
    upgrade: options.flag('upgrade'),
    constraints: constraintsOf(line),
    installed: new Map(installed.map(([key, { version }]) => [key, version])),
  };
}

function constraintsOf(line: ForeseenLine): ReadonlyMap<NormalizedName, readonly Specifier[]> {
  const constraints = new Map<NormalizedName, readonly Specifier[]>();
  for (const { requirement } of namedEntries(line, true)) {
    const key = normalizeName(requirement.name);
    constraints.set(key, [...(constraints.get(key) ?? []), ...requirement.specifiers]);
  }
  return constraints;
}

function namedEntries(
  { context, request }: ForeseenLine,
  isConstraint: boolean,
): readonly NamedEntry[] {
  return request.entries.filter(
    (entry): entry is NamedEntry =>
      entry.kind === 'named' &&
      entry.origin.constraint === isConstraint &&
      holds(entry, context.interpreter.markers),
  );
}
