import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { handOverReason } from '../../src/commands/hand-over.ts';
import { effectiveOptions } from '../../src/config/pip-config.ts';
import type { Interpreter } from '../../src/core/types.ts';
import { isFresh, type RememberedDecision } from '../../src/plan/decisions.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();

const wheelOf = (version: number) => `fx_many-${version}-py2.py3-none-any.whl`;

/** A folder of the sandbox with these versions of fx-many, and nothing else. */
function folderWith(name: string, versions: readonly number[]): string {
  const folder = join(sandbox.root, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const version of versions) {
    copyFileSync(join(fixtures.index, wheelOf(version)), join(folder, wheelOf(version)));
  }
  return folder;
}

/** An index of fx-many, as a folder of pages; what follows the `#` of a link is `fragment`. */
function indexOf(versions: readonly number[], fragment = ''): string {
  const folder = folderWith('simple/fx-many', versions);
  const links = versions.map(
    (version) => `<a href="${wheelOf(version)}${fragment}">${wheelOf(version)}</a>`,
  );
  writeFileSync(
    join(folder, 'index.html'),
    `<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`,
  );
  return `file://${sandbox.root}/simple`;
}

const indexed = { environment: { PIP_NO_INDEX: '' } };

function installedVersion(): string {
  const { stdout } = sandbox.pip(['list', '--format=freeze']);
  return /^fx[-_]many==(.*)$/m.exec(stdout)?.[1] ?? 'none';
}

describe('a decision of an earlier run is not used', () => {
  test('for another project whose requirements name a folder of the same name beside them', () => {
    for (const version of [1, 2]) {
      sandbox.resetEnvironment();
      folderWith(`project-${version}/wheels`, [version]);
      const file = join(sandbox.root, `project-${version}`, 'requirements.txt');
      writeFileSync(file, '--find-links wheels\nfx-many\n');
      expect(sandbox.accel(['install', '-r', file]).exitCode).toBe(0);
      expect(installedVersion()).toBe(`${version}`);
    }
  });

  test('where a folder of the home directory has a newer version', () => {
    for (const versions of [[1], [1, 2]]) {
      sandbox.resetEnvironment();
      folderWith('wheels-at-home', versions);
      const environment = { PIP_FIND_LINKS: '~/wheels-at-home' };
      expect(sandbox.accel(['install', 'fx-many'], { environment }).exitCode).toBe(0);
      expect(installedVersion()).toBe(`${versions.at(-1)}`);
    }
  });

  test('where a folder has a newer version, beside a link that leads nowhere', () => {
    for (const versions of [[1], [1, 2]]) {
      sandbox.resetEnvironment();
      const folder = folderWith('wheels-and-links', versions);
      symlinkSync('absent', join(folder, 'dangling'));
      sandbox.accel(['install', '--find-links', folder, 'fx-many']);
      expect(installedVersion()).toBe(`${versions.at(-1)}`);
    }
  });

  test('where the pin that it would rest on is for another Python', () => {
    const file = join(sandbox.root, 'markers.txt');
    writeFileSync(file, 'fx-many==1 ; python_version < "2"\nfx-many\n');
    for (const versions of [[2], [2, 3]]) {
      sandbox.resetEnvironment();
      sandbox.accel(['install', '-i', indexOf(versions), '-r', file], indexed);
      expect(installedVersion()).toBe(`${versions.at(-1)}`);
    }
  });

  test('by an upgrade, however long decisions hold', () => {
    for (const versions of [[2], [2, 3]]) {
      sandbox.resetEnvironment();
      const words = [
        'install',
        '--index-max-age=forever',
        '-U',
        '-i',
        indexOf(versions),
        'fx-many',
      ];
      sandbox.accel(words, indexed);
      expect(installedVersion()).toBe(`${versions.at(-1)}`);
    }
  });
});

describe('what happens while pip decides', () => {
  const line = ['install', '--index-max-age=forever', 'fx-wheel'];
  const meddling = join(sandbox.root, 'meddling');
  const options = { environment: { PIP_FIND_LINKS: fixtures.index, PYTHONPATH: meddling } };
  /** Somebody else installs fx-wheel once pip-accel has looked at the environment, before pip does. */
  const meddle = () => {
    mkdirSync(meddling, { recursive: true });
    const once = join(meddling, 'once');
    writeFileSync(once, '');
    writeFileSync(
      join(meddling, 'sitecustomize.py'),
      `import os, subprocess, sys
if os.path.exists(${JSON.stringify(once)}) and b'--dry-run' in open('/proc/self/cmdline', 'rb').read():
    os.remove(${JSON.stringify(once)})
    subprocess.check_call([sys.executable, '-m', 'pip', 'install', '-q', 'fx-wheel'])
`,
    );
  };

  test('does not make later runs believe that an absent distribution is there', () => {
    meddle();
    expect(sandbox.accel(line, options).stdout).toContain('Requirement already satisfied');
    sandbox.resetEnvironment();
    expect(sandbox.accel(line, options).stdout).toContain('Successfully installed fx-wheel-1.0');
  });

  test('a memory that says so all the same is not believed', () => {
    const cache = join(sandbox.root, 'cache-of-lies');
    const environment = { ...options.environment, PYTHONPATH: '', PIP_ACCEL_CACHE: cache };
    sandbox.accel(line, { environment });
    const [file = ''] = readdirSync(join(cache, 'decisions', 'v4'), { recursive: true })
      .map((name) => join(cache, 'decisions', 'v4', String(name)))
      .filter((name) => name.endsWith('.json'));
    const decision = JSON.parse(readFileSync(file, 'utf8')) as RememberedDecision;
    const lines = [['Requirement already satisfied: fx-wheel in ', 'fx-wheel', ' (1.0)']];
    writeFileSync(file, JSON.stringify({ ...decision, items: [], lines }));
    sandbox.resetEnvironment();
    const { stdout } = sandbox.accel(line, { environment });
    expect(stdout).toContain('Successfully installed fx-wheel-1.0');
  });
});

test('the lines of a requirements file have the numbers that they have now', () => {
  const file = join(sandbox.root, 'numbered.txt');
  const words = ['install', '--index-max-age=forever', '-r', file];
  for (const [text, line] of [
    ['fx-many\n', 1],
    ['# Moved.\n\nfx-many\n', 3],
  ] as const) {
    sandbox.resetEnvironment();
    writeFileSync(file, text);
    const environment = { PIP_FIND_LINKS: fixtures.index };
    expect(sandbox.accel(words, { environment }).stdout).toContain(`${file} (line ${line})`);
  }
});

test('a decision from the future is not fresh', () => {
  const decision = { pinned: false, time: 5000 } as RememberedDecision;
  const limits = (now: number) => ({ now, maxAgeSeconds: 1 });
  expect([4999, 5000, 6000, 6001].map((now) => isFresh(decision, limits(now)))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

describe('with hashes in the requirements', () => {
  const digest = () =>
    createHash('sha256')
      .update(readFileSync(join(fixtures.index, wheelOf(2))))
      .digest('hex');
  const events = (fragment: string, algorithm = 'sha256', hash = digest()) => {
    const [file, log] = [join(sandbox.root, 'hashes.txt'), join(sandbox.root, 'log.jsonl')];
    rmSync(log, { force: true });
    writeFileSync(file, `fx-many==2 --hash=${algorithm}:${hash}\n`);
    const cache = join(sandbox.root, 'cache-of-hashes');
    rmSync(cache, { recursive: true, force: true });
    const environment = {
      ...indexed.environment,
      PIP_ACCEL_LOG_FILE: log,
      PIP_ACCEL_CACHE: cache,
    };
    const words = ['install', '-i', indexOf([2], fragment), '-r', file];
    const { exitCode } = sandbox.accel(words, { environment });
    expect({ exitCode, version: installedVersion() }).toEqual({ exitCode: 0, version: '2' });
    return readFileSync(log, 'utf8');
  };

  test('what has one of them is linked', () => {
    expect(events(`#sha256=${digest()}`)).toContain('"type":"installed","linked":1');
  });

  test('an index that promises another hash for the bytes is not believed: pip installs', () => {
    expect(events(`#sha256=${'0'.repeat(64)}`)).toContain('hashes that pip has to check');
  });

  test('hashes other than sha256 are for pip to check', () => {
    const sha512 = createHash('sha512').update(readFileSync(join(fixtures.index, wheelOf(2))));
    expect(events('', 'sha512', sha512.digest('hex'))).toContain('hashes that pip has to check');
  });
});

test('with PIP_REQUIRE_VIRTUALENV pip itself refuses an interpreter’s own prefix, whatever is remembered', () => {
  const options = effectiveOptions(new Map([['require-virtualenv', '1']]), []);
  const interpreter = { externallyManagedMarker: null, isVirtualEnvironment: false } as Interpreter;
  expect(handOverReason(options, interpreter)).toBe('an environment that is not virtual');
});
