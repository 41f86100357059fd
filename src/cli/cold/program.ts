import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { type Environment, loadSettings, parseSize } from '../../config/load.ts';
import { type OptionSpec, optionTable } from '../../config/options.ts';
import { PipAccelError } from '../../core/errors.ts';
import { consoleStreams } from '../../report/text.ts';
import { openStore, type Store } from '../../store/layout.ts';
import { isStoreTrouble } from '../../store/trouble.ts';

declare const PIP_ACCEL_VERSION: string;

/** pip-accel's own commands: `pip-accel accel …`. */
export async function runAccel(
  words: readonly string[],
  environment: Environment,
): Promise<number> {
  const { stdout, stderr } = consoleStreams();
  let exitCode = 0;
  const settings = () => loadSettings(environment, new Map());
  const store = () => openStore(settings().dataDirectory);
  const program = new Command('pip-accel accel')
    .description('What pip-accel itself has to say; everything else is pip’s.')
    .exitOverride()
    .configureOutput({ writeOut: stdout, writeErr: stderr })
    .addHelpText('after', () => `\n${optionsHelp()}`);
  program
    .command('version')
    .description('print the version of pip-accel')
    .action(() => stdout(`pip-accel ${PIP_ACCEL_VERSION}\n`));
  program
    .command('config')
    .description('print the options in force')
    .action(() => stdout(`${JSON.stringify(settings(), null, 2)}\n`));
  program
    .command('cache-dir')
    .description('print the data directory')
    .action(() => stdout(`${store().root}\n`));
  program
    .command('verify')
    .description('check all that is kept, and remove what is damaged; exit code 1 if something was')
    .option('--full', 'compare also the bytes of unpacked files with the hashes of RECORD')
    .action(async ({ full = false }: { full?: boolean }) => {
      const { verify } = await import('../../commands/cold/verify.ts');
      const say = (line: string) => stdout(`${line}\n`);
      exitCode = await withStore(store(), (usable) => verify(usable, { full, say }));
    });
  addPrune(program, { store, maxSize: () => settings().maxSize });
  try {
    await program.parseAsync(words.length === 0 ? ['help'] : words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode;
  }
}

interface PruneWords {
  readonly maxSize?: number;
  readonly olderThan?: number;
  readonly now?: boolean;
  readonly dryRun?: boolean;
}

function addPrune(
  program: Command,
  settings: { readonly store: () => Store; readonly maxSize: () => number | null },
): void {
  const { stdout, stderr } = consoleStreams();
  const command = program
    .command('prune')
    .description('remove what was not used for long, what is made again soonest first')
    .option('--max-size <size>', 'how much may stay: 500M, 10G, 10Gi', sizeArgument)
    .option(
      '--older-than <age>',
      'what was not used for so long goes: 90 (days), 12h, 2w',
      ageArgument,
    )
    .option('--now', 'take also what was used within the last hour, for when nothing else runs')
    .option('--dry-run', 'only say what would go');
  command.action(async (words: PruneWords) => {
    const maxBytes = words.maxSize ?? settings.maxSize();
    const olderThan = words.olderThan ?? null;
    if (maxBytes === null && olderThan === null) {
      command.error('error: say how much may stay (--max-size), or for how long (--older-than)', {
        exitCode: 2,
      });
    }
    const { pruneStore } = await import('../../commands/cold/prune.ts');
    const request = {
      maxBytes,
      olderThan,
      now: words.now ?? false,
      dryRun: words.dryRun ?? false,
      say: (line: string) => stdout(`${line}\n`),
      warn: (line: string) => stderr(`${line}\n`),
    };
    await withStore(settings.store(), (store) => pruneStore(store, request));
  });
}

/** @throws PipAccelError `store-unusable` where the work met the file system's no. */
async function withStore<Result>(
  store: Store,
  work: (store: Store) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(store);
  } catch (error) {
    if (error instanceof PipAccelError || !isStoreTrouble(error, store)) throw error;
    const { message } = error as Error;
    const said = `The data directory ${store.root} cannot be used (${message})`;
    throw new PipAccelError('store-unusable', said, { cause: error });
  }
}

function sizeArgument(text: string): number {
  const size = parseSize(text);
  if (size === undefined) throw new InvalidArgumentError('Allowed: a size such as 500M or 10G.');
  return size;
}

/** Milliseconds; a bare number is one of days. */
function ageArgument(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhdw]?)$/i.exec(text) ?? [];
  if (number === undefined) {
    throw new InvalidArgumentError('Allowed: a number of days, or one with s, m, h, d or w.');
  }
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  return Number(number) * seconds[(unit.toLowerCase() || 'd') as keyof typeof seconds] * 1000;
}

function optionsHelp(): string {
  const rows = Object.entries(optionTable as Record<string, OptionSpec>).map(([key, spec]) => {
    const names = [spec.environment, ...(spec.flag ? [spec.flag] : [])].join(', ');
    return `  ${key} (${names})\n      ${spec.help} Default: ${spec.default}.`;
  });
  return `Options, as environment variable, flag of install, or line of the configuration file:\n${rows.join('\n')}\n`;
}
