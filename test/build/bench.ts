import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Event } from '../../src/core/events.ts';
import type { Interpreter, Sha256, Version } from '../../src/core/types.ts';
import { type BuildContext, type BuildRequest } from '../../src/obtain/cold/build/request.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { normalizeName } from '../../src/python/names.ts';
import { openStore, type Store } from '../../src/store/layout.ts';

export const run = promisify(execFile);
const python = process.env['PIP_ACCEL_TEST_PYTHON'] ?? 'python3';

/** What the tests of one file share: fixtures, a Python, and prefixes with its setuptools. */
export interface Bench {
  readonly folder: string;
  readonly index: string;
  readonly broken: string;
  readonly store: Store;
  readonly interpreter: Interpreter;
  readonly environment: Record<string, string>;
  /** `setuptools` and `wheel`, as `pip install --prefix` puts them. */
  readonly tools: string;
  readonly bareTools: string;
  readonly events: Event[];
}

export async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'pip-accel-build-'));
  const fixtures = join(folder, 'fixtures');
  await run('python3', ['fixtures/make.py', fixtures, '--python', python]);
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('PIP_')) environment[name] = value;
  }
  environment['PIP_CONFIG_FILE'] = '/dev/null';
  environment['PIP_DISABLE_PIP_VERSION_CHECK'] = '1';
  environment['PIP_NO_INDEX'] = '1';
  environment['PIP_FIND_LINKS'] = join(fixtures, 'index');
  const store = openStore(join(folder, 'store'));
  const { stdout } = await run(python, ['-c', 'import sys; print(sys.executable)']);
  const interpreter = await askInterpreter(store, stdout.trim(), environment);
  const bench: Bench = {
    folder,
    index: join(fixtures, 'index'),
    broken: join(fixtures, 'broken'),
    store,
    interpreter,
    environment,
    tools: join(folder, 'tools'),
    bareTools: join(folder, 'bare-tools'),
    events: [],
  };
  await pipInstall(bench, ['setuptools', 'wheel'], bench.tools);
  await pipInstall(bench, ['setuptools'], bench.bareTools);
  return bench;
}

export async function closeBench(bench: Bench): Promise<void> {
  await rm(bench.folder, { recursive: true, force: true });
}

export async function pipInstall(
  bench: Bench,
  requirements: readonly string[],
  prefix: string,
): Promise<void> {
  const options = ['-q', '--ignore-installed', '--no-user', '--no-warn-script-location'];
  await run(
    bench.interpreter.executable,
    ['-m', 'pip', 'install', ...options, '--prefix', prefix, ...requirements],
    { env: bench.environment },
  );
}

export async function requestFor(
  bench: Bench,
  path: string,
  overrides: Partial<BuildRequest> = {},
): Promise<BuildRequest> {
  const filename = basename(path);
  const [, name = '', version = ''] = /^(.+)-([^-]+?)\.(?:tar|tgz|zip)/.exec(filename) ?? [];
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex') as Sha256;
  return {
    key: normalizeName(name),
    version: version as Version,
    sdist: { path, filename, sha256 },
    interpreter: bench.interpreter,
    builder: 'auto',
    ...overrides,
  };
}

/** @param tools the prefix that stands for what an index would give; `null`: there is no index. */
export function contextFor(bench: Bench, overrides: Partial<BuildContext> = {}): BuildContext {
  return {
    store: bench.store,
    emit: (event) => bench.events.push(event),
    environment: bench.environment,
    fillEnvironment: async (requirements, prefix) => {
      const others = requirements.filter((line) => !/^(setuptools|wheel)\b/.test(line));
      if (others.length > 0) await pipInstall(bench, requirements, prefix);
      else await cp(bench.tools, prefix, { recursive: true });
    },
    ...overrides,
  };
}

export interface Member {
  readonly mode: string;
  readonly text: string;
}

/** The members of an archive as Python reads them; the rows of a RECORD sorted, as pip sorts them. */
export async function readMembers(archive: string): Promise<Record<string, Member>> {
  const { stdout } = await run('python3', ['-c', memberReader, archive], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as Record<string, Member>;
}

const memberReader = `
import json, stat, sys, tarfile, zipfile
members = {}
def add(name, mode, data):
    assert name not in members
    text = data.decode('latin-1')
    if name.endswith('.dist-info/RECORD'):
        text = ''.join(sorted(text.splitlines(True)))
    members[name] = {'mode': '755' if mode & 0o111 else '644', 'text': text}
if zipfile.is_zipfile(sys.argv[1]):
    archive = zipfile.ZipFile(sys.argv[1])
    for info in archive.infolist():
        if not info.filename.endswith('/'):
            add(info.filename, info.external_attr >> 16, archive.read(info))
else:
    for info in tarfile.open(sys.argv[1]):
        assert info.isreg() and info.mode in (0o644, 0o755) and not info.uid and info.mtime == 315532800, info
        add(info.name, info.mode, tarfile.open(sys.argv[1]).extractfile(info.name).read())
print(json.dumps(members))
`;

/** The wheel that pip itself builds, with the same setuptools. */
export async function pipWheel(bench: Bench, path: string): Promise<Record<string, Member>> {
  const target = await mkdtemp(join(bench.folder, 'wheels-'));
  const library = join(bench.tools, 'lib');
  const [version = ''] = await readdir(library);
  const options = ['-q', '--no-deps', '--no-build-isolation', '--use-pep517', '-w', target];
  await run(bench.interpreter.executable, ['-m', 'pip', 'wheel', ...options, path], {
    env: { ...bench.environment, PYTHONPATH: join(library, version, 'site-packages') },
  });
  const [wheel = ''] = await readdir(target);
  return await readMembers(join(target, wheel));
}

/** Writes an sdist out of a tree of texts; a member of `links` becomes a symbolic link. */
export async function makeSdist(
  bench: Bench,
  filename: string,
  tree: Record<string, string>,
  links: Record<string, string> = {},
): Promise<string> {
  await mkdir(join(bench.folder, 'made'), { recursive: true });
  const path = join(bench.folder, 'made', filename);
  await run('python3', ['-c', sdistMaker, path, JSON.stringify(tree), JSON.stringify(links)]);
  return path;
}

const sdistMaker = `
import io, json, re, sys, tarfile, zipfile
path, tree, links = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
root = re.sub(r'\\.(tar\\..*|tgz|zip)$', '', path.rsplit('/', 1)[1])
if path.endswith('.zip'):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, text in tree.items():
            archive.writestr(root + '/' + name, text)
else:
    with tarfile.open(path, 'w:' + path.rsplit('.', 1)[1].replace('tgz', 'gz')) as archive:
        for name, text in tree.items():
            info = tarfile.TarInfo(root + '/' + name)
            info.size, info.mtime = len(text.encode()), 1577836800
            archive.addfile(info, io.BytesIO(text.encode()))
        for name, target in links.items():
            info = tarfile.TarInfo(root + '/' + name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
`;

/** A pyproject.toml and a backend of one function, `code` being its body. */
export function inTreeBackend(name: string, version: string, code: string): Record<string, string> {
  return {
    'pyproject.toml':
      '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
    'own.py': `import os, subprocess, sys, time, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
${code.replace(/^/gm, '    ')}
    name = '${name.replaceAll('-', '_')}-${version}'
    with zipfile.ZipFile(os.path.join(wheel_directory, name + '-py3-none-any.whl'), 'w') as wheel:
        wheel.writestr('own_module.py', 'x = 1\\n')
        wheel.writestr(name + '.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: ${name}\\nVersion: ${version}\\n')
        wheel.writestr(name + '.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(name + '.dist-info/RECORD', '')
    return name + '-py3-none-any.whl'
`,
  };
}
