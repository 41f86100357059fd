import { type CommandLine, parseCommandLine } from './cli/argv.ts';
import { usage } from './cli/usage.ts';
import { becomePip } from './commands/become-pip.ts';
import { type CommandContext, lockOf } from './commands/context.ts';
import { install } from './commands/install.ts';
import {
  childEnvironment,
  type Environment,
  loadSettings,
  processEnvironment,
} from './config/load.ts';
import type { Settings } from './config/options.ts';
import { PipAccelError } from './core/errors.ts';
import { journalPrefix } from './core/journal-name.ts';
import type { Timings } from './core/timings.ts';
import type { Interpreter } from './core/types.ts';
import { listFolder } from './core/if-there.ts';
import { openDescriptors } from './process/descriptors.ts';
import { choosePython, recallInterpreter, startedBy, startedByPip } from './python/interpreter.ts';
import { borrowedPipCommand, pipCommand } from './python/pip.ts';
import { openReporter } from './report/open.ts';
import { consoleStreams } from './report/text.ts';
import { openStore } from './store/layout.ts';
import { distrustAll } from './store/trust.ts';

/** Runs one command line and tells the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const environment = processEnvironment();
  const streams = consoleStreams();
  try {
    const line = parseCommandLine(argv);
    switch (line.command) {
      case 'usage':
        streams.stdout(usage);
        return 0;
      case 'accel':
        return await (await import('./cli/cold/program.ts')).runAccel(line.words, environment);
      case 'pip': {
        const known = startOf(environment, new Map());
        const context = await openContext(line, { ...known, timings: null });
        if (line.name !== 'uninstall') return await becomePip(line, context);
        return await (await import('./commands/cold/uninstall.ts')).uninstall(line, context);
      }
      case 'install': {
        const known = startOf(environment, line.flags);
        return await keepingTime(known.settings, async (timings) => {
          const context = await openContext(line, { ...known, timings });
          return await install(line, context);
        });
      }
      default:
        return line satisfies never;
    }
  } catch (error) {
    if (!(error instanceof PipAccelError)) throw error;
    const reporter = await openReporter(logFormat(environment), {
      quietness: 0,
      verbosity: 'info',
    });
    reporter.error(error.message, error.hint);
    return error.exitCode;
  }
}

/** Text where the settings themselves are what is wrong. */
function logFormat(environment: Environment): Settings['logFormat'] {
  try {
    return loadSettings(environment, new Map()).logFormat;
  } catch (error) {
    if (error instanceof PipAccelError) return 'text';
    throw error;
  }
}

function startOf(environment: Environment, flags: Parameters<typeof loadSettings>[1]) {
  // Before anything is opened.
  const descriptors = openDescriptors();
  return { environment, descriptors, settings: loadSettings(environment, flags) };
}

/** Writes what the option `timings` asks for, also of a run that fails. */
async function keepingTime(
  { timings: path }: Settings,
  run: (timings: Timings | null) => Promise<number>,
): Promise<number> {
  if (path === null) return await run(null);
  const { openTimings } = await import('./report/cold/timings.ts');
  const { timings, write } = openTimings(path);
  let exitCode: number | null = null;
  try {
    timings.enter('read');
    exitCode = await run(timings);
    return exitCode;
  } catch (error) {
    if (error instanceof PipAccelError) ({ exitCode } = error);
    throw error;
  } finally {
    write(exitCode);
  }
}

async function openContext(
  line: Extract<CommandLine, { command: 'pip' | 'install' }>,
  given: Pick<CommandContext, 'environment' | 'settings' | 'descriptors' | 'timings'>,
): Promise<CommandContext> {
  const { settings } = given;
  const store = openStore(settings.dataDirectory);
  const known = { ...given, store, storeFault: distrustAll(store) };
  const named = { flag: line.python, option: settings.python };
  const found = await chosenInterpreter(known, named);
  // A run that was replacing pip itself may have been killed.
  const isRepaired = found.pip === null && (await repair(found, settings));
  const interpreter = isRepaired ? await chosenInterpreter(known, named) : found;
  const pip = pipCommand(interpreter);
  const able = pip ? { interpreter, pip } : await borrowPip(known, interpreter);
  return { ...known, ...able, lock: lockOf(able.interpreter, settings) };
}

async function chosenInterpreter(
  known: Surroundings,
  named: { readonly flag: string | null; readonly option: string | null },
): Promise<Interpreter> {
  const chosen = choosePython(named, known.environment);
  // `pip` would run under the name in its script's first line, and write that name into scripts.
  const isNamed = named.flag !== null || named.option !== null;
  const python = isNamed ? chosen : (startedByPip(chosen) ?? chosen);
  const found = await interpreterOf(known, python);
  const name = isNamed ? python : nameForPip(found);
  return [python, found.executable].includes(name) ? found : await interpreterOf(known, name);
}

/** @returns whether there was something to put right. */
async function repair(interpreter: Interpreter, settings: Settings): Promise<boolean> {
  const names = listFolder(interpreter.scheme.purelib);
  if (!names.some((name) => name.startsWith(journalPrefix))) return false;
  const voice = { quietness: 0, verbosity: settings.logVerbosity };
  const lock = await lockOf(interpreter, settings)(await openReporter(settings.logFormat, voice));
  return await lock.repairAny();
}

type Surroundings = Pick<CommandContext, 'environment' | 'store' | 'storeFault'>;

/** Behind a launcher (pyenv's, Debian's) it shows only now which Python it is, and so which pip. */
function nameForPip({ executable, isVirtualEnvironment, pip }: Interpreter): string {
  if (isVirtualEnvironment || !pip?.script) return executable;
  return startedBy(pip.script, executable) ?? executable;
}

async function interpreterOf(
  { environment, store, storeFault }: Surroundings,
  python: string,
): Promise<Interpreter> {
  const known = storeFault ? null : recallInterpreter(store, python, environment);
  if (known) return known;
  const { askInterpreter } = await import('./python/cold/ask.ts');
  const asking = askInterpreter(store, python, childEnvironment(environment));
  loadAhead();
  return await asking;
}

/** Of a Python that nobody asked before the store has nothing; what fetches it is loaded while it answers. */
function loadAhead(): void {
  const loading = [import('./commands/cold/learn.ts'), import('./obtain/cold/transport.ts')];
  // Whoever needs them meets what is wrong with them.
  void Promise.allSettled(loading);
}

/** For an environment without pip: the pip of the Python on PATH, told to work on it. */
async function borrowPip(
  known: Surroundings,
  target: Interpreter,
): Promise<Pick<CommandContext, 'interpreter' | 'pip'>> {
  const { VIRTUAL_ENV: _, ...outside } = known.environment;
  const python = choosePython({ flag: null, option: null }, outside);
  const lender = await interpreterOf(known, python);
  const isItself = lender.prefix === target.prefix;
  const pip = borrowedPipCommand(target, isItself ? null : lender);
  return { interpreter: { ...target, pip: lender.pip }, pip };
}

/** The build for Node is CommonJS, which starts sooner than a module and awaits in functions only. */
async function run(): Promise<void> {
  // Should nothing ever come of it, that is no success.
  process.exitCode = 1;
  process.exitCode = await main(process.argv.slice(2));
}

void run();
