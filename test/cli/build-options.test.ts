import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();

// pip, too, would keep what it built, whatever the settings.
const environment = () => ({ PIP_FIND_LINKS: fixtures.index, PIP_NO_CACHE_DIR: '1' });
const log = join(sandbox.root, 'log.json');

function accel(...words: readonly string[]): Finished {
  const variables = { ...environment(), PIP_ACCEL_LOG_FILE: log };
  return sandbox.accel(['install', ...words], { environment: variables });
}

function pip(...words: readonly string[]): Finished {
  return sandbox.pip(['install', ...words], { environment: environment() });
}

/** What the build that is installed was given. */
function seen(): unknown {
  const code = 'import fx_build_options as m; print(m.__path__[0])';
  const { stdout } = sandbox.run([sandbox.python, '-c', code]);
  return JSON.parse(readFileSync(join(stdout.trim(), 'seen.txt'), 'utf8'));
}

/** What was linked, by the log of this run; handed over, nothing is. */
function eventsOf(run: () => Finished): readonly { readonly type: string }[] {
  const before = lines().length;
  const { stderr, exitCode } = run();
  expect(exitCode, stderr).toBe(0);
  return lines()
    .slice(before)
    .map((line) => JSON.parse(line) as { readonly type: string });
}

function lines(): readonly string[] {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}

describe.each([
  ['--config-settings', ['-C', 'one=1', '--config-settings=two=2', '-C', 'two=3']],
  ['--no-build-isolation', ['--no-build-isolation']],
])('%s', (_name, options) => {
  test('gives the build what pip gives it, without pip, and is told apart in the store', () => {
    rmSync(sandbox.cache, { recursive: true, force: true });
    const line = [...options, 'fx-build-options==1.0'];
    expect(pip('fx-many==2').exitCode).toBe(0);
    expect(pip(...line).exitCode).toBe(0);
    const expected = seen();
    const tree = sandbox.snapshot();

    sandbox.resetEnvironment();
    expect(pip('fx-many==2').exitCode).toBe(0);
    const plain = eventsOf(() => accel('fx-build-options==1.0'));
    expect(plain.map(({ type }) => type)).toContain('build-end');
    expect(seen()).toEqual({ settings: null, 'fx-many': '4' });

    sandbox.resetEnvironment();
    expect(pip('fx-many==2').exitCode).toBe(0);
    const types = eventsOf(() => accel(...line)).map(({ type }) => type);
    expect(types).toContain('build-end');
    expect(types).not.toContain('handed-over');
    expect(seen()).toEqual(expected);
    expect(Object.keys(sandbox.snapshot())).toEqual(Object.keys(tree));

    sandbox.resetEnvironment();
    expect(pip('fx-many==2').exitCode).toBe(0);
    expect(eventsOf(() => accel(...line)).map(({ type }) => type)).not.toContain('build-end');
    expect(seen()).toEqual(expected);
  });
});

test('settings are for what the line names, and not for what that requires', () => {
  expect(accel('-C', 'one=1', 'fx-build-options==1.0', 'fx-needs-range').exitCode).toBe(0);
  expect(seen()).toEqual({ settings: { one: '1' }, 'fx-many': '4' });
});

test('a setting without a value is for pip to refuse', () => {
  const { stderr, exitCode } = accel('-C', 'one', 'fx-build-options==1.0');
  const refused = pip('-C', 'one', 'fx-build-options==1.0');
  expect([stderr, exitCode]).toEqual([refused.stderr, refused.exitCode]);
});
