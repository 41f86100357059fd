import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import type { Timings } from '../../core/timings.ts';
import { certificates, clientCertificate } from '../../obtain/cold/certificates.ts';
import { isSocks, proxyRules } from '../../obtain/cold/proxies.ts';
import { keepErrorsBlocking } from '../../process/cold/blocking-errors.ts';
import { atLeast } from '../../python/pip.ts';
import type { Ahead } from './ahead/ahead.ts';
import { createAuthority } from './authority.ts';
import { whileWaiting } from './answer.ts';
import type { Respond } from './exchange.ts';
import { GatewayFault } from './fault.ts';
import { passing } from './passing.ts';
import { openProxy } from './proxy.ts';
import type { Upstream } from './upstream.ts';

/** What stands between a pip and the network, for as long as that pip runs. */
export interface Gateway {
  /** The variables that lead a pip here, and all that it starts. */
  readonly variables: Environment;
  /** Aborted when a server cannot be reached, where that was asked for: pip then waits in vain. */
  readonly lost: AbortSignal;
  /** What answers ahead of the network; null where nothing does. */
  readonly ahead: Ahead | null;
  /** No pip comes any more; what is on its way into the store goes on. */
  readonly shut: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface GatewayRules {
  readonly options: PipOptions;
  /** What pip would be given without a gateway. */
  readonly environment: Environment;
  /** Of pip. */
  readonly version: string;
  readonly isOffline: boolean;
  /** Whether another pip can be started, without a gateway, where no server is reached. */
  readonly stepsAside: boolean;
  readonly timings?: Timings | null;
  /**
   * Opens what answers ahead of a network, where pip is known well enough.
   *
   * @param ready when the network is: until then it has to be loaded.
   */
  readonly openAhead?: (upstream: Respond, ready: () => Promise<void>) => Ahead;
}

/** The options of pip that the gateway takes over; in its words they would win over variables. */
export const takenOver: readonly string[] = ['proxy', 'cert'];

/**
 * Opens a gateway: a proxy that ends TLS, the certificate of its authority in a private folder,
 * and the way upstream that pip would have taken.
 *
 * @returns null where the user's proxy is none that it could use.
 * @throws a system error where certificates cannot be read, on which pip has its own word.
 */
export async function openGateway(rules: GatewayRules): Promise<Gateway | null> {
  const { options, environment } = rules;
  const schemes = ['http://x/', 'https://x/'].map((url) => new URL(url));
  if (schemes.map(proxyRules(options, environment)).some(isSocks)) return null;
  keepErrorsBlocking();
  const trusted = await certificates(options, environment);
  await clientCertificate(options);
  const lost = new AbortController();
  const onUnreachable = async () => {
    if (!rules.stepsAside) return;
    lost.abort();
    // Whoever heard that ends this pip.
    await new Promise<never>(() => {});
  };
  const authority = createAuthority();
  const folder = await mkdtemp(join(tmpdir(), 'pip-accel-'));
  try {
    const bundle = join(folder, 'certificates.pem');
    await writeFile(bundle, [...trusted, authority.certificate].join('\n'), { mode: 0o600 });
    const upstream = rules.isOffline ? nowhere : openLazily(rules, onUnreachable);
    const ahead = rules.isOffline
      ? null
      : (rules.openAhead?.(upstream.respond, upstream.ready) ?? null);
    const { timings = null } = rules;
    const respond = ahead?.respond ?? passing(upstream.respond, timings);
    const wayTo: Upstream['wayTo'] = async (origin, isPip) => {
      using _ = timings?.begin('connect', null);
      return await whileWaiting(timings, upstream.wayTo(origin, isPip));
    };
    const proxy = await openProxy({ authority, respond, wayTo, timings });
    const shut = async () => {
      await Promise.all([proxy.close(), removeFolder(folder)]);
    };
    const close = async () => {
      await Promise.all([shut(), ahead?.close()]);
      await upstream.close();
    };
    const variables = {
      ...(rules.isOffline ? { PIP_RETRIES: '1' } : {}),
      ...proxyVariables(environment, rules.version, proxy.url),
      PIP_PROXY: proxy.url,
      PIP_CERT: bundle,
      REQUESTS_CA_BUNDLE: bundle,
      CURL_CA_BUNDLE: bundle,
    };
    return { variables, lost: lost.signal, ahead, shut, close };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

const offline = 'pip-accel was told to use no network (--offline)';

const nowhere: OpenUpstream = {
  respond: () => Promise.reject(new GatewayFault(offline)),
  wayTo: () => Promise.resolve({ kind: 'unreachable', cause: offline }),
  ready: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

interface OpenUpstream extends Upstream {
  readonly ready: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Milliseconds after which what goes to the network is loaded, and goes there: pip has been started
 * by then, which is not to wait for it. The executable has it loaded in ten.
 */
export const headStart = process.versions['bun'] === undefined ? 30 : 2;

/** The way upstream, loaded while pip starts: that takes Node 20 70 ms, and pip some 300. */
function openLazily(
  { options, environment, timings }: GatewayRules,
  onUnreachable: () => Promise<void>,
): OpenUpstream {
  let opening: ReturnType<typeof load> | null = null;
  const load = async () => {
    using _ = timings?.begin('prepare', null);
    const { openTransport } = await import('../../obtain/cold/transport.ts');
    const { openUpstream } = await import('./upstream.ts');
    const transport = await openTransport(options, environment);
    return { transport, upstream: openUpstream(transport, onUnreachable) };
  };
  const open = () => (opening ??= load());
  // Who asks first hears of its failure.
  const ready = async () => void (await open().catch(() => {}));
  const timer = setTimeout(() => void ready(), headStart);
  return {
    respond: async (request) => await (await open()).upstream.respond(request),
    wayTo: async (origin, isPip) => await (await open()).upstream.wayTo(origin, isPip),
    ready,
    close: async () => {
      clearTimeout(timer);
      const opened = await opening?.catch(() => null);
      await opened?.transport.close();
    },
  };
}

const proxyNames = ['http_proxy', 'https_proxy', 'all_proxy'].flatMap((name) => [
  name,
  name.toUpperCase(),
]);

/** Before 24.2 pip obeys these rather than what it is told by an option of its own (`requests` issue 2018). */
function proxyVariables(environment: Environment, version: string, url: string): Environment {
  if (atLeast(version, 24, 2)) return {};
  return Object.fromEntries(
    proxyNames.flatMap((name) => (environment[name] ? [[name, url] as const] : [])),
  );
}
