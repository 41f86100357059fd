import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { release, version } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { sha256 } from '../core/sha256.ts';
import { PipAccelError } from '../core/errors.ts';
import type { Environment } from '../config/load.ts';
import type { Interpreter } from '../core/types.ts';
import type { Store } from '../store/layout.ts';

/** Facts as they are stored: with what has to be unchanged for them to hold. */
export interface RememberedInterpreter {
  /** A placeholder stands for the folder of a virtual environment. */
  readonly interpreter: Interpreter;
  /** Files outside of it, by `fileStamp`. */
  readonly watched: readonly { readonly path: string; readonly stamp: string }[];
  /** Folders of `sys.path`, and where user packages would lie, by `pathFilesStamp`. */
  readonly folders: readonly { readonly path: string; readonly stamp: string }[];
}

/** Variables that change what a Python finds on sys.path; these hold paths, of which an empty one is the working directory. */
const pathVariables = ['PYTHONPATH', 'PYTHONHOME'];
const otherVariables = ['PYTHONNOUSERSITE', 'PYTHONSAFEPATH', 'PYTHONPLATLIBDIR'];
/** Where the user's own packages lie, for a Python that looks for them. */
const userVariables = ['HOME', 'PYTHONUSERBASE'];

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

/**
 * The name under which `pip` would start the Python of a virtual environment, and which it writes
 * into scripts. null where it has no pip of its own, or one that names another Python.
 */
export function startedByPip(executable: string): string | null {
  const folder = dirname(executable);
  if (!existsSync(join(dirname(folder), 'pyvenv.cfg'))) return null;
  return startedBy(join(folder, 'pip'), executable);
}

/** The Python that a script of pip's names in its first lines, where it is a given one by a name beside it. */
export function startedBy(pipScript: string, executable: string): string | null {
  const text = textOrNone(pipScript);
  if (!text?.includes('import') || !text.includes('pip._internal')) return null;
  const line = /^#!(?:\/bin\/sh\n'''exec' )?"?(\/[^ \n"]*python[^ \n"]*)/;
  const named = line.exec(text)?.[1];
  if (named === undefined || dirname(named) !== dirname(executable)) return null;
  try {
    return realpathSync(named) === realpathSync(executable) ? named : null;
  } catch {
    return null;
  }
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

/**
 * The remembered facts of a Python, or null where there are none that still hold. Those of a
 * virtual environment hold in every other one that is made alike, wherever it lies.
 */
export function recallInterpreter(
  store: Store,
  executable: string,
  environment: Environment,
): Interpreter | null {
  const identity = identifyInterpreter(executable, environment);
  let remembered: RememberedInterpreter;
  try {
    const text = readFileSync(interpreterFile(store, identity), 'utf8');
    remembered = JSON.parse(withPrefix(text, identity.prefix)) as RememberedInterpreter;
  } catch {
    return null;
  }
  const { prefix } = identity;
  const { interpreter: facts, watched, folders } = remembered;
  const holds =
    watched.every(({ path, stamp }) => fileStamp(path) === stamp) &&
    folders.every(({ path, stamp }) => pathFilesStamp(path, prefix) === stamp);
  if (!holds) return null;
  // The kernel may have been replaced since.
  const markers = { ...facts.markers, platform_release: release(), platform_version: version() };
  return { ...facts, markers };
}

/** What has to be the same for the facts of one Python to be those of another. */
export interface InterpreterIdentity {
  /** Under which they are remembered. */
  readonly digest: string;
  /** The virtual environment's folder, for which a placeholder stands in the facts; null outside of one. */
  readonly prefix: string | null;
}

/**
 * A virtual environment is what its `pyvenv.cfg`, the Python behind it, its pip and the `.pth`
 * files make of it; another interpreter is told by its path alone, and watched.
 */
export function identifyInterpreter(
  executable: string,
  environment: Environment,
): InterpreterIdentity {
  const folder = dirname(dirname(executable));
  const configuration = textOrNone(join(folder, 'pyvenv.cfg'));
  const prefix = configuration === null ? null : folder;
  const parts =
    configuration === null
      ? [executable]
      : [
          basename(executable),
          realStamp(executable),
          ...virtualEnvironmentParts(folder, configuration),
        ];
  const paths = [
    ...pathVariables,
    ...(configuration === null || seesUserSite(configuration) ? userVariables : []),
  ].map((name) => absolutePaths(environment[name]));
  const others = otherVariables.map((name) => environment[name] ?? '');
  const digest = sha256(
    [withoutPrefix(JSON.stringify(paths), prefix), JSON.stringify([others, parts])].join('\n'),
  );
  return { digest, prefix };
}

/** As Python makes them absolute (`site.abs_paths`); an empty variable is as good as none. */
function absolutePaths(value: string | undefined): readonly string[] {
  return value ? value.split(delimiter).map((part) => resolve(part)) : [];
}

/** As `site.venv` reads a `pyvenv.cfg`. */
function seesUserSite(configuration: string): boolean {
  const written = configuration.matchAll(/^\s*include-system-site-packages\s*=(.*)$/gim);
  return [...written].at(-1)?.[1]?.trim().toLowerCase() !== 'false';
}

/** Where facts are kept. */
export function interpreterFile(store: Store, { digest }: InterpreterIdentity): string {
  return join(store.interpreters, `${digest.slice(0, 32)}.json`);
}

const placeholder = '{prefix}';

/** JSON in which the placeholder stands for a folder wherever a text begins with its path. */
export function withoutPrefix(json: string, prefix: string | null): string {
  if (prefix === null) return json;
  const path = JSON.stringify(prefix).slice(0, -1);
  return json.replaceAll(`${path}"`, `"${placeholder}"`).replaceAll(`${path}/`, `"${placeholder}/`);
}

/** The same with a folder's path in place of the placeholder. */
function withPrefix(json: string, prefix: string | null): string {
  if (prefix === null) return json;
  return json.replaceAll(`"${placeholder}`, JSON.stringify(prefix).slice(0, -1));
}

/** All that tells one virtual environment of a Python from another. */
function virtualEnvironmentParts(prefix: string, configuration: string): readonly string[] {
  // How it was called, and what its prompt is, changes nothing.
  const settings = configuration
    .split('\n')
    .filter((line) => !/^\s*(command|prompt)\s*=/i.test(line));
  const texts = [settings.join('\n'), textOrNone(join(prefix, 'bin', 'pip')) ?? ''];
  const parts = texts.map((text) => withPlaceholder(text, prefix));
  for (const name of namesOrNone(join(prefix, 'lib')) ?? []) {
    parts.push(name, ...(pathFiles(join(prefix, 'lib', name, 'site-packages'), prefix) ?? []));
  }
  return parts;
}

/** True for a folder whose `.pth` files are a part of the identity. */
export function isIdentified(folder: string, prefix: string | null): boolean {
  return (
    prefix !== null &&
    basename(folder) === 'site-packages' &&
    dirname(dirname(folder)) === join(prefix, 'lib')
  );
}

/** What in a folder of `sys.path` changes that path, or names the pip that lies there; null where there is none. */
function pathFiles(folder: string, prefix: string | null): readonly string[] | null {
  const names = namesOrNone(folder);
  if (names === null) return null;
  const parts: string[] = [];
  for (const name of names) {
    if (name === 'pip' || name.startsWith('pip-')) parts.push(name);
    else if (changesPath(name)) {
      const path = join(folder, name);
      const text = textOrNone(path) ?? textOrNone(join(path, '__init__.py')) ?? '';
      parts.push(name, withPlaceholder(text, prefix));
    }
  }
  return parts;
}

/** Asked of every name in the folders of `sys.path` at each start. */
function changesPath(name: string): boolean {
  if (name.endsWith('.pth')) return true;
  return name.includes('customize') && /^(site|user)customize\b/.test(name);
}

/** @param prefix of the virtual environment for which the folder is looked at. */
export function pathFilesStamp(folder: string, prefix: string | null): string {
  return sha256(JSON.stringify(pathFiles(folder, prefix)));
}

/**
 * A text with the placeholder wherever a path of its begins with the prefix, and nowhere else: a
 * path that is left makes an environment one of its own, one too many makes it another.
 */
function withPlaceholder(text: string, prefix: string | null): string {
  if (prefix === null || !text.includes(prefix)) return text;
  return text
    .split(prefix)
    .reduce(
      (before, after) =>
        before +
        (/(^|[\s'"!=])$/.test(before) && /^([/'"\r\n]|$)/.test(after) ? placeholder : prefix) +
        after,
    );
}

/** The executable that a link leads to, and its stamp. */
function realStamp(executable: string): string {
  try {
    return `${realpathSync(executable)} ${fileStamp(executable)}`;
  } catch {
    return 'absent';
  }
}

function textOrNone(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

function namesOrNone(folder: string): readonly string[] | null {
  try {
    return readdirSync(folder).sort();
  } catch {
    return null;
  }
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
