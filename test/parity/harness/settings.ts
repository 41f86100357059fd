import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What the suites take from the environment. Everything else about a run is in the repository. */
export const settings = {
  /** The executable that is judged. */
  accelerator: path.resolve(
    process.env['PIP_ACCEL_BIN'] ?? path.join(import.meta.dirname, '../../../bin/pip-accel'),
  ),
  /** The interpreter of the suites that need only one. */
  python: process.env['PARITY_PYTHON'] ?? 'python3',
  /** The interpreters of the matrix, separated by colons; empty: those found on the machine. */
  pythons: (process.env['PYTHONS'] ?? '').split(':').filter((entry) => entry !== ''),
  pyenvRoot: process.env['PYENV_ROOT'] ?? path.join(process.env['HOME'] ?? '/root', '.pyenv'),
  /** A folder that keeps pip's downloads and the templates of environments between runs. */
  kept: process.env['PARITY_CACHE'],
  /** Rows of the matrix to run, as a regular expression over their titles. */
  rows: new RegExp(process.env['PARITY_ROWS'] ?? ''),
  /** Leave the folders of a run where they are, to be looked at. */
  keepsFolders: process.env['PARITY_KEEP'] !== undefined,
} as const;

/**
 * Names that decide how an index or a compiler is reached from this machine. They reach the
 * commands; whatever else is set on the machine (`PIP_FIND_LINKS`, say) does not.
 */
const KEPT_NAMES =
  /^(TERM|USER|LOGNAME|PYENV_ROOT|PIP_(CERT|CLIENT_CERT|INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|PROXY|DEFAULT_TIMEOUT|CONFIG_FILE)|\w*(CERT|CA_BUNDLE|CAINFO)\w*|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy)$/;

/**
 * The variables every command of the suites starts from. `home` holds what it may leave behind;
 * the programs of `firstOnPath` are found before the machine's.
 */
export function baseVariables(home: string, firstOnPath?: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && KEPT_NAMES.test(name)) variables[name] = value;
  }
  const realHome = process.env['HOME'] ?? '/root';
  mkdirSync(home, { recursive: true });
  const machinePath = process.env['PATH'] ?? '';
  return {
    ...variables,
    PATH: firstOnPath ? `${firstOnPath}:${machinePath}` : machinePath,
    HOME: home,
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    // cargo is found through the real home, which the commands do not see.
    CARGO_HOME: process.env['CARGO_HOME'] ?? path.join(realHome, '.cargo'),
    RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? path.join(realHome, '.rustup'),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  };
}

/** A temporary folder of this run, by its real path: pip writes real paths. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(path.join(realpathSync(tmpdir()), `pip-accel-${name}-`));
}
