import type { InstallWords } from '../../cli/argv.ts';
import { childEnvironment, type Environment } from '../../config/load.ts';
import {
  effectiveOptions,
  loadPipConfiguration,
  type PipOptions,
} from '../../config/pip-config.ts';
import { errorCodes, PipAccelError } from '../../core/errors.ts';
import type { InstalledDistribution, NormalizedName } from '../../core/types.ts';
import { install as putInPlace, type InstallStep } from '../../install/install.ts';
import { planRemoval } from '../../install/uninstall.ts';
import { AuthenticationRequired } from '../../obtain/cold/download.ts';
import { conflictMessage } from '../../plan/conflicts.ts';
import { readInstalled, readMetadata } from '../../plan/installed.ts';
import type { PlannedItem } from '../../plan/plan.ts';
import { hasBuildOptions, type InstallRequest, readRequest } from '../../plan/request.ts';
import { normalizeName } from '../../python/names.ts';
import { becomeProgram } from '../../process/replace.ts';
import { runLines } from '../../process/cold/run.ts';
import { installedLine, installingLine, uninstallLines } from '../../report/install-lines.ts';
import { logFile } from '../../report/log-file.ts';
import { openReporter } from '../../report/open.ts';
import type { Reporter } from '../../report/text.ts';
import type { Image } from '../../store/images.ts';
import type { CommandContext } from '../context.ts';
import { decide } from './decide.ts';
import { installDirect } from './direct.ts';
import { type Filling, fillEnvironment } from './fill-environment.ts';
import { handOverReason } from './hand-over.ts';
import { interruptible, Interruption } from './interruption.ts';
import { isStoreTrouble } from '../../store/cold/publish.ts';
import { obtain } from './obtain.ts';
import { readSpecialFiles } from './special-files.ts';

/** An `install` line that is ours to do, and all that is known of it. */
export interface InstallJob {
  readonly line: InstallWords;
  readonly context: CommandContext;
  readonly options: PipOptions;
  readonly request: InstallRequest;
  /** The first by name on sys.path, as pip sees them. */
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  /** What the environment's own pip can import, also where it fills another place. */
  readonly tools: { readonly setuptools: boolean; readonly wheel: boolean };
  /** What pips and builds get. */
  readonly environment: Environment;
  readonly reporter: Reporter;
  /** Fills the environment of a build, which is an installation within this one. */
  readonly fillEnvironment: (job: InstallJob, filling: Filling) => Promise<void>;
  /** Build requirements that this run has got ready, by their lines. */
  readonly prepared: Map<string, Promise<readonly InstallStep[]>>;
  /** Lets pip do the whole line; what it was asked before stands twice in its words. */
  readonly handOver: (reason: string) => Promise<number>;
}

/** `pip-accel install …`; tells the exit code. */
export async function install(
  line: InstallWords & { readonly words: readonly string[] },
  context: CommandContext,
): Promise<number> {
  const environment = childEnvironment(context.environment);
  const configuration = loadPipConfiguration(environment, context.interpreter.prefix);
  const options =
    line.parsed && configuration ? effectiveOptions(configuration, line.parsed.options) : null;
  const log = logFile(context.settings.logFile);
  const reason = options ? handOverReason(options, context.interpreter) : 'not understood';
  if (!options || !configuration || reason !== null) {
    log({ type: 'handed-over', reason: reason ?? 'not understood' });
    return await becomeProgram([...context.pip, ...line.words], environment);
  }
  const files = await readSpecialFiles(line);
  try {
    const reporter = await openReporter(context.settings.logFormat, {
      quietness: options.quiet - options.verbose,
      verbosity: context.settings.logVerbosity,
      restore: files.restore,
      log,
    });
    const installed = firstByName(await readInstalled(context.interpreter));
    const { line: readable } = files;
    const parsed = readable.parsed ?? { options: [], requirements: [] };
    const { interpreter } = context;
    const request = readRequest(parsed, configuration, { environment, interpreter });
    const handOver = async (reason: string) => {
      reporter.emit({ type: 'handed-over', reason });
      return files.hasCopies
        ? await runPip([...context.pip, 'install', ...readable.arguments], environment, reporter)
        : await becomeProgram([...context.pip, ...line.words], environment);
    };
    return await runJob({
      line: readable,
      context,
      options,
      request,
      installed,
      tools: {
        setuptools: installed.has(normalizeName('setuptools')),
        wheel: installed.has(normalizeName('wheel')),
      },
      environment,
      reporter,
      fillEnvironment,
      prepared: new Map(),
      handOver,
    });
  } finally {
    await files.remove();
  }
}

async function runPip(
  command: readonly string[],
  environment: Environment,
  reporter: Reporter,
): Promise<number> {
  return await runLines(command, environment, ({ stream, line, end }) => {
    reporter.emit({ type: 'pip-line', stream, line, end });
  });
}

function firstByName(distributions: readonly InstalledDistribution[]) {
  const byName = new Map<NormalizedName, InstalledDistribution>();
  for (const distribution of distributions) {
    if (!byName.has(distribution.key)) byName.set(distribution.key, distribution);
  }
  return byName;
}

async function runJob(job: InstallJob): Promise<number> {
  if (onlyDirect(job)) return await job.handOver('paths and URLs without their dependencies');
  if (hasBuildOptions(job.request)) return await job.handOver('options for single builds');
  let items: readonly PlannedItem[];
  let images: ReadonlyMap<NormalizedName, Image>;
  try {
    const decision = await decide(job);
    if (decision.outcome === 'refused') return decision.exitCode;
    if (decision.outcome === 'hand-over') return await job.handOver(decision.reason);
    items = decision.items;
    const irreplaceable = items.find(
      ({ decided, replaces }) => !decided.direct && replaces && !canReplace(replaces, job),
    );
    if (irreplaceable) return await job.handOver(`${irreplaceable.spelling} is for pip to replace`);
    const linked = items.filter(({ decided }) => !decided.direct).map(({ decided }) => decided);
    images = await interruptible((signal) => obtain(job, linked, signal));
  } catch (error) {
    if (error instanceof AuthenticationRequired) {
      return await job.handOver('an index that asks for credentials');
    }
    if (isStoreTrouble(error, job.context.store)) {
      job.reporter.warning(
        `the data directory ${job.context.store.root} cannot be used (${(error as Error).message}); pip installs instead`,
      );
      return await job.handOver('a data directory that cannot be used');
    }
    return fail(job, error);
  }
  return await changeEnvironment(job, items, images);
}

/** True where pip would be asked for nothing but what it then installs itself (`--no-deps .`). */
function onlyDirect({ options, request }: InstallJob): boolean {
  return (
    options.flag('no-deps') &&
    request.entries.some(({ kind }) => kind === 'direct') &&
    !request.entries.some(
      (entry) => entry.kind === 'unknown' || (entry.kind === 'named' && !entry.origin.constraint),
    )
  );
}

/** False where pip has to replace what is installed: eggs, what lies outside the environment. */
function canReplace(installed: InstalledDistribution, job: InstallJob): boolean {
  const removal = planRemoval(installed, job.context.interpreter);
  return removal !== null && removal.paths.size > 0;
}

async function changeEnvironment(
  job: InstallJob,
  items: readonly PlannedItem[],
  images: ReadonlyMap<NormalizedName, Image>,
): Promise<number> {
  const { reporter, options, context } = job;
  if (items.length > 0) {
    const steps = items.flatMap(({ decided, replaces, spelling }) => {
      const image = images.get(decided.key);
      return image
        ? [{ image, requested: decided.requested, replaces, directUrl: null, spelling }]
        : [];
    });
    const direct = items.filter(({ decided }) => decided.direct);
    // pip builds before it says what it installs.
    if (direct.length === 0) announce(job, items);
    try {
      const { warnings } = await putInPlace(steps, context.interpreter, {
        compile: options.compile,
        linkMode: context.settings.linkMode,
        path: job.environment['PATH'] ?? '',
        beforeCommit: () => installDirect(job, direct, () => announce(job, items)),
      });
      if (options.warnScriptLocation) for (const text of warnings) reporter.pipWarning(text);
    } catch (error) {
      return fail(job, error);
    }
    warnOfConflicts(job, items);
    const found = options.flag('ignore-installed')
      ? firstByName(await readInstalled(context.interpreter))
      : new Map<NormalizedName, InstalledDistribution>();
    reporter.info(installedLine(items, found));
  }
  const linked = items.filter(({ decided }) => !decided.direct).length;
  reporter.emit({ type: 'installed', linked, direct: items.length - linked });
  const { rootWarning, isVirtualEnvironment } = context.interpreter;
  if (rootWarning && !isVirtualEnvironment && options.warnRoot && process.getuid?.() === 0) {
    reporter.pipWarning(rootWarning);
  }
  return 0;
}

function announce({ reporter }: InstallJob, items: readonly PlannedItem[]): void {
  reporter.info(installingLine(items));
  for (const item of items) {
    if (item.decided.direct || !item.replaces) continue;
    const replaced = readMetadata(item.replaces.metadataPath);
    for (const text of uninstallLines(item, replaced)) reporter.info(text);
  }
}

function warnOfConflicts(job: InstallJob, items: readonly PlannedItem[]): void {
  if (!job.options.warnConflicts || job.options.flag('no-deps')) return;
  const packages = new Map(
    [...job.installed].flatMap(([key, distribution]) => {
      const metadata = readMetadata(distribution.metadataPath);
      return metadata ? [[key, metadata] as const] : [];
    }),
  );
  for (const { decided } of items) packages.set(decided.key, decided.metadata);
  const changed = new Set(items.map(({ decided }) => decided.key));
  const message = conflictMessage(packages, changed, job.context.interpreter.markers);
  if (message) job.reporter.pipError(message);
}

function fail(job: InstallJob, error: unknown): number {
  if (!(error instanceof PipAccelError)) throw error;
  job.reporter.error(error.message, error.hint);
  return error instanceof Interruption ? error.exitCode : errorCodes[error.code].exitCode;
}
