import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { PipAccelError } from '../core/errors.ts';
import type { Environment } from '../config/load.ts';
import type { Interpreter } from '../core/types.ts';
import type { Store } from '../store/layout.ts';

/** Facts as they are stored: with what has to be unchanged for them to hold. */
export interface RememberedInterpreter {
  readonly interpreter: Interpreter;
  readonly watched: readonly { readonly path: string; readonly stamp: string }[];
}

/** Variables that change what a Python finds on sys.path. */
const pathVariables = ['PYTHONPATH', 'PYTHONHOME', 'PYTHONNOUSERSITE', 'PYTHONSAFEPATH'];

/**
 * The Python to work on, in this order: `--python`, the `python` option, `$VIRTUAL_ENV`,
 * `python3` and `python` on PATH.
 *
 * @returns an absolute path that exists.
 * @throws PipAccelError `python-not-found`
 */
export function choosePython(
  named: { flag: string | null; option: string | null },
  environment: Environment,
): string {
  if (named.flag !== null) return identify(named.flag, '--python', environment);
  if (named.option !== null) return identify(named.option, 'the option python', environment);
  const virtual = environment['VIRTUAL_ENV'];
  if (virtual) return identify(virtual, 'VIRTUAL_ENV', environment);
  const found = searchPath('python3', environment) ?? searchPath('python', environment);
  if (found) return found;
  throw new PipAccelError('python-not-found', 'There is no python3 or python on PATH', {
    hint: 'Activate an environment, or name one with --python or PIP_ACCEL_PYTHON.',
  });
}

/** A directory means its `bin/python`, as for pip's own `--python` (`cli/main_parser.py`). */
function identify(name: string, origin: string, environment: Environment): string {
  const path = isAbsolute(name) || name.includes('/') ? resolve(name) : null;
  const candidates = [
    ...(path ? [join(path, 'bin', 'python'), path] : []),
    ...(path ? [] : [resolve(name, 'bin', 'python'), searchPath(name, environment)]),
  ];
  const found = candidates.find((candidate) => candidate !== null && isExecutableFile(candidate));
  if (found) return found;
  throw new PipAccelError(
    'python-not-found',
    `Could not locate Python interpreter ${name} (from ${origin})`,
    { hint: 'Name an executable, or a virtual environment that has bin/python.' },
  );
}

function searchPath(name: string, environment: Environment): string | null {
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    const candidate = resolve(folder || '.', name);
    if (isExecutableFile(candidate)) return candidate;
  }
  return null;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Where the facts of a Python are kept; what it finds on its path depends on these variables too. */
export function interpreterFile(
  store: Store,
  executable: string,
  environment: Environment,
): string {
  const key = createHash('sha256')
    .update([executable, ...pathVariables.map((name) => environment[name] ?? '')].join('\0'))
    .digest('hex');
  return join(store.interpreters, `${key.slice(0, 32)}.json`);
}

/** The remembered facts of a Python, or null where there are none that still hold. */
export function recallInterpreter(
  store: Store,
  executable: string,
  environment: Environment,
): Interpreter | null {
  let remembered: RememberedInterpreter;
  try {
    const text = readFileSync(interpreterFile(store, executable, environment), 'utf8');
    remembered = JSON.parse(text) as RememberedInterpreter;
  } catch {
    return null;
  }
  const holds = remembered.watched.every(({ path, stamp }) => fileStamp(path) === stamp);
  return holds ? remembered.interpreter : null;
}

/** Size, mtime and ctime of what a path leads to; `absent` where there is nothing. */
export function fileStamp(path: string): string {
  try {
    const { size, mtimeMs, ctimeMs } = statSync(realpathSync(path));
    return `${size}:${mtimeMs}:${ctimeMs}`;
  } catch {
    return 'absent';
  }
}

/** True where PEP 668 forbids pip to write. */
export function isExternallyManaged(interpreter: Interpreter): boolean {
  const marker = interpreter.externallyManagedMarker;
  return marker !== null && fileStamp(marker) !== 'absent';
}
