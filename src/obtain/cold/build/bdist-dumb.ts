import { mkdir, readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { hasErrno } from '../../../core/errors.ts';
import { placeScript } from '../../../python/cold/place-script.ts';
import dumbScript from '../../../python/scripts/build_bdist_dumb.py';
import type { BuildFacts, BuiltTree } from '../../../store/cold/publish-binary.ts';
import { isStoreTrouble } from '../../../store/trouble.ts';
import type { BuildSystem } from './build-system.ts';
import { treeOfFolder } from './built-tree.ts';
import {
  createEnvironment,
  describeRequirements,
  distributionsIn,
  fill,
  type IsolatedEnvironment,
  libraryFolders,
} from './environment.ts';
import { buildFailure, runStep, type Workbench } from './workbench.ts';

export type DumbResult =
  | { readonly outcome: 'built'; readonly tree: BuiltTree & BuildFacts }
  /** `bdist_dumb` cannot give what pip installs; another builder can. */
  | {
      readonly outcome: 'unmappable';
      readonly reason: string;
      /** Holds all that the project requires to build, and nothing else; null: to be made anew. */
      readonly environment: IsolatedEnvironment | null;
    };

/** What `build_bdist_dumb.py` says. */
type Outcome =
  | { readonly outcome: 'built' }
  | { readonly outcome: 'requires'; readonly requirements: readonly string[] }
  | { readonly outcome: 'unmappable'; readonly reason: string }
  | { readonly outcome: 'failed' };

/**
 * Builds a project that has only a setup.py with `setup.py bdist_dumb`, setuptools injected,
 * into a tree laid out as the wheel that pip would build.
 *
 * @param source the unpacked sdist, untouched.
 * @throws PipAccelError `build-failed` where the project's own build fails, as it would for pip.
 */
export async function buildWithBdistDumb(
  bench: Workbench,
  system: BuildSystem,
  source: string,
): Promise<DumbResult> {
  const attempt: Attempt = {
    source,
    environment: null,
    filled: false,
    beside: null,
    ownConverter: false,
  };
  if (system.isolated) {
    attempt.environment = await createEnvironment(bench, join(bench.folder, 'setuptools'));
    await fillWithSetuptools(bench, attempt, system.requires);
  }
  for (;;) {
    const outcome = await runSetup(bench, attempt);
    switch (outcome.outcome) {
      case 'built':
        return { outcome: 'built', tree: await describe(bench, attempt) };
      case 'unmappable':
        return { ...outcome, environment: reusable(attempt) };
      case 'failed':
        throw await buildFailure(bench, 'its setup.py failed to build it');
      case 'requires':
        if (await provide(bench, attempt, outcome.requirements)) continue;
        return {
          outcome: 'unmappable',
          reason: `setup.py requires ${outcome.requirements.join(', ')}`,
          environment: reusable(attempt),
        };
    }
  }
}

/** The legacy backend asks for the same requirements again, so only an untouched second prefix will do. */
function reusable({ environment, filled, ownConverter }: Attempt): IsolatedEnvironment | null {
  return filled || ownConverter ? null : environment;
}

interface Attempt {
  readonly source: string;
  /** null: with what the interpreter has installed. */
  environment: IsolatedEnvironment | null;
  /** The second prefix has been used; it cannot be filled twice. */
  filled: boolean;
  /** Without isolation: a prefix with what setup.py requires, where pip's setuptools fetches eggs. */
  beside: string | null;
  /** No `bdist_wheel` is to be had, so the script converts the metadata itself. */
  ownConverter: boolean;
}

/** setuptools alone will do where `wheel` cannot be had: offline, with what came with Python. */
async function fillWithSetuptools(
  bench: Workbench,
  attempt: Attempt,
  requires: readonly string[],
): Promise<void> {
  const { overlay } = attempt.environment ?? {};
  if (overlay === undefined) return;
  try {
    await fill(bench, requires, overlay);
  } catch (error) {
    if (isStoreTrouble(error, bench.context.store)) throw error;
    const others = requires.filter((requirement) => requirement !== 'wheel');
    if (others.length === requires.length || bench.request.builder === 'pep517') throw error;
    await rm(overlay, { recursive: true, force: true });
    await fill(bench, others, overlay);
    attempt.ownConverter = true;
  }
}

/** Provides what a run asked for. @returns false where that is not possible. */
async function provide(
  bench: Workbench,
  attempt: Attempt,
  requirements: readonly string[],
): Promise<boolean> {
  const others = requirements.filter((requirement) => requirement !== 'wheel');
  const wantsWheel = others.length === 0;
  if (wantsWheel && (attempt.environment === null || attempt.filled)) {
    if (attempt.ownConverter) return false;
    attempt.ownConverter = true;
    return true;
  }
  if (attempt.filled) return false;
  attempt.filled = true;
  if (attempt.environment === null) {
    attempt.beside = join(bench.folder, 'beside');
    await mkdir(attempt.beside);
    await fill(bench, others, attempt.beside);
    return true;
  }
  try {
    await fill(bench, requirements, attempt.environment.normal);
  } catch (error) {
    if (others.length === requirements.length || isStoreTrouble(error, bench.context.store)) {
      throw error;
    }
    attempt.ownConverter = true;
    await rm(attempt.environment.normal, { recursive: true, force: true });
    await fill(bench, others, attempt.environment.normal);
  }
  return true;
}

async function runSetup(bench: Workbench, attempt: Attempt): Promise<Outcome> {
  const [result, tree] = [join(bench.folder, 'bdist_dumb.json'), join(bench.folder, 'dumb')];
  await rm(result, { force: true });
  const succeeded = await runStep(bench, {
    argv: [
      bench.request.interpreter.executable,
      await placeScript(bench.context.store, 'build_bdist_dumb.py', dumbScript),
      result,
      tree,
      bench.request.interpreter.abi,
      ...(attempt.ownConverter ? ['--own-converter'] : []),
    ],
    cwd: attempt.source,
    environment: attempt.environment?.variables ?? (await variablesBeside(bench, attempt)),
  });
  const outcome = await readOutcome(result);
  if (succeeded && outcome) return outcome;
  if (outcome?.outcome === 'failed') return outcome;
  return { outcome: 'unmappable', reason: 'setup.py bdist_dumb failed' };
}

/** The interpreter's own environment, with the prefix beside it in front. */
async function variablesBeside(bench: Workbench, { beside }: Attempt) {
  if (beside === null) return bench.environment;
  const inherited = bench.environment['PYTHONPATH'];
  const folders = [...(await libraryFolders(beside)), ...(inherited ? [inherited] : [])];
  return { ...bench.environment, PYTHONPATH: folders.join(delimiter) };
}

async function readOutcome(path: string): Promise<Outcome | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Outcome;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

async function describe(bench: Workbench, attempt: Attempt): Promise<BuiltTree & BuildFacts> {
  const { environment } = attempt;
  const held = environment ? await distributionsIn([environment.overlay, environment.normal]) : [];
  return {
    ...(await treeOfFolder(bench, join(bench.folder, 'dumb'))),
    builder: 'bdist_dumb',
    buildRequirements: describeRequirements(held),
  };
}
