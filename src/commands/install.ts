import type { InstallWords } from '../cli/argv.ts';
import { childEnvironment } from '../config/load.ts';
import {
  effectiveOptions,
  loadPipConfiguration,
  type PipConfiguration,
  type PipOptions,
} from '../config/pip-config.ts';
import { PipAccelError } from '../core/errors.ts';
import type { Decided, NormalizedName } from '../core/types.ts';
import { readState } from '../plan/installed-state.ts';
import { plainBuilds, saysOfBuilds } from '../plan/request/build-options.ts';
import { areHashesMet } from '../plan/request/hashes.ts';
import { hasBuildOptions, hasUnrepeatableUrl } from '../plan/request/only-pip.ts';
import { logFile } from '../report/log-file.ts';
import { openReporter } from '../report/open.ts';
import type { Image } from '../store/images.ts';
import { hasWorkInProgress } from '../store/leftovers.ts';
import { isStoreTrouble } from '../store/trouble.ts';
import { becomePip } from './become-pip.ts';
import { type Change, changeEnvironment, conclude } from './change-environment.ts';
import type { CommandContext } from './context.ts';
import { decide, isConfirmed } from './decide.ts';
import { handOverReason } from './hand-over.ts';
import type { InstallJob } from './job.ts';
import { endWork, type Ground, handOver, openJob } from './open-job.ts';
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
    const afterwards: InstallJob['afterwards'] = new Set();
    const build = await buildOptions(files.line, { configuration, options }, context);
    const fixed = { context, options, configuration, environment, line, files, build };
    const ground: Ground = { ...fixed, reporter, afterwards };
    if (context.storeFault) {
      return await withoutStore(context.storeFault, {
        context,
        reporter,
        handOver: async (reason) => await handOver(ground, reason),
      });
    }
    const found = readState(context.store, context.interpreter);
    const read = openJob(ground, found);
    const job = found.isInMotion ? await comeToRest(read) : read;
    const exitCode = await runToEnd(job);
    context.timings?.enter('finish');
    if (hasWorkInProgress(context.store)) await clearUp(context);
    return exitCode;
  } finally {
    await files.remove();
  }
}

/** Few lines say anything of builds. */
async function buildOptions(
  { parsed }: InstallWords,
  said: { readonly configuration: PipConfiguration; readonly options: PipOptions },
  { environment, interpreter }: CommandContext,
): Promise<InstallJob['build']> {
  if (!parsed || !saysOfBuilds(parsed.options, said.configuration)) return plainBuilds;
  const { readBuildOptions } = await import('../plan/request/cold/build-options.ts');
  return readBuildOptions({ ...said, parsed }, interpreter, environment);
}

/** The job once nobody changes the environment, and what a killed run left of it is put right. */
async function comeToRest(job: InstallJob): Promise<InstallJob> {
  const { timings } = job.context;
  timings?.enter('wait');
  const lock = await job.context.lock(job.reporter);
  try {
    await lock.exclusive();
    timings?.enter('read');
    return job.renew();
  } finally {
    lock.release();
  }
}

async function runToEnd(job: InstallJob): Promise<number> {
  try {
    return await runJob(job);
  } finally {
    job.context.timings?.enter('finish');
    await endWork(job);
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

async function runJob(job: InstallJob): Promise<number> {
  if (onlyDirect(job)) return await job.handOver('paths and URLs without their dependencies');
  if (job.build === null || hasBuildOptions(job.request))
    return await job.handOver('options for single builds');
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
  { context, reporter, handOver }: Pick<InstallJob, 'context' | 'reporter' | 'handOver'>,
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
    (await prepare(job, { isAhead: round === 1 })) ??
    (await prepare(job, { isAgain: true })) ??
    (await job.handOver(goneReason));
  if (typeof change === 'number') return change;
  if (change.items.length === 0) {
    job.context.timings?.enter('finish');
    await job.keepInstalled();
    return conclude(job, []);
  }
  job.context.timings?.enter('wait');
  const lock = await job.context.lock(job.reporter);
  try {
    await lock.exclusive();
    job.context.timings?.enter('place');
    const outcome = job.isCurrent() ? await changeEnvironment(job, change) : 'changed meanwhile';
    if (typeof outcome === 'number') return outcome;
    if (round > mostRounds) return await job.handOver('a store that others keep emptying');
    if (round < mostRounds) lock.release();
    if (outcome !== 'unconfirmed') job.reporter.emit({ type: 'decide-anew' });
    return await decideAndChange(job.renew(), round + 1);
  } finally {
    lock.release();
  }
}

const goneReason = 'an archive that the index names and does not have';

interface Preparation {
  /** Takes what is still to be confirmed, if all of it can be undone at any time. */
  readonly isAhead?: boolean;
  /** An archive was not there, a moment before. */
  readonly isAgain?: boolean;
}

/**
 * What is to be changed, or the exit code of what ended before that; null where an archive is not
 * there any more, which is forgotten.
 */
async function prepare(
  job: InstallJob,
  { isAhead = false, isAgain = false }: Preparation,
): Promise<Change | number | null> {
  const decision = await decide(job, isAhead);
  if (decision.outcome === 'refused') return decision.exitCode;
  if (decision.outcome === 'hand-over') return await job.handOver(decision.reason);
  const { items, conflicts, remembered, isFromStore, confirm } = decision;
  const all = items.map(({ decided }) => decided);
  if (!areHashesMet(job.request, all, job.context.interpreter.markers)) {
    return await job.handOver('hashes that pip has to check');
  }
  const egg = items.find(
    ({ decided, replaces }) => !decided.direct && replaces && replaces.form !== 'dist-info',
  );
  if (egg) return await job.handOver(`${egg.spelling} is for pip to replace`);
  const linked = items.filter(({ decided }) => !decided.direct).map(({ decided }) => decided);
  const found = await imagesAtHand(job, linked);
  const missing = linked.filter(({ key }) => !found.has(key));
  const plan = { items, conflicts, remembered };
  if (confirm) {
    const isAllThere = linked.length === items.length && missing.length === 0;
    const isAddition = items.length > 0 && linked.every(({ key }) => !job.installed.has(key));
    if (isAllThere && isAddition) return { ...plan, images: found, confirm };
    if (!(await isConfirmed(job, confirm))) return await prepare(job, { isAgain });
  }
  const made = await obtainMissing(job, missing, isFromStore || isAgain);
  return made && { ...plan, images: new Map([...found, ...made]), confirm: null };
}

/** The images that the store has; what links them is made ready where these are all. */
async function imagesAtHand(
  job: InstallJob,
  decided: readonly Decided[],
): Promise<ReadonlyMap<NormalizedName, Image>> {
  if (decided.length === 0) return new Map();
  const { interpreter, settings, timings } = job.context;
  timings?.enter('check');
  const found = await soundImages(job, decided);
  timings?.enter('prepare');
  if (found.size < decided.length) return found;
  const { expectLinking } = await import('./cold/put-in-place.ts');
  expectLinking([...found.values()], {
    compile: job.options.compile,
    mode: settings.linkMode,
    target: interpreter.scheme.purelib,
  });
  return found;
}

/** @param mayBeGone null is an answer, too. */
async function obtainMissing(
  job: InstallJob,
  missing: readonly Decided[],
  mayBeGone: boolean,
): Promise<ReadonlyMap<NormalizedName, Image> | null> {
  if (missing.length === 0) return new Map();
  const { interruptible } = await import('./cold/interruption.ts');
  const { obtain } = await import('./cold/obtain.ts');
  const { obtainIfThere } = await import('./cold/decide-again.ts');
  const get = mayBeGone ? obtainIfThere : obtain;
  return await interruptible(async (signal) => await get(job, missing, signal));
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

function fail(job: InstallJob, error: unknown): number {
  if (!(error instanceof PipAccelError)) throw error;
  job.reporter.error(error.message, error.hint);
  return error.exitCode;
}
