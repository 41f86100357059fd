import type { NormalizedName } from '../../../core/types.ts';
import { linksOf } from '../../../obtain/cold/index/page.ts';
import type { RankedFile } from '../../../plan/pinned/candidates.ts';
import { atLeast } from '../../../python/pip.ts';
import type { ReleaseFile } from '../../../store/releases.ts';
import type { GatewayRequest, GatewayResponse, Respond } from '../exchange.ts';
import type { AheadSettings } from './ahead.ts';
import type { Archives } from './archives.ts';
import type { Fetcher } from './fetcher.ts';
import type { Foresight } from './foresight.ts';
import { withMetadata } from './edited-page.ts';
import { parsedPage, projectAsked, unlessUnclear } from './index-page.ts';
import {
  asItCame,
  bodyOf,
  field,
  isAnswerTo,
  keep,
  type KeptAnswer,
  replay,
} from './kept-answer.ts';
import { type Bare, type KnownFile, type Pages, pageUrl } from './pages.ts';
import type { PipFields } from './pip-fields.ts';
import { keptMetadata, type RemoteWheels, wholeMetadata } from './wheel-metadata.ts';

/** All that has a part in a run of pip. */
export interface Run {
  readonly settings: AheadSettings;
  /** The network for what is not answered here. */
  readonly pass: Respond;
  /** Those that pip was told of, and those that it showed. */
  readonly indexes: Set<string>;
  readonly fields: PipFields;
  readonly fetcher: Fetcher;
  readonly pages: Pages;
  readonly wheels: RemoteWheels;
  readonly archives: Archives;
  readonly foresight: Foresight;
  /** Projects of which the store has something that was built. */
  readonly builtProjects: () => ReadonlySet<string>;
}

/** Milliseconds for which a page waits until it is known whether wheels can be read from afar. */
const longestTrial = 3_000;

/** Answers one request of pip's: by what is there or on its way, else by the network. */
export async function respond(run: Run, request: GatewayRequest): Promise<GatewayResponse> {
  const { pages } = run;
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
  return await run.pass(request);
}

async function respondPage(
  run: Run,
  request: GatewayRequest,
  key: NormalizedName,
): Promise<GatewayResponse> {
  const { fields, foresight, pages } = run;
  if (fields.learn(request, 'page')) {
    pages.forget(request.url.origin);
    foresight.lookAgain();
  }
  const { kept, brief, bare } = await pages.answer(request, key);
  if (foresight.isExpected(key)) learnIndex(run, request.url);
  // A page of links is called by any name, of which no index has to hear.
  else if ([...run.indexes].some((index) => pageUrl(index, key).href === request.url.href))
    foresight.expect({ name: key, extras: [], specifiers: [], url: null, marker: null }, 'pip');
  const isBrief = isForThisPython(run, request);
  const given = isBrief ? brief(run.settings.isTerse()) : kept;
  const fuller = mayOffer(run, key, bare) ? await offering(run, key, given) : null;
  return replay(fuller ?? given, request);
}

/** False also for other Pythons' pips, which a build may start, and for those that tell of every link. */
function isForThisPython({ settings }: Run, { headers }: GatewayRequest): boolean {
  const { interpreter, pip } = settings.rules;
  const name = field(headers, 'user-agent') ?? '';
  return (
    settings.showsOwnWheelsOnly &&
    name.startsWith(`pip/${pip} {`) &&
    name.includes(`"python":"${interpreter.version}"`) &&
    name.toLowerCase().includes(`"implementation":{"name":"${interpreter.implementation}"`)
  );
}

function mayOffer({ builtProjects, settings }: Run, key: NormalizedName, bare: Bare): boolean {
  const { pip } = settings.rules;
  // Before 23.2 pips take it for wheels of HTML pages alone, or stumble over it (PEP 714).
  if (bare.wheels) return atLeast(pip, 23, 2);
  // Older pips prepare an sdist all the same; and nearly every page has sdists.
  return bare.sdists && atLeast(pip, 25, 3) && builtProjects().has(key);
}

/** An index that a requirement file named, or a pip within pip, has pages of other projects, too. */
function learnIndex({ foresight, indexes }: Run, page: URL): void {
  const index = page.href.replace(/[^/]+\/?$/, '');
  if ([...indexes].some((known) => pageUrl(known, '' as NormalizedName).href.startsWith(index)))
    return;
  indexes.add(index);
  foresight.lookAgain();
}

/** A page that offers metadata where it is certain to be there when pip asks; null where it does so nowhere. */
async function offering(
  run: Run,
  key: NormalizedName,
  given: KeptAnswer,
): Promise<KeptAnswer | null> {
  const isOffered = await offers(run, key);
  const page = await parsedPage(given);
  const found = page && unlessUnclear(() => linksOf(page));
  if (!found) return null;
  const bare = found.links.filter(({ file }) => file.metadata === null && isOffered(file));
  return bare.length === 0 ? null : withMetadata(given, page, new Set(bare.map(({ at }) => at)));
}

/** For which files metadata is certain to be there. */
async function offers(
  { builtProjects, foresight, settings, wheels, pages }: Run,
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
    const isTaken = isWheel || (atLeast(settings.rules.pip, 25, 3) && builtProjects().has(key));
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
  if (settings.wantsArchives) archives.lookedAt(file, settings.lookup);
  const own = keptMetadata(file, file.key, settings.lookup);
  if (own) return made(own);
  if (file.file.metadata === null) {
    const bytes = await offeredMetadata(run, file);
    return bytes ? made(bytes) : await run.pass(request);
  }
  const ready = await fetcher.take(request.url);
  if (ready && isAnswerTo(ready, request)) return replay(ready, request);
  return asItCame(await keep(run.pass, request));
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
