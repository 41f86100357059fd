import { hasErrno } from '../../../core/errors.ts';
import { runLines } from '../../../process/cold/run.ts';
import type { Platform } from './platform.ts';
import type { Assistance } from './provide.ts';

/** The words that install packages, with sudo for whoever is not root. @param mayAsk for a password. */
export function installCommand(
  platform: Platform,
  packages: readonly string[],
  mayAsk: boolean,
): readonly string[] {
  return [...asRoot(platform, mayAsk), ...platform.install, ...packages];
}

/**
 * Installs packages, with an index that is up to date where it does not work with the one at
 * hand: images of containers come without any.
 *
 * @returns null, or why they are not there, in the last lines of the package manager.
 */
export async function installPackages(
  platform: Platform,
  packages: readonly string[],
  assistance: Assistance,
): Promise<readonly string[] | null> {
  const mayAsk = assistance.ask !== null;
  const install = installCommand(platform, packages, mayAsk);
  const failure = await runManager(platform, install, assistance);
  if (failure === null || platform.refresh === null || assistance.signal.aborted) return failure;
  const refresh = [...asRoot(platform, mayAsk), ...platform.refresh];
  const refused = await runManager(platform, refresh, assistance);
  return refused ?? (await runManager(platform, install, assistance));
}

/** sudo drops the variables that it is not told of. */
function asRoot({ needsRoot, variables }: Platform, mayAsk: boolean): readonly string[] {
  if (!needsRoot || process.getuid?.() === 0) return [];
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return ['sudo', ...(mayAsk ? [] : ['-n']), ...(settings.length > 0 ? ['env', ...settings] : [])];
}

/** Lines of a package manager that are shown where it fails. */
const shownLines = 5;

async function runManager(
  { variables }: Platform,
  command: readonly string[],
  { emit, environment }: Assistance,
): Promise<readonly string[] | null> {
  const said: string[] = [];
  emit({ type: 'package-manager-line', line: `$ ${command.join(' ')}` });
  try {
    const exitCode = await runLines(
      command,
      // Whatever it asks in spite of its options, nobody answers.
      { environment: { ...withoutPython(environment), ...variables }, answer: async () => null },
      ({ line }) => {
        said.push(line);
        emit({ type: 'package-manager-line', line });
      },
    );
    if (exitCode === 0) return null;
    const tail = said.filter((line) => line.trim() !== '').slice(-shownLines);
    return [`${command.join(' ')} ended with exit code ${exitCode}:`, ...tail];
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return [`${command[0]} cannot be started`];
    throw error;
  }
}

/** dnf is written in Python, and has its own. */
function withoutPython(environment: Assistance['environment']): Assistance['environment'] {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('PYTHON')),
  );
}
