import type { Network } from '../../../obtain/cold/request.ts';
import type { GatewayResponse, HeaderFields, Respond } from '../exchange.ts';
import { request } from './kept-answer.ts';

/**
 * The gateway's way upstream for requests of its own.
 *
 * @param fieldsFor what goes with a request to a URL beside its own: as whom pip asks there.
 */
export function networkOf(
  upstream: Respond,
  fieldsFor: (url: URL) => HeaderFields,
  signal: AbortSignal,
): Network {
  return {
    ask: async (url, headers) => {
      const aborter = new AbortController();
      const both = AbortSignal.any([aborter.signal, signal]);
      const answer = await upstream(request(url, { ...fieldsFor(url), ...headers }, both));
      return { ...answer, body: abandonable(answer, aborter) };
    },
  };
}

/** Who stops reading in the middle does not want the rest to be fetched. */
async function* abandonable(
  { body }: GatewayResponse,
  aborter: AbortController,
): AsyncGenerator<Uint8Array> {
  let isWhole = false;
  try {
    yield* body;
    isWhole = true;
  } finally {
    if (!isWhole) aborter.abort();
  }
}
