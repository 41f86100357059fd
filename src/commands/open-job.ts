import type { Environment } from '../config/load.ts';
import type { PipConfiguration, PipOptions } from '../config/pip-config.ts';
import { firstByName } from '../plan/installed.ts';
import { readState, type StateReading, surveyState } from '../plan/installed-state.ts';
import { readRequest } from '../plan/request/request.ts';
import { normalizeName } from '../python/names.ts';
import type { Reporter } from '../report/text.ts';
import { becomePip, type PipLine } from './become-pip.ts';
import type { CommandContext } from './context.ts';
import type { Filling, InstallJob } from './job.ts';
import type { ReadableLine } from './readable-line.ts';

/** What stays the same for a line, however often the environment changes under it. */
export interface Ground {
  readonly context: CommandContext;
  readonly options: PipOptions;
  readonly configuration: PipConfiguration;
  readonly environment: Environment;
  readonly reporter: Reporter;
  /** As it was typed, and as it can be read more than once. */
  readonly line: PipLine;
  readonly files: ReadableLine;
  readonly afterwards: InstallJob['afterwards'];
  readonly build: InstallJob['build'];
}

/** The job that a line is in the environment as it was read. */
export function openJob(ground: Ground, { state, toKeep, isCurrent }: StateReading): InstallJob {
  const { context, options, configuration, environment, reporter, files, afterwards } = ground;
  const { interpreter, store } = context;
  const { line } = files;
  const words = line.parsed ?? { options: [], requirements: [] };
  const read = () => readRequest(words, configuration, { environment, interpreter });
  const installed = firstByName(state.distributions);
  const job: InstallJob = {
    line,
    context,
    options,
    request: read(),
    build: ground.build,
    installed,
    installedDigest: state.digest,
    isCurrent,
    renew: () => openJob(ground, readState(store, interpreter)),
    readAgain: () => ({ request: read(), installedDigest: surveyState(interpreter).state.digest }),
    keepInstalled: async () => {
      if (toKeep === null) return;
      const { rememberState } = await import('./cold/remember.ts');
      await rememberState(context, toKeep);
    },
    whileReading: async (ask) => await whileReading(ask, ground),
    tools: {
      setuptools: installed.has(normalizeName('setuptools')),
      wheel: installed.has(normalizeName('wheel')),
    },
    environment,
    reporter,
    console: reporter,
    fillEnvironment,
    prepared: new Map(),
    afterwards,
    claims: [],
    handOver: async (reason) => {
      await endWork(job);
      return await handOver(ground, reason);
    },
  };
  return job;
}

/** Does what is to be done when all is said; so nothing goes on beside a pip that does the line. */
export async function endWork(job: InstallJob): Promise<void> {
  for (const work of job.afterwards) {
    job.afterwards.delete(work);
    await work(job);
  }
}

/** Lets pip do the whole line. */
export async function handOver(ground: Ground, reason: string): Promise<number> {
  const { context, environment, reporter, files } = ground;
  reporter.emit({ type: 'handed-over', reason });
  context.timings?.enter('wait');
  if (!files.hasCopies) return await becomePip(ground.line, context, reporter);
  const { runLines } = await import('../process/cold/run.ts');
  const lock = await context.lock(reporter);
  await lock.exclusive();
  context.timings?.enter('pip');
  const line = { name: 'install', words: ['install', ...files.line.arguments] };
  const { throughGateway } = await import('./cold/line-gateway.ts');
  return await throughGateway(line, { environment, context }, async (words, environment) => {
    const run = { environment, held: lock.descriptors };
    return await runLines([...context.pip, ...words], run, ({ stream, line, end }) => {
      reporter.emit({ type: 'pip-line', stream, line, end });
    });
  });
}

async function whileReading<T>(read: () => Promise<T>, { context, reporter }: Ground): Promise<T> {
  const lock = await context.lock(reporter);
  if (lock.isHeld) return await read();
  context.timings?.enter('wait');
  await lock.sharedByWriter();
  context.timings?.enter('decide');
  try {
    return await read();
  } finally {
    lock.release();
  }
}

/** Build environments are rare, and what fills them is large. */
async function fillEnvironment(job: InstallJob, filling: Filling): Promise<void> {
  const cold = await import('./cold/fill-environment.ts');
  await cold.fillEnvironment(job, filling);
}
