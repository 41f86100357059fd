import path from 'node:path';
import { succeed } from './command.ts';
import type { EnvironmentSpec } from './environment.ts';
import { interpreters, minor, type Interpreter } from './interpreters.ts';
import { settings, temporaryFolder } from './settings.ts';

/** One comparison of the matrix. */
export interface Row {
  readonly title: string;
  readonly interpreter: Interpreter;
  readonly spec: EnvironmentSpec;
  /** Another row has the same Python with another setuptools, whose builds pip, too, would share. */
  readonly twin?: boolean;
}

/** Releases of pip before 23.1 build a setup.py-only sdist as a wheel only where `wheel` is. */
const WHEEL = 'wheel==0.37.1';

/** The pip of each Python: the last one that supports the old ones, a spread for the others. */
const PIPS: Readonly<Record<string, readonly string[]>> = {
  '2.7': ['pip==20.3.4', WHEEL],
  '3.6': ['pip==21.3.1', WHEEL],
  '3.7': ['pip==24.0'],
  '3.8': ['pip==25.0.1'],
  '3.9': ['pip==26.0.1'],
  '3.10': ['pip==22.2.2', WHEEL],
  '3.11': ['pip==23.2.1'],
  '3.12': ['pip==24.2'],
  '3.13': ['pip==25.3'],
};
const NEWEST_PIP = ['pip==26.3'];

/** A virtual environment of each interpreter on the machine. */
export async function virtualEnvironmentRows(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const interpreter of await interpreters()) {
    const twin = rows.some((row) => isTwin(row.interpreter, interpreter));
    const tools = (!twin && PIPS[interpreter.version]) || NEWEST_PIP;
    const create = await creator(interpreter);
    rows.push({ title: title(interpreter, tools), interpreter, spec: { create, tools }, twin });
  }
  return rows;
}

/**
 * Copies of a whole interpreter, into whose own prefix pip installs: as in a container image, and
 * as conda has it. Undefined where the machine has none that can be copied.
 */
export async function ownPrefixRow(kind: 'own prefix' | 'conda'): Promise<Row | undefined> {
  const interpreter = await copyable();
  if (!interpreter) return undefined;
  const additions = kind === 'conda' ? 'mkdir "$2/conda-meta" && : > "$2/conda-meta/history"' : ':';
  return {
    title: `${kind} of ${interpreter.version}`,
    interpreter,
    spec: {
      create: copy(interpreter, additions),
      tools: PIPS[interpreter.version] ?? NEWEST_PIP,
      // By the name that is found on PATH: it is what scripts will name.
      interpreter: 'bin/python3',
    },
  };
}

/** The same, marked as one that only the distribution's own tools may change (PEP 668). */
export async function externallyManagedRow(): Promise<Row | undefined> {
  const row = await ownPrefixRow('own prefix');
  if (!row) return undefined;
  const text = '[externally-managed]\\nError=Installed by a fixture.\\n';
  const marker = `$2/lib/python${row.interpreter.version}/EXTERNALLY-MANAGED`;
  return {
    ...row,
    title: `externally managed ${row.interpreter.version}`,
    spec: {
      ...row.spec,
      tools: [],
      create: copy(row.interpreter, `printf '${text}' > "${marker}"`),
    },
  };
}

/** Appends the environment's path as `$2` to a copy and what is done to it. */
function copy(interpreter: Interpreter, additions: string): readonly string[] {
  return ['sh', '-ec', `cp -a "$1" "$2"; ${additions}`, 'sh', interpreter.prefix];
}

/** An interpreter in a prefix of its own, not Debian's /usr; the newest with a pip that is named. */
async function copyable(): Promise<Interpreter | undefined> {
  const candidates = (await interpreters()).filter(
    ({ prefix, implementation, version }) =>
      implementation === 'CPython' && prefix !== '/usr' && version in PIPS && version !== '3.13',
  );
  return candidates.at(-1);
}

function isTwin(left: Interpreter, right: Interpreter): boolean {
  return left.implementation === right.implementation && left.version === right.version;
}

function title(interpreter: Interpreter, tools: readonly string[]): string {
  const { implementation, version, executable } = interpreter;
  const place = executable.startsWith('/usr/') ? ' of Debian' : '';
  return `${implementation} ${version}${place}, ${tools[0]?.replace('==', ' ')}`;
}

let virtualenv: Promise<string> | undefined;

/** Python 2 has no venv: the last virtualenv that makes environments of it stands in. */
async function creator(interpreter: Interpreter): Promise<readonly string[]> {
  if (minor(interpreter) >= 300) return [interpreter.executable, '-m', 'venv'];
  virtualenv ??= installVirtualenv();
  return [await virtualenv, '--quiet', '--python', interpreter.executable];
}

async function installVirtualenv(): Promise<string> {
  const home = temporaryFolder('virtualenv');
  const prefix = path.join(home, 'env');
  await succeed([settings.python, '-m', 'venv', prefix], { home });
  await succeed([path.join(prefix, 'bin/pip'), 'install', '-q', 'virtualenv==20.21.1'], { home });
  return path.join(prefix, 'bin/virtualenv');
}
