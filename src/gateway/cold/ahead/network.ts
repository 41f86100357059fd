import { errnoOf } from '../../../core/errors.ts';
import type { Network } from '../../../obtain/cold/request.ts';
import type { GatewayResponse, HeaderFields, Respond } from '../exchange.ts';
import { request } from './kept-answer.ts';

/**
 * The gateway's way upstream for requests of its own.
 *
 * @param fieldsFor what goes with a request to a URL beside its own: as whom pip asks there.
 * @param timeout milliseconds without a byte after which a request is given up.
 */
export function networkThrough(
  upstream: Respond,
  fieldsFor: (url: URL) => HeaderFields,
  { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
): Network {
  return {
    ask: async (url, headers) => {
      const patience = new Patience(timeout);
      const both = AbortSignal.any([patience.signal, signal]);
      try {
        const answer = await upstream(request(url, { ...fieldsFor(url), ...headers }, both));
        return { ...answer, body: patiently(answer, patience) };
      } catch (error) {
        patience.end();
        throw telling(error, patience);
      }
    },
  };
}

/** Who stops reading in the middle does not want the rest to be fetched. */
async function* patiently(
  { body }: GatewayResponse,
  patience: Patience,
): AsyncGenerator<Uint8Array> {
  let isWhole = false;
  try {
    for await (const chunk of body) {
      patience.renew();
      yield chunk;
      patience.renew();
    }
    isWhole = true;
  } catch (error) {
    throw telling(error, patience);
  } finally {
    if (!isWhole) patience.abort();
    patience.end();
  }
}

/** Time without a byte, of which there is so much. */
class Patience {
  readonly #aborter = new AbortController();
  readonly #milliseconds: number;
  #timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  abort(): void {
    this.#aborter.abort();
  }

  #start(): NodeJS.Timeout {
    const error = Object.assign(new Error('The read operation timed out'), { code: 'ETIMEDOUT' });
    return setTimeout(() => this.#aborter.abort(error), this.#milliseconds).unref();
  }
}

/** The error that tells by its code whether it may pass. */
function telling(error: unknown, { signal }: Patience): unknown {
  if (errnoOf(signal.reason) !== null) return signal.reason;
  const cause = error instanceof Error ? error.cause : null;
  return errnoOf(error) === null && errnoOf(cause) !== null ? cause : error;
}

/** Who does not want an answer any more does not wait until the network has given up. */
export function impatient(upstream: Respond): Respond {
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
