import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const variable = 'PIP_ACCEL_TEST_ENVIRONMENT';

/** Called by Vitest before all suites: makes an environment for `makeEnvironment`. */
export default function setup(): () => void {
  return makeModel(null);
}

/** @param pip its version, which comes from the index; null for the one that Python brings along. */
export function makeModel(pip: string | null): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'pip-accel-environment-'));
  const model = join(folder, 'venv');
  execFileSync(pythonAtHand(), ['-m', 'venv', model], { stdio: 'pipe' });
  if (pip !== null) {
    const words = ['-m', 'pip', 'install', '--quiet', `pip==${pip}`];
    execFileSync(join(model, 'bin', 'python'), words, { stdio: 'pipe' });
  }
  process.env[variable] = model;
  return () => rmSync(folder, { recursive: true, force: true });
}

export function pythonAtHand(): string {
  return process.env['PYTHON'] ?? 'python3';
}

/**
 * Makes an environment of the Python at hand as `python -m venv` does, which takes three seconds to
 * install pip: its files are links to those of one that was made before.
 */
export function makeEnvironment(path: string, env: Readonly<Record<string, string>>): void {
  const model = process.env[variable];
  const words = ['-m', 'venv', ...(model ? ['--without-pip'] : []), path];
  execFileSync(pythonAtHand(), words, { env, stdio: 'pipe' });
  if (!model) return;
  execFileSync('cp', ['-alT', join(model, 'lib'), join(path, 'lib')]);
  for (const name of readdirSync(join(model, 'bin'))) {
    if (!/^(?:pip|easy_install)/.test(name)) continue;
    const script = readFileSync(join(model, 'bin', name), 'utf8');
    writeFileSync(join(path, 'bin', name), script.replaceAll(model, path), { mode: 0o755 });
  }
}
