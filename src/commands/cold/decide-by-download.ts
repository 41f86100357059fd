import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Decided, NormalizedName, Source } from '../../core/types.ts';
import { keepSource } from '../../obtain/cold/download.ts';
import { askOldPip, type OldPipAnswer } from '../../plan/cold/ask-old-pip.ts';
import { namedRoots } from '../../plan/request/roots.ts';
import { parseMetadata } from '../../python/metadata.ts';
import { normalizeName } from '../../python/names.ts';
import { resolverOf } from '../../python/pip.ts';
import { eggFolder } from '../../store/cold/eggs.ts';
import { inTemporary } from '../../store/cold/temporary.ts';
import type { Image } from '../../store/images.ts';
import type { InstallJob } from '../job.ts';
import type { Asking } from './ask.ts';
import { interruptible } from './interruption.ts';
import { obtain } from './obtain.ts';

/**
 * The decision of a pip before 22.2. What it downloaded goes into the local source index; the
 * metadata that the order of installation needs is that of the images, which are made here.
 *
 * @throws as `obtain` does.
 */
export async function decideByDownload(
  job: InstallJob,
  { emit, signal, variables, wordsOf }: Asking,
): Promise<OldPipAnswer> {
  const { context, environment, options, request } = job;
  if (!isDecidedByDownload(job)) {
    return { outcome: 'hand-over', reason: 'an old pip that `pip download` cannot speak for' };
  }
  const { interpreter, settings, store } = context;
  const roots = namedRoots(request, interpreter.markers);
  const named = new Set(roots.map(({ name }) => normalizeName(name)));
  const ignoresInstalled = options.flag('ignore-installed') || options.flag('force-reinstall');
  const isLegacy = resolverOf(interpreter) === 'legacy';
  const eggs = eggFolder(store, interpreter);
  const path = [eggs ?? '', environment['PYTHONPATH'] ?? ''].filter(Boolean).join(delimiter);
  const question = {
    pip: context.pip,
    options: request.parsed.options.filter(({ words }) => wordsOf(words).length > 0),
    requirements: request.parsed.requirements,
    configuration: request.configuration,
    environment,
    variables: eggs ? { ...variables, PYTHONPATH: path } : variables,
    signal,
    maxRetries: settings.maxRetries,
    named,
    installed: ignoresInstalled ? new Map<never, never>() : job.installed,
    satisfied: (key: NormalizedName) => satisfiedWord(job, isLegacy, named.has(key)),
  };
  const answer = await inTemporary(store, 'download', async (folder) => {
    const keep = (source: Omit<Source, 'sha256'>, path: string) => keepSource(store, source, path);
    return await askOldPip({ ...question, folder }, { emit, keep });
  });
  if (answer.outcome !== 'decided') return answer;
  const { decided } = answer;
  const images = await interruptible((signal) => obtain(job, decided, signal));
  const complete = decided.map(async (item) => await withMetadata(item, images.get(item.key)));
  return { ...answer, decided: await Promise.all(complete) };
}

/** False where `pip download` could decide otherwise than `pip install`, or would say it in other words. */
function isDecidedByDownload({ context, options, request }: InstallJob): boolean {
  const { entries } = request;
  const isAnyNamed = entries.some((entry) => entry.kind === 'named' && !entry.origin.constraint);
  const isAllNamed = entries.every(({ kind }) => kind !== 'direct' && kind !== 'unknown');
  const isRefused = options.flag('require-virtualenv') && !context.interpreter.isVirtualEnvironment;
  // The log is where the URLs are read.
  const hasLog = options.value('log') !== null;
  return (
    isAnyNamed && isAllNamed && !isRefused && !hasLog && !options.flag('ignore-requires-python')
  );
}

/** pip's word for what stays (`resolution/legacy/resolver.py`, `_check_skip_installed`). */
function satisfiedWord({ options }: InstallJob, isLegacy: boolean, isNamed: boolean): string {
  if (!isLegacy || !options.flag('upgrade')) return 'already satisfied';
  const isUpgraded = isNamed || options.value('upgrade-strategy') === 'eager';
  return isUpgraded ? 'already up-to-date' : 'already satisfied, skipping upgrade';
}

async function withMetadata(item: Decided, image: Image | undefined): Promise<Decided> {
  if (!image) throw new Error(`no image was made of ${item.source.filename}`);
  const { root, distInfo } = image.manifest;
  const file = join(image.path, root, distInfo, 'METADATA');
  return { ...item, metadata: parseMetadata(await readFile(file, 'utf8')) };
}
