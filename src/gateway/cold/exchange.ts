/** Names in lower case; what came more than once is a list, in its order. */
export type HeaderFields = Readonly<Record<string, string | readonly string[]>>;

/** What pip asks for through the gateway. */
export interface GatewayRequest {
  readonly method: string;
  /** The absolute URL that pip means, of whatever scheme it is spoken to with. */
  readonly url: URL;
  /** As pip sent them, without those that are between it and its proxy (RFC 9110, section 7.6.1). */
  readonly headers: HeaderFields;
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Aborted when pip does not want the answer any more. */
  readonly signal: AbortSignal;
}

/** What it is answered. */
export interface GatewayResponse {
  readonly status: number;
  /** The words after it, as the server has them; those of the status where it is not given. */
  readonly reason?: string;
  /** Without those that are between two hops only. */
  readonly headers: HeaderFields;
  /** To be read once, or cancelled by `return()`. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Answers a request: from the network, or from what is known and on its way.
 *
 * @throws GatewayFault where there is no answer to give to pip
 */
export type Respond = (request: GatewayRequest) => Promise<GatewayResponse>;
