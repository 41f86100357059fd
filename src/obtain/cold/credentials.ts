import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';
import { hasErrno } from '../../core/errors.ts';

/**
 * The value of an Authorization header for a URL: out of the URL of an index of the same origin,
 * else out of `.netrc` (`pip/_internal/network/auth.py`); null where none is known.
 */
export async function readCredentials(
  options: PipOptions,
  environment: Environment,
): Promise<(url: URL) => string | null> {
  const netrc = await readNetrc(environment);
  const configured = [
    options.value('index-url') ?? '',
    ...options.values('extra-index-url').flatMap((value) => value.split(/\s+/)),
    ...options.values('find-links'),
  ].flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []));
  return (url) => {
    const named = configured.find(
      ({ origin, username }) => origin === url.origin && username !== '',
    );
    if (named) return basicOf(named);
    const entry = netrc.get(url.hostname) ?? netrc.get('');
    return entry ? basic(entry.login, entry.password) : null;
  };
}

/** The credentials that a URL holds, as Basic authentication (RFC 7617). */
export function basicOf({ username, password }: URL): string {
  return basic(decodeURIComponent(username), decodeURIComponent(password));
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

type Netrc = ReadonlyMap<string, { readonly login: string; readonly password: string }>;
async function readNetrc(environment: Environment): Promise<Netrc> {
  const path = environment['NETRC'] || join(environment['HOME'] || homedir(), '.netrc');
  try {
    return parseNetrc(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return new Map();
    throw error;
  }
}

/** The `machine`, `default`, `login`, `account` and `password` words of a .netrc; macros are passed over. */
export function parseNetrc(text: string): Netrc {
  const entries = new Map<string, { login: string; password: string }>();
  const words = text
    .replaceAll(/^macdef[\s\S]*?(\n\n|$(?![\s\S]))/gm, '')
    .replaceAll(/(^|\s)#.*$/gm, '')
    .split(/\s+/);
  let current: { login: string; password: string } | null = null;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index];
    const value = words[index + 1] ?? '';
    if (word === 'default') entries.set('', (current = { login: '', password: '' }));
    else if (word === 'machine') {
      entries.set(value, (current = { login: '', password: '' }));
      index += 1;
    } else if (current && (word === 'login' || word === 'password')) {
      current[word] = value;
      index += 1;
    }
  }
  return entries;
}
