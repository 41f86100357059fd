import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { executable, type Finished } from './sandbox.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();

/** A system of its own: where its headers, libraries and commands lie, and what its package manager did. */
const system = {
  root: join(sandbox.root, 'system'),
  include: join(sandbox.root, 'system', 'include'),
  lib: join(sandbox.root, 'system', 'lib'),
  bin: join(sandbox.root, 'system', 'bin'),
  log: join(sandbox.root, 'system', 'log'),
};

/** A package manager of one shell script: its packages are a header and a library. */
const manager = `#!/bin/sh
set -e
echo "$*" >> ${system.log}
command=$1; shift
case $command in
list) cat ${system.root}/installed 2>/dev/null || true ;;
which) case $1 in header) echo "found libfx-missing-dev in usr/include/$2" ;; library) echo "found libfx-system in lib$2.so" ;; esac ;;
update) touch ${system.root}/updated ;;
add)
  [ -e ${system.root}/needs-update ] && [ ! -e ${system.root}/updated ] && { echo "no index of packages"; exit 3; }
  for package; do
    case $package in
    libfx-missing-dev) echo '' > ${system.include}/fx_missing.h ;;
    libfx-system-dev) echo '' > ${system.include}/fx_system.h ;;
    libfx-system) echo 'int fx_system;' | cc -x c -shared -fPIC -o ${system.lib}/libfx_system.so - ;;
    *) echo "unknown package $package"; exit 4 ;;
    esac
    echo $package >> ${system.root}/installed
  done ;;
esac
`;

const platform = {
  name: 'Fixture OS',
  install: ['fx-packages', 'add'],
  refresh: ['fx-packages', 'update'],
  installed: { command: ['fx-packages', 'list'], line: '^(.+)$' },
  searches: [
    {
      kind: 'header',
      command: ['fx-packages', 'which', 'header', '{name}'],
      line: '^found (\\S+) in usr/include/{name}$',
    },
    {
      kind: 'library',
      command: ['fx-packages', 'which', 'library', '{name}'],
      line: '^found (\\S+) in lib{name}',
    },
  ],
  header: { 'fx_system.h': 'libfx-system-dev' },
};

const platformFile = join(system.root, 'fixture-os.json');

beforeEach(() => {
  rmSync(system.root, { recursive: true, force: true });
  rmSync(sandbox.cache, { recursive: true, force: true });
  for (const folder of [system.include, system.lib, system.bin])
    mkdirSync(folder, { recursive: true });
  writeScript('fx-packages', manager);
  writePlatform({});
});

function writeScript(name: string, text: string): void {
  writeFileSync(join(system.bin, name), text);
  chmodSync(join(system.bin, name), 0o755);
}

function writePlatform(other: object): void {
  writeFileSync(platformFile, JSON.stringify({ ...platform, ...other }));
}

function environment(): Record<string, string> {
  return {
    PATH: `${system.bin}:${sandbox.environment['PATH'] ?? ''}`,
    CPATH: system.include,
    LIBRARY_PATH: system.lib,
    PIP_FIND_LINKS: fixtures.index,
    PIP_ACCEL_PLATFORM_FILE: platformFile,
  };
}

function install(...words: readonly string[]): Finished {
  return sandbox.accel(['install', ...words], { environment: environment() });
}

/** What the package manager was told to do, but for looking. */
function changes(): readonly string[] {
  const lines = existsSync(system.log) ? readFileSync(system.log, 'utf8').split('\n') : [];
  return lines.filter((line) => /^(add|update)/.test(line));
}

/** The same at a terminal, where a question is answered. */
function installAt(answer: string, ...words: readonly string[]): Finished {
  const script = fileURLToPath(new URL('terminal.py', import.meta.url));
  const command = ['python3', script, '[y/N]', answer, executable, 'install', ...words];
  return sandbox.run(command, { environment: environment() });
}

test('what a build lacks is installed, as often as that brings it further, in one command', () => {
  const { stdout, stderr, exitCode } = install('--auto-install=yes', 'fx-broken-system');
  expect(stderr).toContain(
    'fx-broken-system 1.0 lacks packages of the system:\n  libfx-system-dev, for the header fx_system.h: ',
  );
  expect(stderr).toMatch(/libfx-system, for the library fx_system: .*cannot find -lfx_system/);
  expect(stdout).toContain('Successfully installed fx-broken-system-1.0');
  expect(exitCode).toBe(0);
  expect(changes()).toEqual(['add libfx-system-dev', 'add libfx-system']);
});

describe.each([
  ['auto-install=no', ['--auto-install=no']],
  ['no terminal to ask at', []],
])('with %s', (_name, flags) => {
  test('the error says what is missing, why, and how to install it', () => {
    const before = sandbox.snapshot();
    const { stderr, exitCode } = install(...flags, 'fx-broken-header');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /libfx-missing-dev, for the header fx_missing\.h: .*fatal error: fx_missing\.h: No such file or directory/,
    );
    expect(stderr).toContain('hint: Install them: fx-packages add libfx-missing-dev ');
    expect(changes()).toEqual([]);
    expect(sandbox.snapshot()).toEqual(before);
  });
});

describe('at a terminal', () => {
  test('the user is asked, and yes installs', () => {
    const { stdout, exitCode } = installAt('y\n', 'fx-broken-header');
    expect(stdout).toContain('To install them: fx-packages add libfx-missing-dev');
    expect(stdout).toContain('Successfully installed fx-broken-header-1.0');
    expect(exitCode).toBe(0);
  });

  test('anything but yes leaves the system alone', () => {
    const { stdout, exitCode } = installAt('\n', 'fx-broken-header');
    expect(stdout).toContain('hint: Install them: fx-packages add libfx-missing-dev');
    expect(exitCode).toBe(1);
    expect(changes()).toEqual([]);
  });

  test('Ctrl-C at the question ends it and leaves nothing behind', () => {
    const before = sandbox.snapshot();
    const { stdout, exitCode } = installAt('^C', 'fx-broken-header');
    expect(stdout).toContain('Operation cancelled by user');
    expect(exitCode).toBe(1);
    expect(changes()).toEqual([]);
    expect(sandbox.snapshot()).toEqual(before);
    expect(readdirSync(join(sandbox.cache, 'tmp'))).toEqual([]);
  });

  test('--no-input keeps the question away', () => {
    const { stdout, exitCode } = installAt('y\n', '--no-input', 'fx-broken-header');
    expect(stdout).not.toContain('[y/N]');
    expect(exitCode).toBe(1);
  });

  test('builds that run side by side and lack the same lead to one question', () => {
    writePlatform({
      header: { 'fx_system.h': 'libfx-missing-dev', 'fx_missing.h': 'libfx-missing-dev' },
    });
    // Both headers come with the one package; the library is there.
    writeScript(
      'fx-packages',
      manager.replace("echo '' >", `echo '' > ${system.include}/fx_system.h; echo '' >`),
    );
    sandbox.run([join(system.bin, 'fx-packages'), 'add', 'libfx-system']);
    rmSync(system.log);
    const { stdout, exitCode } = installAt('y\n', 'fx-broken-header', 'fx-broken-system');
    expect(stdout.split('[y/N]')).toHaveLength(2);
    expect(stdout).toContain('Successfully installed fx-broken-header-1.0 fx-broken-system-1.0');
    expect(exitCode).toBe(0);
    expect(changes()).toEqual(['add libfx-missing-dev']);
  });
});

test('a package manager without an index is given one', () => {
  writeFileSync(join(system.root, 'needs-update'), '');
  const { exitCode } = install('--auto-install=yes', 'fx-broken-header');
  expect(exitCode).toBe(0);
  expect(changes()).toEqual(['add libfx-missing-dev', 'update', 'add libfx-missing-dev']);
});

test('where a package cannot be installed, the words of the package manager say why', () => {
  writePlatform({ header: { 'fx_missing.h': 'libfx-nowhere-dev' } });
  const { stderr, exitCode } = install('--auto-install=yes', 'fx-broken-header');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('fx-packages add libfx-nowhere-dev ended with exit code 4:');
  expect(stderr).toContain('unknown package libfx-nowhere-dev');
});

test('a package that is installed and does not help is installed once', () => {
  writePlatform({ header: { 'fx_missing.h': 'libfx-system-dev' } });
  const { stderr, exitCode } = install('--auto-install=yes', 'fx-broken-header');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('fx_missing.h');
  expect(changes()).toEqual(['add libfx-system-dev']);
});

test('where the output tells nothing, the table of the platform says what a project needs', () => {
  writePlatform({ project: { 'fx-broken-setup': ['libfx-system-dev'] } });
  const { stderr, exitCode } = install('--auto-install=no', 'fx-broken-setup==1.0');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('libfx-system-dev, which it is known to need');
});

test('a platform file that cannot be read is an error that names it', () => {
  writeFileSync(platformFile, '{"install": []}');
  const { stderr, exitCode } = install('fx-broken-header');
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`Cannot read the platform ${platformFile}: it needs \`install\``);
});

/** The tables and commands for Debian, on a Debian whose package manager is a stand-in. */
test.runIf(/^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8')))(
  'on Debian, apt-file is asked for what the tables lack',
  () => {
    const root = process.getuid?.() === 0;
    writeScript('apt-file', `#!/bin/sh\necho "libfx-missing-dev: /usr/include/fx_missing.h"\n`);
    writeScript('apt-cache', '#!/bin/sh\n');
    writeScript('dpkg-query', '#!/bin/sh\necho "installed libc6"\n');
    writeScript('sudo', '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n');
    writeScript(
      'apt-get',
      `#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> ${system.log}\necho > ${system.include}/fx_missing.h\n`,
    );
    const line = ['install', '--auto-install=yes', 'fx-broken-header'];
    const { PIP_ACCEL_PLATFORM_FILE: _, ...variables } = environment();
    const { stdout, stderr, exitCode } = sandbox.accel(line, { environment: variables });
    expect(stderr).toContain(
      `To install them: ${root ? '' : 'sudo -n env DEBIAN_FRONTEND=noninteractive '}apt-get install --yes`,
    );
    expect(stdout).toContain('Successfully installed fx-broken-header-1.0');
    expect(exitCode).toBe(0);
    expect(readFileSync(system.log, 'utf8')).toMatch(
      /^noninteractive install --yes .* libfx-missing-dev\n$/,
    );
  },
);
