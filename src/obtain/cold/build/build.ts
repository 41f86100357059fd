import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PipAccelError } from '../../../core/errors.ts';
import type { Archive } from '../../../core/types.ts';
import {
  type BuildFacts,
  type BuiltTree,
  publishBinary,
} from '../../../store/cold/publish-binary.ts';
import { inTemporary } from '../../../store/cold/temporary.ts';
import { binaryKeyInputs } from '../../../store/key.ts';
import { explainedFailure } from '../system-packages/provide.ts';
import { buildWithBdistDumb } from './bdist-dumb.ts';
import { type BuildSystem, readBuildSystem } from './build-system.ts';
import { type BuildLog, openLog } from './log.ts';
import { buildWithBackend } from './pep517.ts';
import { type BuildContext, type BuildRequest, buildSemantics } from './request.ts';
import { unpackSdist } from './unpack-sdist.ts';
import { buildFailure, environmentOfBuild, type Workbench } from './workbench.ts';

/**
 * Builds an sdist and publishes the result as a binary distribution: with `bdist_dumb` where the
 * project has only a setup.py and the result is what pip would install, else through its PEP 517
 * backend. Looks for no earlier build: that is `findBinary`.
 *
 * @throws PipAccelError `build-failed` with the telling lines and the log's path;
 * `system-packages-missing` where these tell of headers, libraries or programs;
 * `archive-invalid` for an sdist that holds what it must not. The signal's reason when aborted.
 */
export async function buildDistribution(
  request: BuildRequest,
  context: BuildContext,
): Promise<Archive> {
  for (;;) {
    const built = await buildOrRepair(request, context);
    if (built !== null) return built;
  }
}

/** null where it failed for lack of packages of the system, which are there now. */
async function buildOrRepair(
  request: BuildRequest,
  context: BuildContext,
): Promise<Archive | null> {
  const started = Date.now();
  const log = await openLog(context.store, request.key, request.version);
  try {
    return await buildWithLog(request, context, log);
  } catch (error) {
    if (!isOwnFailure(error) || !context.provideSystemPackages) throw error;
    const remedy = await context.provideSystemPackages({
      project: request.key,
      title: `${request.key} ${request.version}`,
      output: await log.read(),
      python: request.interpreter.versionInfo.join('.'),
      isUnderstood: error.hint !== undefined,
      started,
    });
    if (remedy.outcome === 'installed') return null;
    throw explainedFailure(error, remedy);
  } finally {
    await log.close();
  }
}

/** The failure of a build within this one has been looked into already. */
function isOwnFailure(error: unknown): error is PipAccelError {
  return (
    error instanceof PipAccelError &&
    error.code === 'build-failed' &&
    !(error.cause instanceof PipAccelError)
  );
}

async function buildWithLog(
  request: BuildRequest,
  context: BuildContext,
  log: BuildLog,
): Promise<Archive> {
  const started = performance.now();
  const { key: name, version } = request;
  return await inTemporary(context.store, 'build', async (folder) => {
    await mkdir(folder, { mode: 0o700 });
    const environment = environmentOfBuild(context.environment, context.sideBySide);
    const bench: Workbench = { request, context, environment, folder, log };
    const tree = await build(bench);
    const inputs = binaryKeyInputs(request, context.environment);
    const archive = await publishBinary(context.store, inputs, tree);
    const milliseconds = performance.now() - started;
    context.emit({ type: 'build-end', name, version, milliseconds });
    return archive;
  });
}

async function build(bench: Workbench): Promise<BuiltTree & BuildFacts> {
  const { request, context, log } = bench;
  const source = await unpackSdist(bench, join(bench.folder, 'source'));
  const semantics = request.semantics ?? buildSemantics(null, { setuptools: false, wheel: false });
  const system = await readBuildSystem(source, semantics);
  if (typeof system === 'string') throw await buildFailure(bench, system);
  const builder = chooseBuilder(bench, system);
  const { key: name, version } = request;
  context.emit({ type: 'build-start', name, version, builder, log: log.path });
  if (builder === 'pep517') return await buildWithBackend(bench, system, { source });

  if (!system.isSetupPy) {
    throw await buildFailure(
      bench,
      `bdist_dumb cannot build it, for it has the build backend ${system.backend}`,
    );
  }
  const result = await buildWithBdistDumb(bench, system, source);
  if (result.outcome === 'built') return result.tree;
  if (request.builder === 'bdist_dumb') {
    throw await buildFailure(bench, `bdist_dumb cannot build it: ${result.reason}`);
  }
  await log.write(`\nNot with bdist_dumb: ${result.reason}. Once more, as pip does it.\n`);
  const fresh = await unpackSdist(bench, join(bench.folder, 'source-again'));
  const { environment } = result;
  return await buildWithBackend(bench, system, { source: fresh, environment });
}

function chooseBuilder({ request }: Workbench, system: BuildSystem): 'bdist_dumb' | 'pep517' {
  if (request.builder !== 'auto') return request.builder;
  // What settings mean is the backend's to say.
  const hasSettings = Object.keys(request.configSettings ?? {}).length > 0;
  // A pip that runs such a setup.py itself has no settings for it.
  if (!system.isolated) return 'bdist_dumb';
  const isPlain = !hasSettings && request.isolated !== false;
  return system.isSetupPy && isPlain ? 'bdist_dumb' : 'pep517';
}
