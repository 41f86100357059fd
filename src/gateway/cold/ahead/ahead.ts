import { setMaxListeners } from 'node:events';
import type { DistributionMetadata, NormalizedName } from '../../../core/types.ts';
import type { Network } from '../../../obtain/cold/request.ts';
import type { FileRules, RankedFile } from '../../../plan/pinned/candidates.ts';
import { projectPage } from '../../../plan/pinned/places.ts';
import { parseMetadata } from '../../../python/metadata.ts';
import type { Requirement } from '../../../python/pep508.ts';
import { atLeast } from '../../../python/pip.ts';
import type { ImageLookup } from '../../../store/find-image.ts';
import type { ReleaseFile } from '../../../store/releases.ts';
import type { GatewayRequest, GatewayResponse, Respond } from '../exchange.ts';
import { Archives } from './archives.ts';
import type { ArchiveContext } from './download.ts';
import { Fetcher } from './fetcher.ts';
import { Foresight, type ForesightRules } from './foresight.ts';
import { linksOf, projectAsked, withMetadata } from './index-page.ts';
import { bodyOf, isAnswerTo, keep, type KeptAnswer, replay } from './kept-answer.ts';
import { networkOf } from './network.ts';
import { type Consulted, type KnownFile, Pages } from './pages.ts';
import { PipFields } from './pip-fields.ts';
import { keptMetadata, RemoteWheels, wholeMetadata } from './wheel-metadata.ts';

export interface AheadSettings {
  /** The network. */
  readonly upstream: Respond;
  /** Indexes that pip asks, as it was told of them. */
  readonly indexes: readonly string[];
  readonly rules: FileRules;
  readonly foresight: Omit<ForesightRules, 'markers' | 'pip'>;
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
  readonly consulted: () => readonly Consulted[];
  /** Ends all that is on its way. */
  readonly close: () => Promise<void>;
}

/** Milliseconds for which a page waits until it is known whether wheels can be read from afar. */
const longestTrial = 3_000;

export function openAhead(settings: AheadSettings): Ahead {
  const { rules } = settings;
  const upstream = impatient(settings.upstream);
  const aborter = new AbortController();
  // Each request that is on its way listens.
  setMaxListeners(0, aborter.signal);
  const fields = new PipFields(rules.pip, settings.indexes);
  const fetcher = new Fetcher(upstream, aborter.signal);
  const openNetwork = (signal: AbortSignal): Network => {
    const either = AbortSignal.any([aborter.signal, signal]);
    return networkOf(upstream, (url) => fields.ofFile(url), either);
  };
  const parts: Parts = {
    settings,
    indexes: new Set(settings.indexes),
    fields,
    fetcher,
    pages: new Pages({ upstream, fetcher, fields, rules }),
    wheels: new RemoteWheels(openNetwork(aborter.signal)),
    archives: new Archives({ ...settings.downloads, openNetwork }),
  };
  const foresight = foresightOf(parts);
  const run: Run = { ...parts, foresight };
  return {
    respond: async (request) => await respond(run, request),
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

/** Who does not want an answer any more does not wait until the network has given up. */
function impatient(upstream: Respond): Respond {
  return async (request) => {
    const { signal } = request;
    signal.throwIfAborted();
    let stop = () => {};
    const over = new Promise<never>((_resolve, reject) => {
      stop = () => reject(signal.reason as Error);
      signal.addEventListener('abort', stop);
    });
    try {
      return await Promise.race([upstream(request), over]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
}

interface Parts {
  readonly settings: AheadSettings;
  readonly indexes: Set<string>;
  readonly fields: PipFields;
  readonly fetcher: Fetcher;
  readonly pages: Pages;
  readonly wheels: RemoteWheels;
  readonly archives: Archives;
}

interface Run extends Parts {
  readonly foresight: Foresight;
}

function foresightOf(parts: Parts): Foresight {
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

/** Without the password, which goes into a field. */
function pageUrl(index: string, key: NormalizedName): URL {
  const url = new URL(projectPage(index, key));
  url.username = '';
  url.password = '';
  return url;
}

async function metadataAhead(
  parts: Parts,
  file: RankedFile,
  key: NormalizedName,
): Promise<DistributionMetadata | null> {
  const bytes =
    keptMetadata(file, key, parts.settings.lookup) ?? (await remoteMetadata(parts, file));
  return bytes && parseMetadata(new TextDecoder().decode(bytes));
}

async function remoteMetadata(
  { fetcher, fields, wheels }: Parts,
  file: RankedFile,
): Promise<Uint8Array | null> {
  if (!file.filename.endsWith('.whl')) return null;
  if (file.file.metadata === null) return await wheels.metadata(file);
  const url = new URL(`${file.file.url}.metadata`);
  const kept = await fetcher.ahead(url, fields.ofFile(url));
  return kept?.status === 200 ? kept.body : null;
}

async function respond(run: Run, request: GatewayRequest): Promise<GatewayResponse> {
  const { pages, settings } = run;
  const project = projectAsked(request);
  if (project !== null) return await respondPage(run, request, project);
  const isPlain = request.method === 'GET' && !('range' in request.headers);
  const { pathname } = request.url;
  if (isPlain && pathname.endsWith('.metadata')) {
    const url = new URL(request.url);
    url.pathname = pathname.slice(0, -'.metadata'.length);
    const file = pages.file(url);
    if (file) return await respondMetadata(run, request, file);
  }
  const file = isPlain ? pages.file(request.url) : null;
  if (file) {
    run.fields.learn(request, 'file');
    run.foresight.confirm(file.key, file.file.url);
    const answer = await run.archives.of(file).respond(request.signal);
    if (answer) return answer;
  }
  return await settings.upstream(request);
}

async function respondPage(
  run: Run,
  request: GatewayRequest,
  key: NormalizedName,
): Promise<GatewayResponse> {
  const { fields, foresight, pages, settings } = run;
  if (fields.learn(request, 'page')) {
    pages.forget(request.url.origin);
    foresight.lookAgain();
  }
  const { kept, bare } = await pages.answer(request, key);
  if (foresight.isExpected(key)) learnIndex(run, request.url);
  else foresight.expect({ name: key, extras: [], specifiers: [], url: null, marker: null }, 'pip');
  // Before 23.2 pips take it for wheels of HTML pages alone, or stumble over it (PEP 714).
  if (!bare || !atLeast(settings.rules.pip, 23, 2)) return replay(kept, request);
  const isOffered = await offers(run, key);
  const links = await linksOf(kept);
  return replay((links && withMetadata(kept, links, isOffered)) ?? kept, request);
}

/** An index that a requirement file named, or a pip within pip, has pages of other projects, too. */
function learnIndex({ foresight, indexes }: Run, page: URL): void {
  const index = page.href.replace(/[^/]+\/?$/, '');
  if ([...indexes].some((known) => pageUrl(known, '' as NormalizedName).href.startsWith(index)))
    return;
  indexes.add(index);
  foresight.lookAgain();
}

/** Which files of a page metadata is offered for: only where it is certain to be there when pip asks. */
async function offers(
  { foresight, settings, wheels, pages }: Run,
  key: NormalizedName,
): Promise<(file: ReleaseFile) => boolean> {
  const likeliest = await foresight.chosen(key);
  if (likeliest?.file.metadata === null && wheels.hasRanges(likeliest.file.url) === null) {
    const trial = remoteTrial(wheels, likeliest);
    await Promise.race([
      trial,
      new Promise((resolve) => setTimeout(resolve, longestTrial).unref()),
    ]);
  }
  return (file) => {
    const known = pages.file(new URL(file.url));
    if (!known) return false;
    const isWheel = known.filename.endsWith('.whl');
    if (isWheel && wheels.hasRanges(file.url) === true) return true;
    // Older pips prepare an sdist all the same.
    const isTaken = isWheel || atLeast(settings.rules.pip, 25, 3);
    return isTaken && keptMetadata(known, key, settings.lookup) !== null;
  };
}

async function remoteTrial(wheels: RemoteWheels, file: RankedFile): Promise<void> {
  if (file.filename.endsWith('.whl')) await wheels.metadata(file);
}

async function respondMetadata(
  run: Run,
  request: GatewayRequest,
  file: KnownFile,
): Promise<GatewayResponse> {
  const { archives, fetcher, fields, foresight, settings } = run;
  fields.learn(request, 'file');
  foresight.confirm(file.key, file.file.url);
  archives.lookedAt(file, settings.lookup);
  const own = keptMetadata(file, file.key, settings.lookup);
  if (own) return made(own);
  if (file.file.metadata === null) {
    const bytes = await offeredMetadata(run, file);
    return bytes ? made(bytes) : await settings.upstream(request);
  }
  const ready = await fetcher.take(request.url);
  if (ready && isAnswerTo(ready, request)) return replay(ready, request);
  const kept: KeptAnswer = await keep(settings.upstream, request);
  return { status: kept.status, headers: kept.headers, body: bodyOf(kept.body) };
}

async function offeredMetadata(
  { archives, wheels }: Run,
  file: KnownFile,
): Promise<Uint8Array | null> {
  const bytes = await wheels.metadata(file);
  if (bytes || !file.filename.endsWith('.whl')) return bytes;
  try {
    return await wholeMetadata(archives.of(file), file.filename);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

/** What no server said. */
function made(body: Uint8Array): GatewayResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(body.length),
      'cache-control': 'no-store',
    },
    body: bodyOf(body),
  };
}
