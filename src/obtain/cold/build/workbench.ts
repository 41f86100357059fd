import { PipAccelError } from '../../../core/errors.ts';
import { hintOf } from './hints.ts';
import { type BuildLog, excerpt } from './log.ts';
import { sharedCores } from './parallelism.ts';
import type { BuildContext, BuildRequest } from './request.ts';
import { type Command, runCommand } from './run-command.ts';

/** What every step of one build works with. */
export interface Workbench {
  readonly request: BuildRequest;
  readonly context: BuildContext;
  /** The variables that the build's processes see. */
  readonly environment: Readonly<Record<string, string>>;
  /** This build's own folder, removed afterwards. */
  readonly folder: string;
  readonly log: BuildLog;
}

/** Where one attempt builds: its sources, and the variables of its environment. */
export interface Workplace {
  readonly source: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Credentials of pip-accel and of the shared cache are nothing for a project's own code. */
const withheld = /^(PIP_ACCEL_|AWS_)/;

export function environmentOfBuild(
  environment: Readonly<Record<string, string>>,
  sideBySide = 1,
): Readonly<Record<string, string>> {
  const seen = Object.entries(environment).filter(([name]) => !withheld.test(name));
  return sharedCores(Object.fromEntries(seen), sideBySide);
}

/** Runs a step of the build, its output to the log. @returns true where it exits with 0. */
export async function runStep(bench: Workbench, command: Command): Promise<boolean> {
  await bench.log.write(`\n$ ${command.argv.join(' ')}\n`);
  const { exitCode, signal } = await runCommand(
    command,
    bench.log.descriptor,
    bench.context.signal,
  );
  if (exitCode !== 0) await bench.log.write(`(ended with ${signal ?? `exit code ${exitCode}`})\n`);
  return exitCode === 0;
}

/** The error of a build: what failed, the lines of its log that tell, and where the log is. */
export async function buildFailure(
  bench: Workbench,
  reason: string,
  cause?: unknown,
): Promise<PipAccelError> {
  const { interpreter, key, requiredBy, version } = bench.request;
  const output = await bench.log.read();
  const lines = excerpt(output);
  const message = [
    `Could not build ${key}==${version} from ${bench.request.sdist.filename}: ${reason}`,
    ...lines.map((line) => `  ${line}`),
    ...(requiredBy ? [`It is required by ${requiredBy}.`] : []),
    `The build's output is in ${bench.log.path}`,
  ].join('\n');
  // Of a build within this one more was known.
  const known = cause instanceof PipAccelError && cause.hint !== undefined ? cause.hint : null;
  const hint = known ?? hintOf(output, interpreter.versionInfo.join('.'));
  const isOfTheSystem = cause instanceof PipAccelError && cause.code === 'system-packages-missing';
  const code = isOfTheSystem ? cause.code : 'build-failed';
  return new PipAccelError(code, message, hint === undefined ? { cause } : { cause, hint });
}
