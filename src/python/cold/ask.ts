import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PipAccelError } from '../../core/errors.ts';
import type { Environment } from '../../config/load.ts';
import type { Interpreter } from '../../core/types.ts';
import { publishText } from '../../store/cold/publish.ts';
import { isStoreTrouble } from '../../store/trouble.ts';
import type { Store } from '../../store/layout.ts';
import {
  fileStamp,
  identifyInterpreter,
  type InterpreterIdentity,
  interpreterFile,
  isIdentified,
  pathFilesStamp,
  type RememberedInterpreter,
  withoutPrefix,
} from '../interpreter.ts';
import factsScript from '../scripts/facts.py';

/** How long a Python may take to tell about itself; the slowest seen, with a cold disk, took 3 s. */
const askTimeoutMilliseconds = 60_000;

/**
 * Runs a Python to learn what it is, and remembers the answer for as long as its executable
 * and its pip stay as they are, and for every virtual environment that is made alike.
 *
 * @throws PipAccelError `python-not-found` where it cannot be started.
 */
export async function askInterpreter(
  store: Store,
  executable: string,
  environment: Environment,
): Promise<Interpreter> {
  const asked = { ...identifyInterpreter(executable, environment), stamp: fileStamp(executable) };
  const interpreter = await runFacts(executable, environment);
  const identity = identifyInterpreter(executable, environment);
  // It may have been replaced while it answered.
  const isSame = identity.digest === asked.digest && fileStamp(executable) === asked.stamp;
  if (isSame && (await isNativeExecutable(executable))) {
    try {
      await remember(store, executable, interpreter, identity);
    } catch (error) {
      // What is known now is enough for this run; an installation will say what is wrong with the store.
      if (!isStoreTrouble(error, store)) throw error;
    }
  }
  return interpreter;
}

/** Not by execa: to import it makes standard output non-blocking, for the pip that takes our place too. */
async function runFacts(executable: string, environment: Environment): Promise<Interpreter> {
  try {
    const python = spawn(executable, ['-c', factsScript], {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: askTimeoutMilliseconds,
    });
    const ended = once(python, 'close');
    const [said, [code, signal]] = await Promise.all([text(python.stdout), ended]);
    if (code !== 0) throw new Error(`it ended with ${String(code ?? signal)}`);
    // A sitecustomize may print; the facts are the last line.
    const facts = said.trimEnd();
    return JSON.parse(facts.slice(facts.lastIndexOf('\n') + 1)) as Interpreter;
  } catch (error) {
    throw new PipAccelError(
      'python-not-found',
      `${executable} does not work as a Python interpreter`,
      {
        cause: error,
        hint: `Run it by hand to see why: ${executable} -c "import sys; print(sys.version)".`,
      },
    );
  }
}

/** A shell script of that name (pyenv's shims) may lead to another Python tomorrow. */
async function isNativeExecutable(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.toString('latin1') !== '#!';
  } finally {
    await handle.close();
  }
}

async function remember(
  store: Store,
  executable: string,
  interpreter: Interpreter,
  identity: InterpreterIdentity,
): Promise<void> {
  const { prefix } = identity;
  const isOwn = (path: string) => prefix !== null && path.startsWith(`${prefix}/`);
  const paths = [
    executable,
    join(dirname(dirname(executable)), 'pyvenv.cfg'),
    interpreter.pip?.module ?? join(interpreter.scheme.purelib, 'pip', '__init__.py'),
    ...(interpreter.pip?.script ? [interpreter.pip.script] : []),
  ].filter((path) => !isOwn(path));
  // User packages may appear, and a sitecustomize anywhere.
  const { sitePackages, userSite } = interpreter;
  const all = [...new Set([...sitePackages, ...(userSite === null ? [] : [userSite])])];
  const libraries = all.filter((path) => isLibrary(path, interpreter));
  const folders = all.filter((path) => !libraries.includes(path) && !isIdentified(path, prefix));
  const facts: RememberedInterpreter = {
    interpreter,
    watched: [...paths, ...libraries.flatMap(libraryPaths)].map((path) => ({
      path,
      stamp: fileStamp(path),
    })),
    folders: folders.map((path) => ({ path, stamp: pathFilesStamp(path, prefix) })),
  };
  await publishText(
    store,
    interpreterFile(store, identity),
    withoutPrefix(JSON.stringify(facts), prefix),
  );
}

/** Python's own modules: to list their hundreds of names would take half a millisecond of each run. */
function isLibrary(path: string, { basePrefix }: Interpreter): boolean {
  return path.startsWith(`${basePrefix}/`) && !/(site|dist)-packages$/.test(path);
}

/** The folder shows by its times what is added to it. */
function libraryPaths(folder: string): readonly string[] {
  const customizations = ['sitecustomize.py', 'usercustomize.py'];
  return [
    folder,
    ...customizations.map((name) => join(folder, name)).filter((path) => existsSync(path)),
  ];
}
