import type { InstallWords } from '../cli/argv.ts';
import { childEnvironment, type Environment } from '../config/load.ts';
import { effectiveOptions, loadPipConfiguration } from '../config/pip-config.ts';
import { PipAccelError } from '../core/errors.ts';
import type { Decided, NormalizedName } from '../core/types.ts';
import { firstByName } from '../plan/installed.ts';
import {
  type KeptState,
  readState,
  type StateReading,
  surveyState,
} from '../plan/installed-state.ts';
import type { PlannedItem } from '../plan/plan.ts';
import { areHashesMet } from '../plan/request/hashes.ts';
import { hasBuildOptions, hasUnrepeatableUrl } from '../plan/request/only-pip.ts';
import { readRequest } from '../plan/request/request.ts';
import { normalizeName } from '../python/names.ts';
import { logFile } from '../report/log-file.ts';
import { openReporter } from '../report/open.ts';
import type { Reporter } from '../report/text.ts';
import type { Image } from '../store/images.ts';
import { hasWorkInProgress } from '../store/leftovers.ts';
import { isStoreTrouble } from '../store/trouble.ts';
import { becomePip } from './become-pip.ts';
import { type Change, changeEnvironment, conclude } from './change-environment.ts';
import type { CommandContext } from './context.ts';
import { decide } from './decide.ts';
import { handOverReason } from './hand-over.ts';
import type { Filling, InstallJob } from './job.ts';
import { readableLine } from './readable-line.ts';
import { soundImages } from './sound-images.ts';

/** `pip-accel install …`; tells the exit code. */
export async function install(
  line: InstallWords & { readonly name: string; readonly words: readonly string[] },
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
    return await becomePip(line, context);
  }
  const files = await readableLine(line);
  try {
    const reporter = await openReporter(context.settings.logFormat, {
      quietness: options.quiet - options.verbose,
      verbosity: context.settings.logVerbosity,
      restore: files.restore,
      log,
    });
    const { line: readable } = files;
    const parsed = readable.parsed ?? { options: [], requirements: [] };
    const { interpreter } = context;
    const read = () => readRequest(parsed, configuration, { environment, interpreter });
    const handOver = async (reason: string) => {
      reporter.emit({ type: 'handed-over', reason });
      if (!files.hasCopies) return await becomePip(line, context, reporter);
      const command = [...context.pip, 'install', ...readable.arguments];
      return await runPip(command, { context, environment, reporter });
    };
    const afterwards: InstallJob['afterwards'] = new Set();
    const jobNow = ({ state, toKeep, isCurrent }: StateReading): InstallJob => {
      const installed = firstByName(state.distributions);
      return {
        line: readable,
        context,
        options,
        request: read(),
        installed,
        installedDigest: state.digest,
        isCurrent,
        renew: () => jobNow(readState(context.store, interpreter)),
        readAgain: () => ({
          request: read(),
          installedDigest: surveyState(interpreter).state.digest,
        }),
        keepInstalled: () => keepInstalled(context, toKeep),
        whileReading: async (ask) => await whileReading(ask, { context, reporter }),
        tools: {
          setuptools: installed.has(normalizeName('setuptools')),
          wheel: installed.has(normalizeName('wheel')),
        },
        environment,
        reporter,
        fillEnvironment,
        prepared: new Map(),
        afterwards,
        claims: [],
        handOver,
      };
    };
    if (context.storeFault) {
      return await withoutStore(context.storeFault, { context, reporter, handOver });
    }
    const found = readState(context.store, interpreter);
    const job = found.isInMotion ? await comeToRest(jobNow(found)) : jobNow(found);
    const exitCode = await runJob(job);
    for (const work of afterwards) await work(job);
    if (hasWorkInProgress(context.store)) await clearUp(context);
    return exitCode;
  } finally {
    await files.remove();
  }
}

interface Surroundings {
  readonly context: CommandContext;
  readonly reporter: Reporter;
}

/** The job once nobody changes the environment, and what a killed run left of it is put right. */
async function comeToRest(job: InstallJob): Promise<InstallJob> {
  const lock = await job.context.lock(job.reporter);
  try {
    await lock.exclusive();
    return job.renew();
  } finally {
    lock.release();
  }
}

async function whileReading<T>(
  read: () => Promise<T>,
  { context, reporter }: Surroundings,
): Promise<T> {
  const lock = await context.lock(reporter);
  if (lock.isHeld) return await read();
  await lock.sharedByWriter();
  try {
    return await read();
  } finally {
    lock.release();
  }
}

async function clearUp({ store }: CommandContext): Promise<void> {
  const temporary = await import('../store/cold/temporary.ts');
  try {
    await temporary.clearUp(store);
  } catch (error) {
    if (!isStoreTrouble(error, store)) throw error;
  }
}

async function keepInstalled(context: CommandContext, state: KeptState | null): Promise<void> {
  if (state === null) return;
  const { keepState } = await import('../plan/cold/keep-state.ts');
  try {
    await keepState(context.store, context.interpreter, state);
  } catch (error) {
    if (!isStoreTrouble(error, context.store)) throw error;
  }
}

async function runPip(
  command: readonly string[],
  { context, environment, reporter }: Surroundings & { readonly environment: Environment },
): Promise<number> {
  const { runLines } = await import('../process/cold/run.ts');
  const lock = await context.lock(reporter);
  await lock.exclusive();
  const run = { environment, held: lock.descriptors };
  return await runLines(command, run, ({ stream, line, end }) => {
    reporter.emit({ type: 'pip-line', stream, line, end });
  });
}

async function runJob(job: InstallJob): Promise<number> {
  if (onlyDirect(job)) return await job.handOver('paths and URLs without their dependencies');
  if (hasBuildOptions(job.request)) return await job.handOver('options for single builds');
  if (hasUnrepeatableUrl(job.request)) return await job.handOver('a URL with a password or a hash');
  try {
    return await decideAndChange(job, 1);
  } catch (error) {
    if (error instanceof PipAccelError && error.code === 'authentication-required') {
      return await job.handOver('an index that asks for credentials');
    }
    if (isStoreTrouble(error, job.context.store)) return await withoutStore(error as Error, job);
    return fail(job, error);
  }
}

async function withoutStore(
  error: Error,
  { context, reporter, handOver }: Surroundings & Pick<InstallJob, 'handOver'>,
): Promise<number> {
  reporter.warning(
    `the data directory ${context.store.root} cannot be used (${error.message}); pip installs instead`,
  );
  return await handOver('a data directory that cannot be used');
}

/** How often a line is decided anew because others changed the environment, before it keeps them out. */
const mostRounds = 4;

async function decideAndChange(job: InstallJob, round: number): Promise<number> {
  const change =
    (await prepare(job)) ?? (await prepare(job, true)) ?? (await job.handOver(goneReason));
  if (typeof change === 'number') return change;
  if (change.items.length === 0) {
    await job.keepInstalled();
    return conclude(job, []);
  }
  const lock = await job.context.lock(job.reporter);
  try {
    await lock.exclusive();
    const exitCode = job.isCurrent() ? await changeLocked(job, change) : null;
    if (exitCode !== null) return exitCode;
    if (round > mostRounds) return await job.handOver('a store that others keep emptying');
    if (round < mostRounds) lock.release();
    job.reporter.emit({ type: 'decide-anew' });
    return await decideAndChange(job.renew(), round + 1);
  } finally {
    lock.release();
  }
}

/** @returns as `changeEnvironment` does. */
async function changeLocked(job: InstallJob, change: Change): Promise<number | null> {
  const kept = await irreplaceable(change.items, job);
  if (kept) return await job.handOver(`${kept.spelling} is for pip to replace`);
  return await changeEnvironment(job, change);
}

const goneReason = 'an archive that the index names and does not have';

/**
 * What is to be changed, or the exit code of what ended before that; null where an archive is not
 * there any more, which is forgotten.
 *
 * @param isAgain for the same reason.
 */
async function prepare(job: InstallJob, isAgain = false): Promise<Change | number | null> {
  const decision = await decide(job);
  if (decision.outcome === 'refused') return decision.exitCode;
  if (decision.outcome === 'hand-over') return await job.handOver(decision.reason);
  const { items, conflicts, remembered, isFromStore } = decision;
  const all = items.map(({ decided }) => decided);
  if (!areHashesMet(job.request, all, job.context.interpreter.markers)) {
    return await job.handOver('hashes that pip has to check');
  }
  const egg = items.find(
    ({ decided, replaces }) => !decided.direct && replaces && replaces.form !== 'dist-info',
  );
  if (egg) return await job.handOver(`${egg.spelling} is for pip to replace`);
  const linked = items.filter(({ decided }) => !decided.direct).map(({ decided }) => decided);
  const images = await imagesOf(job, linked, isFromStore || isAgain);
  return images && { items, conflicts, remembered, images };
}

/**
 * The images of all that is to be linked; what the store lacks is obtained.
 *
 * @param mayBeGone null is an answer, too.
 */
async function imagesOf(
  job: InstallJob,
  decided: readonly Decided[],
  mayBeGone: boolean,
): Promise<ReadonlyMap<NormalizedName, Image> | null> {
  const found = await soundImages(job, decided);
  const missing = decided.filter(({ key }) => !found.has(key));
  if (missing.length === 0) return found;
  const { interruptible } = await import('./cold/interruption.ts');
  const { obtain } = await import('./cold/obtain.ts');
  const { obtainIfThere } = await import('./cold/decide-again.ts');
  const obtainMissing = mayBeGone ? obtainIfThere : obtain;
  const made = await interruptible((signal) => obtainMissing(job, missing, signal));
  return made && new Map([...found, ...made]);
}

/** Build environments are rare, and what fills them is large. */
async function fillEnvironment(job: InstallJob, filling: Filling): Promise<void> {
  const cold = await import('./cold/fill-environment.ts');
  await cold.fillEnvironment(job, filling);
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

/** What pip has to replace: what has no RECORD, or lies outside the environment. To be asked under the lock. */
async function irreplaceable(
  items: readonly PlannedItem[],
  job: InstallJob,
): Promise<PlannedItem | undefined> {
  const replacing = items.filter(({ decided, replaces }) => !decided.direct && replaces);
  if (replacing.length === 0) return undefined;
  const { planRemoval } = await import('../install/uninstall.ts');
  return replacing.find(({ replaces }) => {
    const removal = replaces && planRemoval(replaces, job.context.interpreter);
    return !removal || removal.paths.size === 0;
  });
}

function fail(job: InstallJob, error: unknown): number {
  if (!(error instanceof PipAccelError)) throw error;
  job.reporter.error(error.message, error.hint);
  return error.exitCode;
}
