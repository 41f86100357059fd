import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { getuid } from 'node:process';
import { hasErrno } from '../../core/errors.ts';

/** Who may use a proxy of this process: whoever was given its password. */
export interface Admission {
  /** `user:password`, as a URL has it. */
  readonly credentials: string;
  /** @param header of the field Proxy-Authorization, where there is one. */
  readonly admits: (header: string | undefined) => boolean;
}

export function createAdmission(): Admission {
  const credentials = `pip:${randomBytes(24).toString('hex')}`;
  const expected = Buffer.from(`Basic ${Buffer.from(credentials).toString('base64')}`);
  return {
    credentials,
    admits: (header = '') => {
      const given = Buffer.from(header);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/**
 * Whether a connection on loopback comes from a process of another user. The password alone would
 * not do: pip hands it to the pips of its build environments as an argument, which all users can
 * read. Linux only; where nothing tells, the answer is no.
 */
export function isForeign({ remotePort, localPort }: Socket): boolean {
  const user = getuid?.();
  const port = (number = 0) => `:${number.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readTable().find(([, local = '', remote = '']) => {
    const isLoopback = local.slice(0, 8) === remote.slice(0, 8);
    return isLoopback && local.endsWith(port(remotePort)) && remote.endsWith(port(localPort));
  });
  return line !== undefined && user !== undefined && line[7] !== String(user);
}

/** Words of the lines of `/proc/net/tcp`: number, local and remote address, …, user as the eighth. */
function readTable(): readonly (readonly string[])[] {
  try {
    const text = readFileSync('/proc/net/tcp', 'latin1');
    return text.split('\n').map((line) => line.trim().split(/\s+/));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  }
}
