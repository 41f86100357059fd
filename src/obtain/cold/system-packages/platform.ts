import { readFile } from 'node:fs/promises';
import { hasErrno, PipAccelError } from '../../../core/errors.ts';
import type { Kind } from './diagnose.ts';
import alpine from './platforms/alpine.json' with { type: 'json' };
import arch from './platforms/arch.json' with { type: 'json' };
import debian from './platforms/debian.json' with { type: 'json' };
import fedora from './platforms/fedora.json' with { type: 'json' };
import homebrew from './platforms/homebrew.json' with { type: 'json' };

type Words = readonly string[];

/** How packages are called, found and installed on a kind of system: one file of `platforms/`. */
export interface Platform {
  /** For people. */
  readonly name: string;
  /** What `ID` or `ID_LIKE` of os-release may say; `macos` for macOS. */
  readonly ids: Words;
  /** Whether `install` and `refresh` take root, by sudo where need be. */
  readonly needsRoot: boolean;
  /** What the commands get beside the user's own variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Names of packages follow. It must ask nothing. */
  readonly install: Words;
  /** Brings the index up to date; null where `install` does so itself. */
  readonly refresh: Words | null;
  /** Lists what is installed; the first group of `line` is a package's name. */
  readonly installed: { readonly command: Words; readonly line: string };
  /** Questions to the package manager's own index, for what the tables lack, in order. */
  readonly searches: readonly Search[];
  /** Packages by the name of what they hold; `{python}` stands for `3.11`. */
  readonly header: Readonly<Record<string, string>>;
  readonly library: Readonly<Record<string, string>>;
  readonly program: Readonly<Record<string, string>>;
  readonly 'pkg-config': Readonly<Record<string, string>>;
  readonly cmake: Readonly<Record<string, string>>;
  /** By normalised name: what a project needs, for where its output tells nothing. */
  readonly project: Readonly<Record<string, Words>>;
}

/**
 * In `command` and `line`, `{name}` stands for what is missing, `{lower}` for the same in lower
 * case, `{stem}` for its first part without an ending (`yaml` of `yaml.h`, `X11` of `X11/Xlib.h`), `{regexp}` for
 * a regular expression that matches it; in `line` all of them are escaped.
 */
export interface Search {
  readonly kind: string;
  readonly command: Words;
  /** Matches the lines that name a package, in its first group. */
  readonly line: string;
}

export const platforms: readonly Platform[] = [debian, fedora, alpine, arch, homebrew];

/**
 * The platform that a file describes, else the one that this system says it is, or is like.
 *
 * @returns null where nothing is known of it.
 * @throws PipAccelError `config-unreadable` for a file that is not as it should be.
 */
export async function platformOf(file: string | null): Promise<Platform | null> {
  if (file !== null) return await readPlatform(file);
  const ids = process.platform === 'darwin' ? ['macos'] : await idsOfLinux();
  for (const id of ids) {
    const found = platforms.find((platform) => platform.ids.includes(id));
    if (found) return found;
  }
  return null;
}

/** `ID` and then `ID_LIKE`, the closest first (os-release(5)). */
async function idsOfLinux(): Promise<readonly string[]> {
  const text =
    (await readIfThere('/etc/os-release')) ?? (await readIfThere('/usr/lib/os-release')) ?? '';
  const valueOf = (name: string) =>
    new RegExp(`^${name}=(["']?)(.*)\\1$`, 'm').exec(text)?.[2]?.split(/\s+/) ?? [];
  return [...valueOf('ID'), ...valueOf('ID_LIKE')];
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return null;
    throw error;
  }
}

/** Somebody's own file may leave out tables, and then has none of their words. */
async function readPlatform(path: string): Promise<Platform> {
  try {
    const given = JSON.parse(await readFile(path, 'utf8')) as Partial<Platform>;
    const { install, installed } = given;
    if (!isWords(install) || !isWords(installed?.command) || typeof installed.line !== 'string') {
      throw new Error('it needs `install`, and `installed` with `command` and `line`');
    }
    return { ...empty, ...given, install, installed };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PipAccelError('config-unreadable', `Cannot read the platform ${path}: ${reason}`, {
      cause: error,
      hint: 'docs/system-packages.md says what a platform file has; correct or unset platform-file.',
    });
  }
}

function isWords(value: unknown): value is Words {
  return (
    Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string')
  );
}

const empty = {
  name: 'this system',
  ids: [],
  needsRoot: false,
  variables: {},
  refresh: null,
  searches: [],
  header: {},
  library: {},
  program: {},
  'pkg-config': {},
  cmake: {},
  project: {},
} satisfies Partial<Record<keyof Platform, unknown>> & Record<Kind, unknown>;
