import type { Subject, Timings } from '../../../core/timings.ts';
import type { HeaderFields, Respond } from '../exchange.ts';
import { isFinal, keep, type KeptAnswer, request } from './kept-answer.ts';
import { Lane, type Turn } from './lane.ts';

/** Requests at a time, made before pip asks; more than this a single index does not serve faster. */
const parallelRequests = 24;

/** Milliseconds after which pip had better ask itself. */
const longestWait = 30_000;

interface Errand {
  readonly url: URL;
  readonly headers: HeaderFields;
  readonly turn: Turn<KeptAnswer | null>;
}

/** What something is fetched for. */
interface Purpose {
  readonly phase: 'index' | 'metadata';
  readonly subject: Subject;
}

/** Fetches before pip asks, each URL once, so many at a time. */
export class Fetcher {
  readonly #upstream: Respond;
  readonly #signal: AbortSignal;
  readonly #timings: Timings | null;
  readonly #lane = new Lane(parallelRequests);
  readonly #errands = new Map<string, Errand>();

  /** @param signal ends all that is on its way. */
  constructor(upstream: Respond, signal: AbortSignal, timings: Timings | null = null) {
    this.#upstream = upstream;
    this.#signal = signal;
    this.#timings = timings;
  }

  /** Begins, unless it did already; null where nothing came of it that pip could be told. */
  async ahead(url: URL, headers: HeaderFields, purpose: Purpose): Promise<KeptAnswer | null> {
    let errand = this.#errands.get(url.href);
    if (!errand) {
      const turn = this.#lane.enter(async () => await this.#fetch(url, headers, purpose));
      errand = { url, headers, turn };
      this.#errands.set(url.href, errand);
    }
    return await errand.turn.result;
  }

  /** What was begun is pip's from now on, and no second one is given it; null where there is nothing. */
  async take(url: URL): Promise<KeptAnswer | null> {
    const errand = this.#errands.get(url.href);
    if (!errand) return null;
    errand.turn.hurry();
    const answer = await errand.turn.result;
    if (this.#errands.get(url.href) === errand) this.#errands.delete(url.href);
    return answer;
  }

  /** Calls off, or forgets, what is asked in a way in which pip does not ask. */
  forget(isStale: (url: URL, headers: HeaderFields) => boolean): void {
    for (const [href, errand] of this.#errands) {
      if (!isStale(errand.url, errand.headers)) continue;
      this.#errands.delete(href);
      errand.turn.callOff();
    }
  }

  /** Whatever goes wrong is for pip to meet again, and to say. */
  async #fetch(
    url: URL,
    headers: HeaderFields,
    { phase, subject }: Purpose,
  ): Promise<KeptAnswer | null> {
    using _ = this.#timings?.begin(phase, subject);
    try {
      this.#signal.throwIfAborted();
      const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(longestWait)]);
      const answer = await keep(this.#upstream, request(url, headers, signal));
      return isFinal(answer) ? answer : null;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return null;
    }
  }
}
