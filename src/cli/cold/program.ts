import { Command } from 'commander';
import { type Environment, loadSettings } from '../../config/load.ts';
import { type OptionSpec, optionTable } from '../../config/options.ts';
import { consoleStreams } from '../../report/text.ts';
import { openStore } from '../../store/layout.ts';

declare const PIP_ACCEL_VERSION: string;

/** pip-accel's own commands: `pip-accel accel …`. */
export async function runAccel(
  words: readonly string[],
  environment: Environment,
): Promise<number> {
  let output = '';
  const program = new Command('pip-accel accel')
    .description('What pip-accel itself has to say; everything else is pip’s.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => (output += text) })
    .addHelpText('after', () => `\n${optionsHelp()}`);
  program
    .command('version')
    .description('print the version of pip-accel')
    .action(() => {
      output += `pip-accel ${PIP_ACCEL_VERSION}\n`;
    });
  program
    .command('config')
    .description('print the options in force')
    .action(() => {
      output += `${JSON.stringify(loadSettings(environment, new Map()), null, 2)}\n`;
    });
  program
    .command('cache-dir')
    .description('print the data directory')
    .action(() => {
      output += `${openStore(loadSettings(environment, new Map()).dataDirectory).root}\n`;
    });
  try {
    await program.parseAsync(words.length === 0 ? ['help'] : words, { from: 'user' });
    return 0;
  } catch (error) {
    if (!(error instanceof Error && 'exitCode' in error)) throw error;
    return Number(error.exitCode);
  } finally {
    consoleStreams().stdout(output);
  }
}

function optionsHelp(): string {
  const rows = Object.entries(optionTable as Record<string, OptionSpec>).map(([key, spec]) => {
    const names = [spec.environment, ...(spec.flag ? [spec.flag] : [])].join(', ');
    return `  ${key} (${names})\n      ${spec.help} Default: ${spec.default}.`;
  });
  return `Options, as environment variable, flag of install, or line of the configuration file:\n${rows.join('\n')}\n`;
}
