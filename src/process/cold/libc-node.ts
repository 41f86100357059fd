import koffi from 'koffi';
import type { Libc } from '../libc.ts';

const setDescriptorFlags = 2; // F_SETFD

export function libc(): Libc {
  const library = koffi.load(null);
  const fcntl = library.func('int fcntl(int, int, ...)');
  const execve = library.func('int execve(const char *, const char **, const char **)');
  const flock = library.func('int flock(int, int)');
  return {
    keepOpen: (descriptor) => void fcntl(descriptor, setDescriptorFlags, 'int', 0),
    execve: (file, argv, variables) => void execve(file, [...argv, null], [...variables, null]),
    flock: (descriptor, operation) => (flock(descriptor, operation) === 0 ? 0 : koffi.errno()),
  };
}
