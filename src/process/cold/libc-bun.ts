import { dlopen, ptr, read } from 'bun:ffi';
import type { Libc } from '../libc.ts';

const setDescriptorFlags = 2; // F_SETFD

/** @throws where there is no glibc. */
export function libc(): Libc {
  const { symbols } = dlopen('libc.so.6', {
    fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    execve: { args: ['ptr', 'ptr', 'ptr'], returns: 'i32' },
    flock: { args: ['i32', 'i32'], returns: 'i32' },
    __errno_location: { args: [], returns: 'ptr' },
  });
  return {
    keepOpen: (descriptor) => void symbols.fcntl(descriptor, setDescriptorFlags, 0),
    execve: (file, argv, variables) => {
      // Held until the call, which copies them.
      const held = [file, ...argv, ...variables].map((text) => Buffer.from(`${text}\0`));
      const [path = 0, ...addresses] = held.map((bytes) => ptr(bytes));
      const words = pointers(addresses.slice(0, argv.length));
      const environment = pointers(addresses.slice(argv.length));
      symbols.execve(path, ptr(words), ptr(environment));
    },
    flock: (descriptor, operation) =>
      symbols.flock(descriptor, operation) === 0 ? 0 : read.i32(symbols.__errno_location()),
  };
}

/** A C array of them, ended by a null pointer. */
function pointers(addresses: readonly number[]): BigUint64Array {
  return BigUint64Array.from([...addresses, 0], BigInt);
}
