import type { Emit } from '../../../core/events.ts';
import type { Sha256 } from '../../../core/types.ts';
import { compareVersions, parseVersion } from '../../../python/pep440.ts';
import type { KeyRequest } from '../../../store/key.ts';
import type { Store } from '../../../store/layout.ts';
import type { FailedBuild, Remedy } from '../system-packages/provide.ts';

/** An sdist to build, for which Python, and in whose manner. */
export interface BuildRequest extends KeyRequest {
  readonly sdist: {
    readonly path: string;
    /** As the index names it: its ending says how it is packed. */
    readonly filename: string;
    readonly sha256: Sha256;
  };
  /** Who wants it, for the error of a build that fails; null where the user named it. */
  readonly requiredBy?: string | null;
  /** False (`--no-build-isolation`): with what the interpreter has installed, and nothing else. Left out: true. */
  readonly isolated?: boolean;
  /** Left out: as the newest pip. */
  readonly semantics?: BuildSemantics;
}

export interface BuildContext {
  readonly store: Store;
  readonly emit: Emit;
  /** The user's variables; what a build must not see is taken out here. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Installs requirements, and theirs, into a prefix that has nothing yet, in the folders of
   * sysconfig's scheme for a prefix, as `pip install --ignore-installed --prefix` does.
   */
  readonly fillEnvironment: (requirements: readonly string[], prefix: string) => Promise<void>;
  /** How many builds share the machine with this one, which counts. Left out: it has it to itself. */
  readonly sideBySide?: number;
  readonly signal?: AbortSignal;
  /** Finds out which packages of the system a failed build lacks, and may install them. */
  readonly provideSystemPackages?: (build: FailedBuild) => Promise<Remedy>;
}

/** What differs between pips in building a project that names no backend. */
export interface BuildSemantics {
  /**
   * A project without pyproject.toml is built in an isolated environment, or (until pip 25.3)
   * with the setuptools of the environment itself.
   */
  readonly legacySetup: 'isolated' | 'environment';
  /** Build requirements where the project names none. */
  readonly defaultRequires: readonly string[];
}

const newestSemantics: BuildSemantics = {
  legacySetup: 'isolated',
  defaultRequires: ['setuptools>=40.8.0'],
};

/**
 * How a pip builds what names no backend (`pyproject.py` of each version).
 *
 * @param pip its version; null where the environment has none.
 * @param installed what the environment can import.
 */
export function buildSemantics(
  pip: string | null,
  installed: { readonly setuptools: boolean; readonly wheel: boolean },
): BuildSemantics {
  if (pip === null) return newestSemantics;
  // Before 23.1, a pip without the wheel package ran `setup.py install` in the environment.
  const inEnvironment =
    isBefore(pip, '25.3') && installed.setuptools && (installed.wheel || isBefore(pip, '23.1'));
  return {
    legacySetup: inEnvironment ? 'environment' : 'isolated',
    defaultRequires: isBefore(pip, '24.0')
      ? [...newestSemantics.defaultRequires, 'wheel']
      : newestSemantics.defaultRequires,
  };
}

function isBefore(version: string, limit: string): boolean {
  const [left, right] = [parseVersion(version), parseVersion(limit)];
  return left !== null && right !== null && compareVersions(left, right) < 0;
}
