import { createRequire } from 'node:module';
import type { Libc } from '../libc.ts';

const setDescriptorFlags = 2; // F_SETFD

/** @throws where koffi has no prebuilt library for this platform. */
export function libc(): Libc {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const library = koffi.load(null);
  const fcntl = library.func('int fcntl(int, int, ...)');
  const execve = library.func('int execve(const char *, const char **, const char **)');
  return {
    keepOpen: (descriptor) => void fcntl(descriptor, setDescriptorFlags, 'int', 0),
    execve: (file, argv, variables) => void execve(file, [...argv, null], [...variables, null]),
  };
}
