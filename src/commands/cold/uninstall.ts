import { parseArguments } from '../../cli/argv.ts';
import { childEnvironment } from '../../config/load.ts';
import {
  effectiveOptions,
  loadPipConfiguration,
  type PipOptions,
} from '../../config/pip-config.ts';
import { PipAccelError } from '../../core/errors.ts';
import type { DistributionMetadata, InstalledDistribution } from '../../core/types.ts';
import { takeAway } from '../../install/install.ts';
import { planRemoval, type Removal } from '../../install/uninstall.ts';
import { firstByName, readInstalled, readMetadata } from '../../plan/installed.ts';
import { InputLines } from '../../process/cold/input-lines.ts';
import { runLines } from '../../process/cold/run.ts';
import { normalizeName } from '../../python/names.ts';
import { parseRequirement } from '../../python/pep508.ts';
import { atLeast } from '../../python/pip.ts';
import { logFile } from '../../report/log-file.ts';
import { openReporter } from '../../report/open.ts';
import type { Reporter } from '../../report/text.ts';
import { becomePip } from '../become-pip.ts';
import type { CommandContext } from '../context.ts';
import { handOverReason } from '../hand-over.ts';
import { warnAsRoot } from '../root-warning.ts';

/** A line `uninstall …`. */
interface UninstallLine {
  readonly name: string | null;
  readonly words: readonly string[];
}

interface Run {
  readonly line: UninstallLine;
  readonly context: CommandContext;
  readonly reporter: Reporter;
  readonly options: PipOptions;
}

/**
 * `pip-accel uninstall …`: what pip would take away goes as one change, which a kill cannot halve.
 * Where there is a question pip asks it, and the environment is locked once it is answered.
 *
 * @returns the exit code.
 */
export async function uninstall(line: UninstallLine, context: CommandContext): Promise<number> {
  const environment = childEnvironment(context.environment);
  const configuration = loadPipConfiguration(environment, context.interpreter.prefix, 'uninstall');
  if (!configuration || configuration.has('yes')) return await becomePip(line, context);
  const isYes = (word: string) => word === '-y' || word === '--yes';
  const words = line.words.toSpliced(line.words.indexOf('uninstall'), 1);
  const parsed = parseArguments(words.filter((word) => !isYes(word)));
  const options = effectiveOptions(configuration, parsed?.options ?? []);
  const reporter = await openReporter(context.settings.logFormat, {
    quietness: options.quiet,
    verbosity: context.settings.logVerbosity,
    log: logFile(context.settings.logFile),
  });
  const run = { line, context, reporter, options };
  // `-qy` and `--ye` are no words of ours: pip asks nothing, and needs the lock from the start.
  const isSure = words.some(isYes);
  if (!isSure && parsed !== null) return await converse(run);
  const names = parsed?.requirements.map((text) => parseRequirement(text)?.name ?? '') ?? [];
  const isUnderstood =
    isSure &&
    parsed?.options.every(({ option }) => understood.has(option.name)) === true &&
    names.length > 0 &&
    !names.includes('') &&
    !configuration.has('requirement') &&
    options.verbose === 0 &&
    handOverReason(options, context.interpreter) === null;
  return isUnderstood ? await removeAll(run, names) : await becomePip(line, context, reporter);
}

/** Options that are honoured here; every other one makes the line pip's. */
const understood = new Set([
  'quiet',
  'no-input',
  'no-color',
  'root-user-action',
  'break-system-packages',
  'disable-pip-version-check',
  'no-python-version-warning',
  'require-virtualenv',
]);

/** @param names of projects, as they were typed. */
async function removeAll(run: Run, names: readonly string[]): Promise<number> {
  const { context, reporter } = run;
  const lock = await context.lock(reporter);
  try {
    await lock.exclusive();
    const installed = firstByName(readInstalled(context.interpreter));
    const byKey = new Map(names.map((name) => [normalizeName(name), name]));
    const found = Array.from(byKey, ([key, name]) => ({ name, distribution: installed.get(key) }));
    const present = found.flatMap(({ distribution }) => distribution ?? []);
    const removals = present.map((distribution) => removalOf(distribution, context));
    if (removals.includes(null)) return await becomePip(run.line, context, reporter);
    const metadata = new Map(present.map((one) => [one, readMetadata(one.metadataPath)]));
    takeAway(
      removals.filter((removal) => removal !== null),
      context.interpreter,
    );
    for (const { name, distribution } of found) {
      const gone = distribution && metadata.get(distribution);
      if (gone) tell(gone, run);
      else reporter.pipWarning(`Skipping ${name} as it is not installed.`);
    }
    warnAsRoot(run);
    return 0;
  } catch (error) {
    return failed(error, reporter);
  } finally {
    lock.release();
  }
}

/** pip's lines about a distribution that is gone (`InstallRequirement.uninstall`). */
function tell({ name, version }: DistributionMetadata, { context, reporter }: Run): void {
  if (atLeast(context.interpreter.pip?.version ?? '', 20, 0)) {
    reporter.info(`Found existing installation: ${name} ${version}`);
  }
  reporter.info(`Uninstalling ${name}-${version}:`);
  reporter.info(successLine({ name, version }));
  reporter.emit({ type: 'uninstalled', name, version });
}

function successLine({ name, version }: Pick<DistributionMetadata, 'name' | 'version'>): string {
  return `  Successfully uninstalled ${name}-${version}`;
}

/** What to take away of a distribution; null where that is pip's to say. */
function removalOf(
  distribution: InstalledDistribution,
  { interpreter }: CommandContext,
): Removal | null {
  const { purelib, platlib } = interpreter.scheme;
  if (![purelib, platlib].includes(distribution.location)) return null;
  const removal = planRemoval(distribution, interpreter);
  return removal === null || removal.paths.size === 0 ? null : removal;
}

/**
 * Lets pip find out, show and ask. Answered with yes, what can be taken away here is, and pip hears
 * a no; all else is its own to do.
 */
async function converse(run: Run): Promise<number> {
  const { context, line, reporter } = run;
  const lock = await context.lock(reporter);
  using input = new InputLines();
  let title = '';
  let isOver = false;
  const answer = async (question: string): Promise<string | null> => {
    // What the last answer began is done by now.
    lock.release();
    const words = await input.next();
    const isYes = words !== null && ['y', ''].includes(words.trim().toLowerCase());
    if (!question.endsWith('Proceed (Y/n)? ') || !isYes) return words;
    await lock.exclusive();
    // Ctrl-C ends pip, and with it the question.
    return !isOver && removeTitled(run, title) ? 'n\n' : words;
  };
  const environment = childEnvironment(context.environment);
  const onEnd = () => (isOver = true);
  try {
    const question = { environment, answer, onEnd };
    return await runLines([...context.pip, ...line.words], question, (output) => {
      if (output.line.startsWith(titleBeginning)) title = output.line;
      reporter.emit({ type: 'pip-line', ...output });
    });
  } catch (error) {
    return failed(error, reporter);
  } finally {
    lock.release();
  }
}

const titleBeginning = 'Uninstalling ';

/** Takes away what pip's line `Uninstalling foo-1.0:` names; false where that is for pip to do. */
function removeTitled(run: Run, title: string): boolean {
  const { context, reporter } = run;
  const named = title.slice(titleBeginning.length, -1);
  const found = readInstalled(context.interpreter).map((distribution) => ({
    distribution,
    metadata: readMetadata(distribution.metadataPath),
  }));
  const { distribution, metadata } =
    found.find(({ metadata: { name, version } }) => `${name}-${version}` === named) ?? {};
  const removal = distribution && removalOf(distribution, context);
  if (!removal || !metadata) return false;
  takeAway([removal], context.interpreter);
  reporter.info(successLine(metadata));
  reporter.emit({ type: 'uninstalled', name: metadata.name, version: metadata.version });
  return true;
}

function failed(error: unknown, reporter: Reporter): number {
  if (!(error instanceof PipAccelError)) throw error;
  reporter.error(error.message, error.hint);
  return error.exitCode;
}
