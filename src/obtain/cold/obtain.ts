import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import {
  binaryKey,
  binaryKeyInputs,
  type BuilderChoice,
  type KeyRequest,
} from '../../store/key.ts';
import type { Environment } from '../../config/load.ts';
import { PipAccelError } from '../../core/errors.ts';
import type { Span } from '../../core/timings.ts';
import type { Archive, Decided, NormalizedName, Sha256 } from '../../core/types.ts';
import { type Claim, claimPath, withClaim } from '../../store/cold/claims.ts';
import { findBinary } from '../../store/cold/find-binary.ts';
import { findImage, type Image, type ImageTarget } from '../../store/images.ts';
import { findSource, sourcePath, type StoredSource } from '../../store/sources.ts';
import { buildDistribution } from './build/build.ts';
import { parallelBuilds } from './build/parallelism.ts';
import type { BuildContext, BuildSemantics } from './build/request.ts';
import { type DownloadContext, obtainSource } from './download.ts';
import { requiredBy } from './required-by.ts';
import type { ImageMaker } from './unpack.ts';

export interface ObtainContext extends DownloadContext {
  readonly target: ImageTarget;
  readonly builder: BuilderChoice;
  readonly keyOptions: (key: NormalizedName) => Partial<KeyRequest>;
  /** False: builds see what the environment has installed, and get nothing else. */
  readonly isolated: boolean;
  readonly images: ImageMaker;
  readonly buildSemantics: BuildSemantics;
  /** What child processes get. */
  readonly environment: Environment;
  /** @param claims what is held for the build whose environment it is. */
  readonly fillEnvironment: (
    ...filling: [...Parameters<BuildContext['fillEnvironment']>, claims: readonly Claim[]]
  ) => Promise<void>;
  readonly provideSystemPackages: NonNullable<BuildContext['provideSystemPackages']>;
  /** Aborted when the work is no longer wanted. */
  readonly signal: AbortSignal;
}

/** Connections at a time: most archives are small, and it is round trips that count. */
export const parallelDownloads = 48;

/**
 * Makes an image of every distribution: what the store lacks is downloaded, built and unpacked,
 * each as soon as it is there. After the first failure nothing new is begun.
 *
 * @throws PipAccelError of the first failure
 */
export async function obtainImages(
  decided: readonly Decided[],
  context: ObtainContext,
): Promise<ReadonlyMap<NormalizedName, Image>> {
  const aborter = new AbortController();
  const { markers } = context.target.interpreter;
  const run = {
    requiredBy: (item: Decided) => requiredBy(item, decided, markers),
    downloads: pLimit(parallelDownloads),
    builds: pLimit(parallelBuilds()),
    signal: AbortSignal.any([aborter.signal, context.signal]),
  };
  // Everything that is on its way listens.
  setMaxListeners(0, run.signal);
  const images = await Promise.allSettled(
    decided.map(async (item) => {
      try {
        const archive = await obtainArchive(item, context, run);
        return await context.images.imageOf(archive, run.signal);
      } catch (error) {
        aborter.abort(error);
        throw error;
      }
    }),
  );
  context.signal.throwIfAborted();
  aborter.signal.throwIfAborted();
  const made = images.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  return new Map(made.map((image) => [image.manifest.key, image]));
}

type Limit = ReturnType<typeof pLimit>;

interface Run {
  readonly requiredBy: (item: Decided) => string | null;
  readonly downloads: Limit;
  readonly builds: Limit;
  readonly signal: AbortSignal;
}

async function obtainArchive(item: Decided, context: ObtainContext, run: Run): Promise<Archive> {
  return item.source.filename.endsWith('.whl')
    ? await obtainWheel(item, context, run)
    : await obtainBinary(item, context, run);
}

async function obtainWheel(
  { key, metadata, source }: Decided,
  context: ObtainContext,
  run: Run,
): Promise<Archive> {
  const { version } = metadata;
  const wheel = (path: string, sha256: Sha256): Archive => ({
    kind: 'wheel',
    key,
    version,
    path,
    sha256,
  });
  if (source.sha256 !== null) {
    // The image of these very bytes is as good as the bytes.
    const known = wheel(sourcePath(context.store, source), source.sha256);
    if (findImage(context.store, known, context.target)) return known;
  }
  context.images.expect();
  const stored = await run.downloads(() => {
    run.signal.throwIfAborted();
    return obtainSource(source, { ...context, signal: run.signal });
  });
  return wheel(stored.path, stored.sha256);
}

async function obtainBinary(item: Decided, context: ObtainContext, run: Run): Promise<Archive> {
  const { source } = item;
  const sourceHash = source.sha256 ?? findSource(context.store, source, context)?.sha256 ?? null;
  if (sourceHash !== null) {
    const archive = await findBuilt(item, sourceHash, context);
    if (archive) return archive;
  }
  const stored = await run.downloads(() => {
    run.signal.throwIfAborted();
    return obtainSource(source, { ...context, signal: run.signal });
  });
  const built = sourceHash === stored.sha256 ? null : await findBuilt(item, stored.sha256, context);
  if (built) return built;
  return await run.builds(() => {
    run.signal.throwIfAborted();
    const wanted = { item, requiredBy: run.requiredBy(item) };
    const { activeCount, pendingCount, concurrency } = run.builds;
    const sideBySide = Math.min(concurrency, activeCount + pendingCount);
    return buildOnce(wanted, stored, { ...context, sideBySide, signal: run.signal });
  });
}

/** Called by who has one of the places for builds, so that whoever holds a claim is at work on it. */
async function buildOnce(
  { item, requiredBy }: { readonly item: Decided; readonly requiredBy: string | null },
  stored: StoredSource,
  context: ObtainContext & Pick<BuildContext, 'sideBySide'>,
): Promise<Archive> {
  const { store, claims = [] } = context;
  const request = {
    ...buildRequest(item, stored.sha256, context),
    sdist: { ...stored, filename: item.source.filename },
    requiredBy,
  };
  const { key: name, version } = request;
  const key = `build ${binaryKey(binaryKeyInputs(request, context.environment))}`;
  if (claims.some(({ path }) => path === claimPath(store, key))) {
    throw new PipAccelError('build-failed', `${name} ${version} is required to build itself`);
  }
  const activity = `building ${name} ${version}`;
  return await withClaim(store, { key, activity }, context, async (claim) => {
    const found = await findBuilt(item, stored.sha256, context);
    if (found) return found;
    using span = context.timings?.begin('build', { name, version });
    return await buildDistribution(request, {
      ...context,
      fillEnvironment: async (requirements, prefix) =>
        await besides(span, async () => {
          await context.fillEnvironment(requirements, prefix, [...claims, claim]);
        }),
      provideSystemPackages: async (build) =>
        await besides(span, async () => {
          using _ = context.timings?.begin('prepare', null);
          return await context.provideSystemPackages(build);
        }),
    });
  });
}

/** Work that is not counted among that of a span. */
async function besides<Result>(
  span: Span | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  span?.pause();
  try {
    return await work();
  } finally {
    span?.resume();
  }
}

async function findBuilt(
  item: Decided,
  sourceHash: Sha256,
  context: ObtainContext,
): Promise<Archive | null> {
  const inputs = binaryKeyInputs(buildRequest(item, sourceHash, context), context.environment);
  return await findBinary(context.store, inputs, context.emit);
}

function buildRequest({ key, metadata }: Decided, sha256: Sha256, context: ObtainContext) {
  return {
    ...context.keyOptions(key),
    key,
    version: metadata.version,
    sdist: { sha256 },
    interpreter: context.target.interpreter,
    builder: context.builder,
    semantics: context.buildSemantics,
    isolated: context.isolated,
  };
}
