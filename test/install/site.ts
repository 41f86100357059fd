import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Archive, Interpreter, Scheme, Sha256, Version } from '../../src/core/types.ts';
import { install, type InstallResult } from '../../src/install/install.ts';
import type { LinkMode } from '../../src/install/link.ts';
import { planRemoval } from '../../src/install/uninstall.ts';
import { ImageMaker } from '../../src/obtain/cold/unpack.ts';
import { readInstalled } from '../../src/plan/installed.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { normalizeName } from '../../src/python/names.ts';
import type { Image } from '../../src/store/images.ts';
import { openStore, type Store } from '../../src/store/layout.ts';
import { makeEnvironment, pythonAtHand } from '../environment.ts';

/** The fixtures, made in a folder of the test's own. */
export function makeFixtures(folder: string): void {
  const script = fileURLToPath(new URL('../../fixtures/make.py', import.meta.url));
  execFileSync(pythonAtHand(), [script, folder], { stdio: 'pipe' });
}

/** Bytecode holds the mtime of its source. */
const copyAll = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };

/** An environment that is made twice at one path: once by pip, once by pip-accel. */
export class Site {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-site-')));
  readonly venv = join(this.root, 'venv');
  readonly fixtures = join(this.root, 'fixtures');
  readonly store: Store = openStore(join(this.root, 'cache'));
  readonly environment: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: this.root,
    LANG: 'C.UTF-8',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: join(this.fixtures, 'index'),
    PIP_ROOT_USER_ACTION: 'ignore',
  };

  constructor() {
    makeFixtures(this.fixtures);
    makeEnvironment(this.venv, this.environment);
    cpSync(this.venv, join(this.root, 'pristine'), copyAll);
  }

  /** Takes the environment away for comparison, and puts a fresh one in its place. */
  reset(): Tree {
    const tree = readTree(this.venv);
    rmSync(this.venv, { recursive: true });
    cpSync(join(this.root, 'pristine'), this.venv, copyAll);
    return tree;
  }

  pip(...words: string[]): string {
    const { status, stdout, stderr } = spawnSync(
      join(this.venv, 'bin', 'python'),
      ['-m', 'pip', ...words],
      { env: this.environment, encoding: 'utf8', cwd: this.root },
    );
    if (status !== 0) throw new Error(`pip ${words.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  async interpreter(): Promise<Interpreter> {
    return await askInterpreter(this.store, join(this.venv, 'bin', 'python'), this.environment);
  }

  /** Installs archives of the fixtures' index in the order given, each named by the user. */
  async install(filenames: readonly string[], how: How = {}): Promise<InstallResult> {
    const found = await this.interpreter();
    const interpreter = { ...found, scheme: { ...found.scheme, ...how.scheme } };
    const archives = filenames.map((name) => archiveAt(join(this.fixtures, 'index', name)));
    const images = await this.images(archives);
    const installed = readInstalled(interpreter);
    const replacedBy = (image: Image) => {
      const replaced = installed.find(({ key }) => key === image.manifest.key);
      return replaced ? planRemoval(replaced, interpreter) : null;
    };
    const steps = images.map((image, at) => ({
      image,
      spelling: filenames[at]?.split('-')[0] ?? '',
      requested: how.requested ?? true,
      replaces: replacedBy(image),
      directUrl: null,
    }));
    return await install(steps, interpreter, {
      compile: how.compile ?? true,
      linkMode: how.linkMode ?? 'auto',
      path: how.path ?? join(this.venv, 'bin'),
    });
  }

  async images(archives: readonly Archive[]) {
    const target = {
      interpreter: await this.interpreter(),
      umask: process.umask(),
      bytecode: true,
    };
    const { store, environment } = this;
    const maker = new ImageMaker(target, { store, environment, emit: () => undefined });
    const images = archives.map(async (archive) => await maker.imageOf(archive));
    try {
      return await Promise.all(images);
    } finally {
      await maker.close();
    }
  }

  /** The wheels of the index whose name matches. */
  wheels(pattern: RegExp): string[] {
    return readdirSync(join(this.fixtures, 'index')).filter(
      (name) => name.endsWith('.whl') && pattern.test(name),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

interface How {
  readonly requested?: boolean;
  readonly compile?: boolean;
  readonly linkMode?: LinkMode;
  readonly path?: string;
  /** Folders in place of the interpreter's own. */
  readonly scheme?: Partial<Scheme>;
}

export function archiveAt(path: string): Archive {
  const [name = '', version = ''] = basename(path)
    .replace(/\.tar\.gz$/, '')
    .split(path.endsWith('.whl') ? '-' : /-(?=\d)/);
  return {
    kind: path.endsWith('.whl') ? 'wheel' : 'binary',
    key: normalizeName(name),
    version: version as Version,
    path,
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex') as Sha256,
  };
}

/** `foo==1.0` for `foo-1.0-py3-none-any.whl`. */
export function requirementOf(wheel: string): string {
  return wheel.split('-').slice(0, 2).join('==');
}

/** Name to type, mode and content; of bytecode the name and mode alone. */
export type Tree = Record<string, string>;

export function readTree(root: string): Tree {
  const tree: Tree = {};
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    // A link to lib, of which the reading would not stop.
    if (name.startsWith('lib64/')) continue;
    const path = join(root, name);
    const status = lstatSync(path);
    const mode = status.mode.toString(8);
    if (status.isSymbolicLink()) tree[name] = `link to ${readlinkSync(path)}`;
    else if (status.isDirectory() || name.endsWith('.pyc')) tree[name] = mode;
    else tree[name] = `${mode} ${readFileSync(path, 'latin1')}`;
  }
  return tree;
}

/** The names that two trees do not have alike; short enough to be read where a test fails. */
export function differences(left: Tree, right: Tree): string[] {
  return Object.keys({ ...left, ...right }).filter((name) => left[name] !== right[name]);
}
