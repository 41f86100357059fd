import { PipAccelError } from '../core/errors.ts';
import type { Interpreter } from '../core/types.ts';

/**
 * The words that start the pip of an environment. Its own script is preferred to `-m pip`:
 * pip then calls itself `pip` in its messages, as it does for people who type `pip`, and the
 * working folder is not searched for modules.
 */
export function pipCommand(interpreter: Interpreter): readonly string[] | null {
  if (!interpreter.pip) return null;
  return interpreter.pip.script
    ? [interpreter.executable, interpreter.pip.script]
    : [interpreter.executable, '-m', 'pip'];
}

/**
 * The pip of another Python, told to work on one that has none (`--python`, since pip 22.3).
 *
 * @throws PipAccelError `pip-not-found`
 */
export function borrowedPipCommand(
  target: Interpreter,
  lender: Interpreter | null,
): readonly string[] {
  const command = lender ? pipCommand(lender) : null;
  const version = lender?.pip?.version ?? '';
  if (command && atLeast(version, 22, 3)) return [...command, '--python', target.executable];
  throw new PipAccelError('pip-not-found', `${target.executable} has no pip`, {
    hint: command
      ? `The pip ${version} on PATH cannot install into other environments (that takes 22.3): run ${target.executable} -m ensurepip.`
      : `Run ${target.executable} -m ensurepip, or put a pip of 22.3 or later on PATH.`,
  });
}

/** Compares the first two numbers of a pip's version. */
export function atLeast(version: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return first > major || (first === major && second >= minor);
}

/**
 * Which of pip's resolvers an environment's pip has: the legacy one before 20.3 and, with Python
 * 2, to its end.
 */
export function resolverOf({ pip, versionInfo }: Interpreter): 'legacy' | 'resolvelib' {
  const isNew = pip === null || atLeast(pip.version, 20, 3);
  return isNew && versionInfo[0] >= 3 ? 'resolvelib' : 'legacy';
}

/** A project's name as a pip calls it that a requirement names so: `pkg_resources.safe_name` before 22.0. */
export function nameInMessages(name: string, pip: Interpreter['pip']): string {
  const isOld = pip !== null && !atLeast(pip.version, 22, 0);
  return isOld ? name.replaceAll(/[^A-Za-z0-9.]+/g, '-') : name;
}

/** pip's `display_path`: from the working folder where it lies below it. */
export function displayPath(path: string): string {
  const folder = process.cwd();
  return path.startsWith(`${folder}/`) ? `.${path.slice(folder.length)}` : path;
}
