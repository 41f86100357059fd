import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Environment } from '../config/load.ts';

const closeOnExec = 0o2000000;
const accessMode = 0o3;

/**
 * The numbers of all open descriptors; to be asked before anything is opened, for a closed pipe
 * of a child may stay open for a while. Linux only: elsewhere there is no such list, and only 0,
 * 1 and 2 are passed on.
 */
export function openDescriptors(): readonly number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number);
  } catch {
    return [];
  }
}

/**
 * The descriptors above 2 that this process was started with, which a program that takes its
 * place has to find open (`-r <(…)`, make's jobserver).
 *
 * Node (`uv_disable_stdio_inheritance`) and Bun mark what they inherit close-on-exec when they
 * start, so their own have to be told apart: they are event queues, and pipes of which they hold
 * both ends. So does whoever runs under make, but then MAKEFLAGS names the two.
 */
export function inheritedDescriptors(
  atStart: readonly number[],
  environment: Environment,
): readonly number[] {
  const open = atStart.filter((descriptor) => descriptor > 2).flatMap(describe);
  const ends = (target: string) =>
    new Set(open.filter((other) => other.target === target).map(({ flags }) => flags & accessMode));
  const jobserver = /--jobserver-(?:auth|fds)=(\d+),(\d+)/.exec(environment['MAKEFLAGS'] ?? '');
  const named = new Set(jobserver?.slice(1).map(Number));
  return open
    .filter(({ descriptor, target, flags }) => {
      if (named.has(descriptor) || (flags & closeOnExec) === 0) return true;
      if (target.startsWith('anon_inode:')) return false;
      return !target.startsWith('pipe:') || ends(target).size === 1;
    })
    .map(({ descriptor }) => descriptor);
}

interface OpenDescriptor {
  readonly descriptor: number;
  readonly target: string;
  readonly flags: number;
}

function describe(descriptor: number): readonly OpenDescriptor[] {
  try {
    const target = readlinkSync(`/proc/self/fd/${descriptor}`);
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8);
    return [{ descriptor, target, flags }];
  } catch {
    // The descriptor of the listing itself is gone by now.
    return [];
  }
}
