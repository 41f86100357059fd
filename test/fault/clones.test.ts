import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Fixtures } from '../cli/fixtures.ts';
import { Sandbox } from '../cli/sandbox.ts';
import { Disk } from './disk.ts';

/** Environments and the data directory on one file system that can clone. */
class Clones implements Disposable {
  readonly fixtures = new Fixtures();
  readonly sandbox = new Sandbox();
  readonly disk: Disk;
  readonly cache: string;

  constructor(format: 'xfs' | 'btrfs') {
    this.disk = new Disk(this.sandbox.root, format);
    this.cache = join(this.disk.folder, 'cache');
  }

  /** A new environment with what the line names; @returns its modules' folder. */
  install(name: string): string {
    const environment = join(this.disk.folder, name);
    this.sandbox.run(['python3', '-m', 'venv', environment]);
    const words = ['install', '--find-links', this.fixtures.index, 'fx-wheel', 'fx-pure'];
    const { exitCode, stderr } = this.sandbox.accel(words, {
      environment: {
        VIRTUAL_ENV: environment,
        PIP_ACCEL_CACHE: this.cache,
        PIP_ACCEL_VERIFY_IMAGES: 'never',
        PIP_ACCEL_LOG_FILE: join(this.disk.folder, 'log'),
      },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [python = ''] = readdirSync(join(environment, 'lib'));
    return join(environment, 'lib', python, 'site-packages');
  }

  /** What the runs had to say, in JSON. */
  log(): string {
    return readFileSync(join(this.disk.folder, 'log'), 'utf8');
  }

  [Symbol.dispose](): void {
    this.disk.unmount();
    this.sandbox[Symbol.dispose]();
    this.fixtures[Symbol.dispose]();
  }
}

describe.each(['xfs', 'btrfs'] as const)('%s', (format) => {
  test('a file edited in place in one environment never reaches another', () => {
    using clones = new Clones(format);
    const first = clones.install('first');
    const original = readFileSync(join(first, 'fx_wheel.py'), 'utf8');
    // Neither a hard link, which would have two names, nor a copy, which would be told of.
    expect(statSync(join(first, 'fx_wheel.py')).nlink).toBe(1);
    expect(clones.log()).toContain('"installed"');
    expect(clones.log()).not.toContain('"copied"');

    appendFileSync(join(first, 'fx_wheel.py'), '# edited in place\n');
    const second = clones.install('second');
    expect(readFileSync(join(second, 'fx_wheel.py'), 'utf8')).toBe(original);
  });
});
