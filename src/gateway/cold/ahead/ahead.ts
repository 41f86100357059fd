import { setMaxListeners } from 'node:events';
import type { DistributionMetadata, NormalizedName } from '../../../core/types.ts';
import type { Network } from '../../../obtain/cold/request.ts';
import type { AnsweredPage } from '../../../plan/cold/freshness.ts';
import type { FileRules, RankedFile } from '../../../plan/pinned/candidates.ts';
import { parseMetadata } from '../../../python/metadata.ts';
import type { Requirement } from '../../../python/pep508.ts';
import type { ImageLookup } from '../../../store/find-image.ts';
import type { GatewayRequest, GatewayResponse, Respond } from '../exchange.ts';
import { GatewayFault } from '../fault.ts';
import { passing } from '../passing.ts';
import { respond, type Run } from './answers.ts';
import { Archives } from './archives.ts';
import type { ArchiveContext } from './download.ts';
import { Fetcher } from './fetcher.ts';
import { Foresight, type ForesightRules } from './foresight.ts';
import { impatient, networkThrough } from './network.ts';
import { Pages, pageUrl } from './pages.ts';
import { PipFields } from './pip-fields.ts';
import { builtProjects, keptMetadata, RemoteWheels } from './wheel-metadata.ts';

export interface AheadSettings {
  /** The network. */
  readonly upstream: Respond;
  /** Milliseconds without a byte after which a request is given up. */
  readonly timeout: number;
  /** Indexes that pip asks, as it was told of them. */
  readonly indexes: readonly string[];
  readonly rules: FileRules;
  readonly foresight: Omit<ForesightRules, 'markers' | 'pip'>;
  /** Whether wheels of other systems are left out of pages: pip neither takes them nor speaks of them. */
  readonly showsOwnWheelsOnly: boolean;
  /** Whether pages that are asked for now are terse, too: somebody hears pip, should it need more. */
  readonly isTerse: () => boolean;
  /** Whether pip will want the archives of what it decides on. */
  readonly wantsArchives: boolean;
  /** How archives come into the store. */
  readonly downloads: Omit<ArchiveContext, 'openNetwork'>;
  readonly lookup: ImageLookup;
}

/** Answers pip by what was fetched before it asked. */
export interface Ahead {
  readonly respond: Respond;
  /** Follows requirements, from now on, the way that pip will go. */
  readonly begin: (requirements: readonly Requirement[]) => void;
  /** pip has decided: what is on its way to the store and not among these URLs is stopped. */
  readonly settle: (wanted: readonly string[]) => void;
  /** The pages that pip was answered with. */
  readonly consulted: () => readonly AnsweredPage[];
  /** Ends all that is on its way. */
  readonly close: () => Promise<void>;
}

export function openAhead(settings: AheadSettings): Ahead {
  const { rules } = settings;
  const { timings = null } = settings.downloads;
  const upstream = impatient(settings.upstream);
  const aborter = new AbortController();
  // Each request that is on its way listens.
  setMaxListeners(0, aborter.signal);
  const fields = new PipFields(rules.pip, settings.indexes);
  const fetcher = new Fetcher(upstream, aborter.signal, timings);
  const openNetwork = (signal: AbortSignal): Network => {
    const either = AbortSignal.any([aborter.signal, signal]);
    const { timeout } = settings;
    return networkThrough(upstream, (url) => fields.ofFile(url), { signal: either, timeout });
  };
  let built: ReadonlySet<string> | null = null;
  const parts = {
    settings,
    pass: passing(settings.upstream, timings),
    builtProjects: () => (built ??= builtProjects(settings.lookup.store)),
    indexes: new Set(settings.indexes),
    fields,
    fetcher,
    pages: new Pages({ upstream, fetcher, fields, rules, timings }),
    wheels: new RemoteWheels(openNetwork(aborter.signal), timings),
    archives: new Archives({ ...settings.downloads, openNetwork }),
  };
  const foresight = foresightOf(parts);
  const run = { ...parts, foresight };
  return {
    respond: async (request) => await respondSomehow(run, request),
    begin: (requirements) => {
      for (const requirement of requirements) foresight.expect(requirement, 'user');
    },
    settle: (wanted) => {
      foresight.close();
      run.archives.keepOnly(new Set(wanted.map((url) => new URL(url).href)));
    },
    consulted: () => run.pages.consulted(),
    close: async () => {
      foresight.close();
      aborter.abort();
      await run.archives.close();
    },
  };
}

/** What cannot be answered here, for whatever reason, is asked as if nobody stood between. */
async function respondSomehow(run: Run, request: GatewayRequest): Promise<GatewayResponse> {
  try {
    return await respond(run, request);
  } catch (error) {
    const isOver = request.signal.aborted || error instanceof GatewayFault;
    if (isOver || !(error instanceof Error) || request.body !== null) throw error;
    return await run.pass(request);
  }
}

function foresightOf(parts: Omit<Run, 'foresight'>): Foresight {
  const { indexes, settings, pages } = parts;
  const { interpreter, pip } = settings.rules;
  const known = new Map<string, Promise<DistributionMetadata | null>>();
  return new Foresight(
    { ...settings.foresight, markers: interpreter.markers, pip },
    {
      filesOf: async (key) => {
        const urls = [...indexes].map((index) => pageUrl(index, key));
        const found = await Promise.all(urls.map(async (url) => await pages.ahead(url, key)));
        return found.flatMap((files) => files ?? []);
      },
      metadataOf: async (file, key) => {
        const metadata = known.get(file.file.url) ?? metadataAhead(parts, file, key);
        known.set(file.file.url, metadata);
        return await metadata;
      },
    },
  );
}

async function metadataAhead(
  parts: Omit<Run, 'foresight'>,
  file: RankedFile,
  key: NormalizedName,
): Promise<DistributionMetadata | null> {
  const bytes =
    keptMetadata(file, key, parts.settings.lookup) ?? (await remoteMetadata(parts, file));
  return bytes && parseMetadata(new TextDecoder().decode(bytes));
}

async function remoteMetadata(
  { fetcher, fields, wheels }: Pick<Run, 'fetcher' | 'fields' | 'wheels'>,
  file: RankedFile,
): Promise<Uint8Array | null> {
  if (!file.filename.endsWith('.whl')) return null;
  if (file.file.metadata === null) return await wheels.metadata(file);
  const url = new URL(`${file.file.url}.metadata`);
  const purpose = { phase: 'metadata', subject: { filename: file.filename } } as const;
  const kept = await fetcher.ahead(url, fields.ofFile(url), purpose);
  return kept?.status === 200 ? kept.body : null;
}
