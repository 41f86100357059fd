import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hasErrno } from '../../../core/errors.ts';
import { placeScript } from '../../../python/cold/place-script.ts';
import hookScript from '../../../python/scripts/build_hook.py';
import type { BuildFacts, BuiltTree } from '../../../store/cold/publish-binary.ts';
import type { BuildSystem } from './build-system.ts';
import { treeOfWheel } from './built-tree.ts';
import {
  createEnvironment,
  describeRequirements,
  distributionsIn,
  fill,
  type IsolatedEnvironment,
} from './environment.ts';
import { checkRequirements } from './missing-requirements.ts';
import { buildFailure, runStep, type Workbench, type Workplace } from './workbench.ts';

type HookResult =
  | { readonly outcome: 'returned'; readonly value: unknown }
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'unavailable'; readonly reason: string };

/**
 * Builds a wheel with the project's backend, as pip does (PEP 517, PEP 518): what the project
 * names, then what the backend asks for, its metadata, then the wheel; each hook in a process of its own.
 *
 * @param project `source` is the unpacked sdist, untouched; `environment` one that holds the
 * project's own requirements already.
 * @throws PipAccelError `build-failed`
 */
export async function buildWithBackend(
  bench: Workbench,
  system: BuildSystem,
  project: { readonly source: string; readonly environment?: IsolatedEnvironment | null },
): Promise<BuiltTree & BuildFacts> {
  const { source } = project;
  const environment = await requirementsOf(bench, system, project);
  const place = { source, environment: environment?.variables ?? bench.environment };
  const settings = bench.request.configSettings ?? null;

  const [wheels, metadata] = [join(bench.folder, 'wheels'), join(bench.folder, 'metadata')];
  for (const folder of [wheels, metadata]) await mkdir(folder);
  // As pip: setuptools puts the prepared dist-info into the wheel as it is, and with plug-ins
  // (pbr) that is another than the one it would make while building.
  const prepared = await callHook(bench, place, {
    system,
    hook: 'prepare_metadata_for_build_wheel',
    values: { metadata_directory: metadata, config_settings: settings },
  });
  const built = await callHook(bench, place, {
    system,
    hook: 'build_wheel',
    values: {
      wheel_directory: wheels,
      config_settings: settings,
      metadata_directory:
        prepared.outcome === 'returned' ? join(metadata, String(prepared.value)) : null,
    },
  });
  if (built.outcome !== 'returned' || typeof built.value !== 'string') {
    throw await buildFailure(bench, `its backend ${system.backend} has no build_wheel`);
  }
  const wheel = join(wheels, basename(built.value));
  const held = environment ? await distributionsIn([environment.overlay, environment.normal]) : [];
  return {
    ...(await treeOfWheel(bench, wheel, join(bench.folder, 'wheel'))),
    builder: 'pep517',
    buildRequirements: describeRequirements(held),
  };
}

/**
 * The isolated environment with all that the project and its backend ask for; null without
 * isolation, where pip asks the backend for nothing and installs nothing.
 */
async function requirementsOf(
  bench: Workbench,
  system: BuildSystem,
  project: Parameters<typeof buildWithBackend>[2],
): Promise<IsolatedEnvironment | null> {
  if (bench.request.isolated === false) return null;
  const environment =
    project.environment ?? (await createEnvironment(bench, join(bench.folder, 'backend')));
  if (!project.environment) await fill(bench, system.requires, environment.overlay);
  const place = { source: project.source, environment: environment.variables };
  const settings = bench.request.configSettings ?? null;
  const asked = await callHook(bench, place, {
    system,
    hook: 'get_requires_for_build_wheel',
    values: { config_settings: settings },
  });
  const requires = asked.outcome === 'returned' ? (asked.value as readonly string[]) : [];
  const present = await distributionsIn([environment.overlay]);
  const { missing, conflicting } = checkRequirements(
    requires,
    present,
    bench.request.interpreter.markers,
  );
  if (conflicting.length > 0) {
    throw await buildFailure(
      bench,
      `its build requirements conflict with what its backend asks for: ${conflicting.join('; ')}`,
    );
  }
  await fill(bench, missing, environment.normal);
  return environment;
}

interface HookCall {
  readonly system: BuildSystem;
  readonly hook: string;
  readonly values: Readonly<Record<string, unknown>>;
}

async function callHook(
  bench: Workbench,
  place: Workplace,
  { system, hook, values }: HookCall,
): Promise<HookResult> {
  const [call, result] = [`${hook}.json`, `${hook}.result.json`].map((name) =>
    join(bench.folder, name),
  ) as [string, string];
  await writeFile(
    call,
    JSON.stringify({
      backend: system.backend,
      backendPath: system.backendPath,
      hook,
      arguments: values,
    }),
  );
  const succeeded = await runStep(bench, {
    argv: [
      bench.request.interpreter.executable,
      await placeScript(bench.context.store, 'build_hook.py', hookScript),
      call,
      result,
    ],
    cwd: place.source,
    environment: place.environment,
  });
  if (!succeeded) throw await buildFailure(bench, `its backend failed in ${hook}`);
  const outcome = await readResult(result);
  if (outcome === null) throw await buildFailure(bench, `its backend ended in ${hook}`);
  if (outcome.outcome === 'unavailable') {
    throw await buildFailure(
      bench,
      `its backend ${system.backend} cannot be imported: ${outcome.reason}`,
    );
  }
  return outcome;
}

async function readResult(path: string): Promise<HookResult | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as HookResult;
  } catch (error) {
    // A backend that calls os._exit(0).
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
