import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import type { Timings } from '../../core/timings.ts';
import type { Network } from './request.ts';

/** A network that may turn out not to be needed. */
export interface NetworkOnDemand extends Network {
  readonly close: () => Promise<void>;
}

/**
 * A transport that is opened by the first request: what lies in the store or a folder is built
 * and installed without one, and to load it and its certificates takes Node 20 some 70 ms.
 */
export function networkOnDemand(
  options: PipOptions,
  environment: Environment,
  timings: Timings | null,
): NetworkOnDemand {
  const closed = new AbortController();
  const open = async () => {
    using _ = timings?.begin('prepare', null);
    const { openTransport } = await import('./transport.ts');
    return await openTransport(options, environment);
  };
  let opening: ReturnType<typeof open> | null = null;
  return {
    ask: async (url, headers) => {
      closed.signal.throwIfAborted();
      opening ??= open();
      return await (await opening).ask(url, headers);
    },
    close: async () => {
      closed.abort();
      const transport = await opening?.catch(() => null);
      await transport?.close();
    },
  };
}
