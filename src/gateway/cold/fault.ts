/**
 * There is no answer to give to pip: the server that it means cannot be reached, or went away.
 * The message is what pip shows of it.
 */
export class GatewayFault extends Error {
  override readonly name = 'GatewayFault';
}

/** What went wrong, as pip would put it. */
export function causeOf(error: unknown): string {
  if (error instanceof AggregateError) return causeOf(error.errors.at(-1));
  if (!(error instanceof Error)) return String(error);
  const { code = '', hostname } = error as NodeJS.ErrnoException & { readonly hostname?: string };
  const known = causes[code];
  if (known === undefined) return error.message;
  return hostname === undefined ? known : `${known}: ${hostname}`;
}

/** In the words of the C library, which is where pip has its own from. */
const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  ENOTFOUND: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
  UND_ERR_CONNECT_TIMEOUT: 'Connection timed out',
  UND_ERR_SOCKET: 'Remote end closed connection without response',
};
