import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { hasErrno } from '../../../core/errors.ts';
import type { BuildSemantics } from './request.ts';

/** What builds a project (PEP 517, PEP 518), with pip's defaults filled in. */
export interface BuildSystem {
  readonly requires: readonly string[];
  /** `module:object`. */
  readonly backend: string;
  /** Relative to the project. */
  readonly backendPath: readonly string[];
  /** The project names no backend and has a setup.py: what `bdist_dumb` can build. */
  readonly isSetupPy: boolean;
  /** As pip builds it: in an environment of its own, or with what is installed. */
  readonly isolated: boolean;
}

const legacyBackend = 'setuptools.build_meta:__legacy__';

/**
 * Reads a project's build system as pip's `load_pyproject_toml` does.
 *
 * @returns a string that says what is wrong with the project.
 */
export async function readBuildSystem(
  source: string,
  semantics: BuildSemantics,
): Promise<BuildSystem | string> {
  const hasSetupPy = await isFile(join(source, 'setup.py'));
  const text = await readIfPresent(join(source, 'pyproject.toml'));
  if (text === null) {
    if (!hasSetupPy) {
      return "it does not appear to be a Python project: neither 'setup.py' nor 'pyproject.toml' found";
    }
    return {
      requires: semantics.defaultRequires,
      backend: legacyBackend,
      backendPath: [],
      isSetupPy: true,
      isolated: semantics.legacySetup === 'isolated',
    };
  }
  let table: unknown;
  try {
    table = parse(text)['build-system'];
  } catch (error) {
    return `its pyproject.toml cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  return interpret(table, hasSetupPy, semantics);
}

function interpret(
  table: unknown,
  hasSetupPy: boolean,
  semantics: BuildSemantics,
): BuildSystem | string {
  const isTable = typeof table === 'object' && table !== null;
  const {
    requires = isTable ? undefined : semantics.defaultRequires,
    'build-backend': backend,
    'backend-path': backendPath = [],
  } = (isTable ? table : {}) as Record<string, unknown>;
  if (requires === undefined) {
    return 'its pyproject.toml has a [build-system] table but not the mandatory requires key';
  }
  if (!isListOfStrings(requires)) return 'build-system.requires is not a list of strings';
  if (!isListOfStrings(backendPath)) return 'build-system.backend-path is not a list of strings';
  if (backend !== undefined && typeof backend !== 'string') {
    return 'build-system.build-backend is not a string';
  }
  return {
    requires,
    backend: backend ?? legacyBackend,
    backendPath,
    isSetupPy: backend === undefined && hasSetupPy,
    isolated: true,
  };
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EISDIR')) return null;
    throw error;
  }
}
