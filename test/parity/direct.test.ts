import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeOutcome, succeed } from './harness/command.ts';
import { differences } from './harness/difference.ts';
import { Bench, forgetBuiltWheels } from './harness/environment.ts';
import { makeFixtures } from './harness/fixtures.ts';
import { interpreterAt } from './harness/interpreters.ts';
import { settings } from './harness/settings.ts';
import { snapshot, type Snapshot } from './harness/tree.ts';

/** Distributions that stand beside the direct requirement of each line, and are linked. */
const OTHERS = ['fx_wheel_data', 'fx_ns_a', 'fx_pure'];

let bench: Bench;
let index: Record<string, string>;
let project: string;
let requirements: string;

beforeAll(async () => {
  const python = await interpreterAt(settings.python);
  if (!python) throw new Error(`${settings.python} is no Python`);
  const create = [python.executable, '-m', 'venv'];
  bench = new Bench('direct', { create, tools: ['pip==26.3'] });
  const folder = path.join(bench.folder, 'fixtures');
  index = await makeFixtures(folder, python.executable, bench.options);
  project = path.join(bench.folder, 'project');
  requirements = path.join(bench.folder, 'requirements.txt');
  await writeFile(requirements, 'fx-wheel-data\nfx-ns-a\n');
  await renewProject();
  await bench.renew();
});
afterAll(() => bench.dispose());

describe.each<readonly [string, () => readonly string[]]>([
  ['-e . and a distribution', () => ['-e', '.', 'fx-wheel-data', 'fx-ns-a', 'fx-pure']],
  ['.[test] beside a requirements file', () => ['.[test]', '-r', requirements]],
  ['-e .[test] beside a requirements file', () => ['-e', '.[test]', '-r', requirements]],
  ['a git+file: URL', () => [gitUrl(), '-r', requirements, 'fx-pure']],
  [
    'a git+file: URL with a name',
    () => [`local-project @ ${gitUrl()}`, '-r', requirements, 'fx-pure'],
  ],
  ["a wheel's path", () => [wheelPath(), '-r', requirements, 'fx-pure']],
  ["a wheel's URL", () => [pathToFileURL(wheelPath()).href, '-r', requirements, 'fx-pure']],
  ["an sdist's path", () => [fixture('fx-described-1.0.tar.gz'), '-r', requirements, 'fx-pure']],
])('%s', (_title, line) => {
  test('pip-accel leaves the same tree and metadata, and links the others', async () => {
    const pips = await install('pip', line());
    const ours = await install('accelerator', line());

    expect(pips.outcome.exitCode, describeOutcome(pips.outcome)).toBe(0);
    expect(ours.outcome.exitCode, describeOutcome(ours.outcome)).toBe(0);
    expect(differences(pips.tree, ours.tree)).toEqual([]);
    expect(ours.project).toEqual(pips.project);
    expect(metadata(ours.tree, 'direct_url.json')).toEqual(metadata(pips.tree, 'direct_url.json'));
    expect(metadata(ours.tree, 'direct_url.json')).toHaveLength(1);
    expect(metadata(ours.tree, 'REQUESTED')).toEqual(metadata(pips.tree, 'REQUESTED'));
    expect(summary(ours.outcome.stdout)).toEqual(summary(pips.outcome.stdout));
    expect(unlinked(ours.tree)).toEqual([]);
  });
});

describe.each<readonly [string, () => readonly string[]]>([
  ['a folder that does not exist', () => ['./nowhere', 'fx-wheel-data']],
  ['an extra that the project has not', () => ['.[unknown]', 'fx-wheel-data']],
  ['a repository that does not exist', () => ['git+file:///nowhere/at/all', 'fx-wheel-data']],
])('%s', (_title, line) => {
  test("ends with pip's exit code and leaves pip's tree", async () => {
    const pips = await install('pip', line());
    const ours = await install('accelerator', line());
    expect(ours.outcome.exitCode, describeOutcome(ours.outcome)).toBe(pips.outcome.exitCode);
    expect(differences(pips.tree, ours.tree)).toEqual([]);
  });
});

/** Installs into a new environment, out of a new project: a build may leave things in its folder. */
async function install(by: 'pip' | 'accelerator', line: readonly string[]) {
  await bench.renew();
  await renewProject();
  await forgetBuiltWheels(bench.cache('pip-cache'));
  const how = { cwd: project, variables: index };
  const args = ['install', ...line];
  const outcome = by === 'pip' ? await bench.pip(args, how) : await bench.accelerate(args, how);
  return {
    outcome,
    tree: await snapshot(bench.prefix),
    project: [...(await snapshot(project)).keys()].filter((name) => !name.startsWith('.git/')),
  };
}

/** A project as a developer has it: a repository with one commit, always the same. */
async function renewProject(): Promise<void> {
  await rm(project, { recursive: true, force: true });
  await mkdir(path.join(project, 'local_project'), { recursive: true });
  await writeFile(
    path.join(project, 'local_project/__init__.py'),
    'def main():\n    print("hi")\n',
  );
  await writeFile(path.join(project, 'pyproject.toml'), PYPROJECT);
  const date = '2024-01-01T00:00:00Z';
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.invalid'];
  const options = {
    ...bench.options,
    cwd: project,
    variables: { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
  };
  await succeed(['git', 'init', '-q', '-b', 'main', '.'], options);
  await succeed(['git', 'add', '.'], options);
  await succeed(['git', ...identity, 'commit', '-q', '-m', 'First'], options);
}

const PYPROJECT = `[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "local-project"
version = "1.0"

[project.optional-dependencies]
test = ["fx-pure"]

[project.scripts]
local-project = "local_project:main"

[tool.setuptools]
packages = ["local_project"]
`;

function gitUrl(): string {
  return `git+${pathToFileURL(project).href}`;
}

function wheelPath(): string {
  return fixture('fx_wheel-1.0-py2.py3-none-any.whl');
}

function fixture(name: string): string {
  return path.join(bench.folder, 'fixtures/index', name);
}

function metadata(tree: Snapshot, name: string): readonly string[] {
  return [...tree]
    .filter(([file]) => file.endsWith(`.dist-info/${name}`))
    .map(([file, entry]) => `${file}: ${entry.type === 'file' ? entry.text : entry.type}`);
}

function summary(stdout: string): readonly string[] {
  return stdout.split('\n').filter((line) => line.startsWith('Successfully installed'));
}

/** Modules of the other distributions that are not links into the store. */
function unlinked(tree: Snapshot): readonly string[] {
  const modules = [...tree].filter(([file]) => OTHERS.some((name) => isModuleOf(name, file)));
  expect(modules.length).toBeGreaterThanOrEqual(OTHERS.length);
  return modules.flatMap(([file, entry]) =>
    entry.type === 'file' && entry.links === 1 ? [file] : [],
  );
}

function isModuleOf(name: string, file: string): boolean {
  const module = name === 'fx_ns_a' ? 'fx_ns/a/__init__' : name;
  return file.endsWith(`/site-packages/${module}.py`);
}
