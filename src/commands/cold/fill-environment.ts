import { join } from 'node:path';
import { effectiveOptions } from '../../config/pip-config.ts';
import { PipAccelError } from '../../core/errors.ts';
import type { Decided, Interpreter, NormalizedName, Scheme } from '../../core/types.ts';
import { install as putInPlace, type InstallStep } from '../../install/install.ts';
import { fileOptions } from '../../plan/request/options.ts';
import { readRequest } from '../../plan/request/request.ts';
import { type GivenOption, parseArguments } from '../../cli/argv.ts';
import { atLeast } from '../../python/pip.ts';
import { textReporter } from '../../report/text.ts';
import { publishEgg } from '../../store/cold/eggs.ts';
import { whileWaiting } from '../../store/cold/claims.ts';
import { decide, type Decision } from '../decide.ts';
import type { Image } from '../../store/images.ts';
import type { Filling, InstallJob } from '../job.ts';
import { obtainIfThere } from './decide-again.ts';
import { obtain } from './obtain.ts';

/** Options that pip passes on to the installation of build requirements (`build_env.py`). */
const passedOn = new Set([
  'index-url',
  'extra-index-url',
  'no-index',
  'find-links',
  'pre',
  'prefer-binary',
  'no-binary',
  'only-binary',
  'trusted-host',
  'proxy',
  'cert',
  'client-cert',
  'timeout',
  'retries',
  'cache-dir',
  'no-cache-dir',
  'keyring-provider',
  'no-input',
]);

/**
 * Installs build requirements into a prefix as pip would have (`--ignore-installed --prefix`),
 * through the same stages as the line that asked for the build: decided, obtained, linked.
 *
 * @throws PipAccelError with pip's words where they cannot be had.
 */
export async function fillEnvironment(job: InstallJob, filling: Filling): Promise<void> {
  const { interpreter, settings } = job.context;
  const timings = job.context.timings?.fork() ?? null;
  const nested = { ...job, context: { ...job.context, timings } };
  try {
    const steps =
      (await preparedByAnother(nested, filling)) ?? (await prepareFirst(nested, filling));
    timings?.enter('finish');
    await keepEggs(nested, steps);
    await putInPlace(steps, underPrefix(interpreter, filling.prefix), {
      compile: true,
      linkMode: settings.linkMode,
      path: '',
      timings,
    });
  } finally {
    timings?.enter(null);
  }
}

/** What pips run in place of a build's isolation: not fetched as eggs. */
const tools = new Set(['pip', 'setuptools', 'wheel']);

/** A pip before 22.2 has setup.py fetch what setup_requires names, before there is a build of ours. */
async function keepEggs({ context }: InstallJob, steps: readonly InstallStep[]): Promise<void> {
  const { interpreter, store } = context;
  if (atLeast(interpreter.pip?.version ?? '', 22, 2)) return;
  for (const { image } of steps) {
    if (!tools.has(image.manifest.key)) await publishEgg(store, image, interpreter);
  }
}

/**
 * Many projects of a line ask for the same; within one run the answer is the same too.
 *
 * @returns null where nobody has asked yet, or where he waits for the build that asks now.
 */
async function preparedByAnother(
  { prepared }: InstallJob,
  { requirements, claims }: Filling,
): Promise<readonly InstallStep[] | null> {
  const found = prepared.get(JSON.stringify(requirements));
  if (!found) return null;
  const asking = found.claims.at(-1);
  if (!asking) return await found.steps;
  const steps = await whileWaiting(claims, asking.path, () => found.steps);
  return steps === 'circle' ? null : steps;
}

async function prepareFirst(job: InstallJob, filling: Filling): Promise<readonly InstallStep[]> {
  const question = JSON.stringify(filling.requirements);
  const steps = prepare(job, filling);
  job.prepared.set(question, { steps, claims: filling.claims });
  try {
    return await steps;
  } finally {
    job.prepared.set(question, { steps, claims: [] });
  }
}

async function prepare(
  job: InstallJob,
  { requirements, claims, signal }: Filling,
): Promise<readonly InstallStep[]> {
  const said: string[] = [];
  const asked = buildJob(job, requirements, (text) => said.push(text));
  const nested = { ...asked, claims };
  const decideNow = async () => {
    const decision = await decide(nested, false);
    if (decision.outcome === 'planned') return decision;
    throw new PipAccelError('build-failed', said.join('').trimEnd() || requirements.join(', '));
  };
  const decision = await decideNow();
  if (decision.isFromStore) {
    const images = await obtainIfThere(nested, decidedOf(decision), signal);
    if (images) return steps(decision, images);
  }
  const current = decision.isFromStore ? await decideNow() : decision;
  return steps(current, await obtain(nested, decidedOf(current), signal));
}

type Planned = Extract<Decision, { readonly outcome: 'planned' }>;

function decidedOf({ items }: Planned): readonly Decided[] {
  return items.map(({ decided }) => decided);
}

function steps(
  { items }: Planned,
  images: ReadonlyMap<NormalizedName, Image>,
): readonly InstallStep[] {
  return items.flatMap(({ decided: { key }, spelling }) => {
    const image = images.get(key);
    return image ? [{ image, requested: true, replaces: null, directUrl: null, spelling }] : [];
  });
}

/** The line that pip would run for itself, quietly, with nothing installed. */
function buildJob(
  job: InstallJob,
  requirements: readonly string[],
  say: (text: string) => void,
): InstallJob {
  const files = fileOptions(job.request).flatMap(({ name, value }) =>
    passedOn.has(name) ? [value === null ? `--${name}` : `--${name}=${value}`] : [],
  );
  const constraints = constraintWords(job);
  const words = [
    '--ignore-installed',
    ...(job.line.parsed?.options ?? []).flatMap(passOn),
    ...files,
  ];
  const named = ['--', ...requirements];
  const parsed = parseArguments([...words, ...constraints.meant, ...named]) ?? {
    options: [],
    requirements,
  };
  const { context, environment } = job;
  // What the user's own line names by variable is not for its builds.
  const configuration = new Map(
    [...job.request.configuration].filter(([name]) => !constraints.ofTheLine.has(name)),
  );
  const where = { environment, interpreter: context.interpreter };
  const read = () => ({
    request: readRequest(parsed, configuration, where),
    installedDigest: '',
  });
  const {
    PIP_REQUIREMENT: _requirement,
    PIP_EDITABLE: _editable,
    PIP_BUILD_CONSTRAINT: _constraint,
    PIP_NO_BUILD_ISOLATION: _isolation,
    ...variables
  } = environment;
  return {
    ...job,
    environment: { ...variables, ...constraints.variables },
    line: {
      general: [],
      arguments: [...words, ...constraints.said, ...named],
      parsed,
      flags: new Map(),
    },
    build: job.build && { ...job.build, isolated: true, configured: new Set() },
    options: effectiveOptions(configuration, parsed.options),
    ...read(),
    installed: new Map(),
    // Nothing of the environment is read, with --ignore-installed.
    whileReading: async (ask) => await ask(),
    readAgain: read,
    keepInstalled: async () => {},
    reporter: textReporter({ stdout: say, stderr: say }, { quietness: 0, verbosity: 'warning' }),
  };
}

/**
 * How constraints get to the builds of a pip. Until 26.1 those of the configuration hold for
 * builds, too, and those for builds beside them; since 26.2 it overlooks all but the latter
 * where it is told that it installs for a build.
 */
function constraintWords({ build, context }: InstallJob) {
  const files = build?.constraintFiles ?? [];
  const meant = files.map((file) => `--constraint=${file}`);
  const forBuilds = files.map((file) => `--build-constraint=${file}`);
  const isApart = atLeast(context.interpreter.pip?.version ?? '26.3', 26, 2);
  const ofTheLine = ['requirement', 'editable', 'build-constraint', 'no-build-isolation'];
  return {
    /** As they are understood here. */
    meant,
    /** As pip is told. */
    said: isApart ? forBuilds : [...meant, ...forBuilds],
    ofTheLine: new Set(isApart ? [...ofTheLine, 'constraint'] : ofTheLine),
    variables: {
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      ...(isApart ? { _PIP_IN_BUILD_IGNORE_CONSTRAINTS: '1' } : {}),
    },
  };
}

function passOn({ option, value }: GivenOption): readonly string[] {
  if (!passedOn.has(option.name)) return [];
  return option.action === 'store' || option.action === 'append'
    ? [`--${option.name}=${value}`]
    : [`--${option.name}`];
}

/** The interpreter as an installation into a bare prefix sees it. */
function underPrefix(interpreter: Interpreter, prefix: string): Interpreter {
  const { purelib, platlib, headers, scripts, data } = interpreter.prefixScheme;
  const scheme: Scheme = {
    purelib: join(prefix, purelib),
    platlib: join(prefix, platlib),
    headers: join(prefix, headers),
    scripts: join(prefix, scripts),
    data: join(prefix, data),
  };
  return { ...interpreter, prefix, scheme, sitePackages: [scheme.purelib] };
}
