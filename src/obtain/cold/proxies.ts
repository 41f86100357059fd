import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';

/**
 * The user's proxy for a URL, null where there is none: `--proxy`, `PIP_PROXY` or pip.conf for
 * every URL, else the variables of its scheme, but for what `NO_PROXY` names (`requests.utils`).
 */
export function proxyRules(
  options: PipOptions,
  environment: Environment,
): (url: URL) => URL | null {
  const read = (name: string) => environment[name] || environment[name.toUpperCase()] || '';
  const own = options.value('proxy');
  if (own) return () => proxyUrl(own);
  if (own === '' || options.flag('no-proxy-env')) return () => null;
  const excepted = read('no_proxy')
    .split(',')
    .flatMap((word) => word.trim() || []);
  return (url) => {
    const named = read(`${url.protocol.slice(0, -1)}_proxy`) || read('all_proxy');
    return named === '' || isExcepted(url, excepted) ? null : proxyUrl(named);
  };
}

/** Whether a proxy is one that pip itself needs another package for. */
export function isSocks(proxy: URL | null): boolean {
  return proxy !== null && !/^https?:$/.test(proxy.protocol);
}

/** @throws TypeError where it is no URL. */
function proxyUrl(text: string): URL {
  return new URL(text.includes('://') ? text : `http://${text}`);
}

function isExcepted({ hostname, host }: URL, names: readonly string[]): boolean {
  if (names.length === 1 && names[0] === '*') return true;
  const address = ipv4(hostname);
  if (address !== null) {
    return names.some((name) => name === hostname || isInNetwork(address, name));
  }
  return names.some((name) => {
    const suffix = name.toLowerCase();
    return hostname.endsWith(suffix) || host.endsWith(suffix) || `.${hostname}` === suffix;
  });
}

/** `192.168.0.0/16`. */
function isInNetwork(address: number, network: string): boolean {
  const [start = '', bits = ''] = network.split('/');
  const first = ipv4(start);
  if (first === null || !/^(?:[1-9]|[12]\d|3[0-2])$/.test(bits)) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(address / size) === Math.floor(first / size);
}

function ipv4(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
