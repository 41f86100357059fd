import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The fixtures of this repository, made for the Python at hand; `index` works as `--find-links`. */
export class Fixtures {
  readonly root = mkdtempSync(join(tmpdir(), 'pip-accel-fixtures-'));
  readonly index = join(this.root, 'index');
  readonly broken = join(this.root, 'broken');

  constructor() {
    const script = fileURLToPath(new URL('../../fixtures/make.py', import.meta.url));
    execFileSync(process.env['PYTHON'] ?? 'python3', [script, this.root], { stdio: 'pipe' });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
