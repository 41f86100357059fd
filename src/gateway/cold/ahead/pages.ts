import { createHash } from 'node:crypto';
import type { NormalizedName } from '../../../core/types.ts';
import type { Timings } from '../../../core/timings.ts';
import { type AnsweredPage, freshSecondsOf } from '../../../plan/cold/freshness.ts';
import { linksOf } from '../../../obtain/cold/index/page.ts';
import type { FileRules, RankedFile } from '../../../plan/pinned/candidates.ts';
import { projectPage } from '../../../plan/pinned/places.ts';
import type { GatewayRequest, Respond } from '../exchange.ts';
import type { Fetcher } from './fetcher.ts';
import { foreignTo, metBy, spareSdists, takenFiles } from './choice.ts';
import { briefPage } from './edited-page.ts';
import { parsedPage, unlessUnclear } from './index-page.ts';
import { field, isAnswerTo, keep, type KeptAnswer, lasting } from './kept-answer.ts';
import type { PipFields } from './pip-fields.ts';

export interface PageAnswer {
  /** As the index gave it. */
  readonly kept: KeptAnswer;
  /** Without the wheels of other systems, and where it is terse without all that is needless. */
  readonly brief: (isTerse: boolean) => KeptAnswer;
  readonly bare: Bare;
}

/** Of which files a page has some without metadata beside them. */
export interface Bare {
  readonly wheels: boolean;
  readonly sdists: boolean;
}

/** What was read in a page. */
interface ReadPage extends Pick<PageAnswer, 'brief' | 'bare'> {
  readonly files: readonly KnownFile[];
}

export interface KnownFile extends RankedFile {
  readonly key: NormalizedName;
}

const redirectLimit = 5;

/** The page of a project in an index, without the index's password, which goes into a field. */
export function pageUrl(index: string, key: NormalizedName): URL {
  const url = new URL(projectPage(index, key));
  url.username = '';
  url.password = '';
  return url;
}

/** The pages of this run: those on their way, and what was read in them. */
export class Pages {
  readonly #upstream: Respond;
  readonly #fetcher: Fetcher;
  readonly #fields: PipFields;
  readonly #rules: FileRules;
  readonly #isForeign: (address: string) => boolean;
  readonly #isMet: ReturnType<typeof metBy>;
  readonly #timings: Timings | null;
  readonly #read = new Map<string, Promise<ReadPage | null>>();
  readonly #files = new Map<string, KnownFile>();
  readonly #consulted = new Map<string, AnsweredPage>();

  constructor(parts: {
    readonly upstream: Respond;
    readonly fetcher: Fetcher;
    readonly fields: PipFields;
    readonly rules: FileRules;
    readonly timings: Timings | null;
  }) {
    this.#upstream = parts.upstream;
    this.#fetcher = parts.fetcher;
    this.#fields = parts.fields;
    this.#rules = parts.rules;
    this.#isForeign = foreignTo(parts.rules.interpreter);
    this.#isMet = metBy(parts.rules);
    this.#timings = parts.timings;
  }

  /** The file that a URL is of, where a page named it that this Python takes. */
  file(url: URL): KnownFile | null {
    return this.#files.get(url.href) ?? null;
  }

  consulted(): readonly AnsweredPage[] {
    return [...this.#consulted.values()];
  }

  /** The files of a project's page, fetched before pip asks; null where there is nothing to read. */
  async ahead(url: URL, key: NormalizedName): Promise<readonly KnownFile[] | null> {
    const known = this.#read.get(url.href) ?? this.#readAhead(url, key);
    this.#read.set(url.href, known);
    return (await known)?.files ?? null;
  }

  /** Forgets what was asked of a server in a way in which pip does not ask. */
  forget(origin: string): void {
    this.#fetcher.forget((url) => url.origin === origin);
    for (const url of this.#read.keys()) {
      if (new URL(url).origin === origin) this.#read.delete(url);
    }
  }

  /**
   * The answer to pip, asked for by now; all of it even where pip has the page: by what is read in it
   * the archives are known that pip asks for next, which belong into the store.
   */
  async answer(request: GatewayRequest, key: NormalizedName): Promise<PageAnswer> {
    const ready = await this.#fetcher.take(request.url);
    const isReady = ready !== null && isAnswerTo(ready, request);
    const kept = isReady ? ready : await this.#fetch(request, key);
    // A page of many megabytes is not read twice.
    const known = isReady ? this.#read.get(request.url.href) : undefined;
    const read = known ?? this.#enter(kept, key);
    this.#read.set(request.url.href, read);
    this.#consulted.set(request.url.href, recordOf(kept));
    const { brief = () => kept, bare = { wheels: false, sdists: false } } = (await read) ?? {};
    return { kept, brief, bare };
  }

  async #fetch(request: GatewayRequest, key: NormalizedName): Promise<KeptAnswer> {
    using _ = this.#timings?.begin('index', { name: key, version: null });
    return await keep(this.#upstream, { ...request, headers: lasting(request.headers) });
  }

  async #readAhead(start: URL, key: NormalizedName): Promise<ReadPage | null> {
    const purpose = { phase: 'index', subject: { name: key, version: null } } as const;
    let url = start;
    for (let hops = 0; hops <= redirectLimit; hops += 1) {
      const kept = await this.#fetcher.ahead(url, this.#fields.ofPage(url), purpose);
      const location = kept && kept.status >= 300 ? field(kept.headers, 'location') : null;
      if (!kept || location === null) return kept && (await this.#enter(kept, key));
      if (!URL.canParse(location, url.href)) return null;
      url = new URL(location, url);
    }
    return null;
  }

  async #enter(kept: KeptAnswer, key: NormalizedName): Promise<ReadPage | null> {
    using _ = this.#timings?.begin('index', { name: key, version: null });
    const page = await parsedPage(kept);
    const found =
      page && unlessUnclear(() => linksOf(page, (address) => !this.#isForeign(address)));
    if (!found) return null;
    const listed = found.links.map(({ file }) => file);
    const files = takenFiles(listed, key, this.#rules).map((file) => ({ ...file, key }));
    for (const file of files) this.#files.set(new URL(file.file.url).href, file);
    const bare = listed.flatMap(({ metadata, url }) => (metadata === null ? [url] : []));
    const isWheel = (url: string) => url.endsWith('.whl');
    const { links, passedOver } = found;
    return {
      files,
      brief: (isTerse) => {
        const spare = isTerse ? spareSdists(links, files) : [];
        const isMet = isTerse ? this.#isMet : null;
        return briefPage(kept, page, { places: new Set([...passedOver, ...spare]), isMet });
      },
      bare: { wheels: bare.some(isWheel), sdists: bare.some((url) => !isWheel(url)) },
    };
  }
}

function recordOf({ url, status, headers, body }: KeptAnswer): AnsweredPage {
  return {
    url,
    status,
    etag: field(headers, 'etag'),
    lastModified: field(headers, 'last-modified'),
    freshSeconds: freshSecondsOf(field(headers, 'cache-control'), field(headers, 'age')),
    sha256: createHash('sha256').update(body).digest('hex'),
  };
}
