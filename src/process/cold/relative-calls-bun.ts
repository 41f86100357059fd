import { dlopen, ptr } from 'bun:ffi';
import type { RelativeCalls } from '../relative-calls.ts';

const doNotFollow = 0x100; // AT_SYMLINK_NOFOLLOW
const basicFields = 0x7ff; // STATX_BASIC_STATS
/** Bytes of `struct statx` (`linux/stat.h`), which is the same on all machines. */
const statusLength = 256;
/** In units of 32 bits; of 64 bits the lower half comes first on the machines that Bun runs on. */
const at = { uid: 5, mode: 7, size: 10, seconds: 28, nanoseconds: 30 };
const high = 2 ** 32;

/** @throws where there is no glibc. */
export function relativeCalls(): RelativeCalls {
  const { linkat, statx } = dlopen('libc.so.6', {
    linkat: { args: ['i32', 'ptr', 'i32', 'ptr', 'i32'], returns: 'i32' },
    statx: { args: ['i32', 'ptr', 'i32', 'i32', 'ptr'], returns: 'i32' },
  }).symbols;
  const paths = new CPaths();
  const status = new Uint32Array(statusLength / 4);
  const statusAddress = ptr(status);
  return {
    link: ({ from, to }, folder, names) => {
      const failed: string[] = [];
      let path = paths.write(folder, names);
      for (const name of names) {
        if (linkat(from, path, to, path, 0) !== 0) failed.push(name);
        path += paths.length(name);
      }
      return failed;
    },
    changed: (root, { folder, names }, { sizes, modes, mtime, uid }) => {
      const changed: number[] = [];
      let path = paths.write(folder, names);
      const [seconds, above] = [mtime >>> 0, Math.floor(mtime / high) >>> 0];
      // Counted by hand: this runs for every file, and mostly before it is compiled.
      for (let place = 0; place < names.length; place += 1) {
        const isSame =
          statx(root, path, doNotFollow, basicFields, statusAddress) === 0 &&
          (status[at.size] ?? 0) + (status[at.size + 1] ?? 0) * high === sizes[place] &&
          status[at.seconds] === seconds &&
          status[at.seconds + 1] === above &&
          status[at.nanoseconds] === 0 &&
          ((status[at.mode] ?? 0) & 0xffff) === modes[place] &&
          status[at.uid] === uid;
        if (!isSame) changed.push(place);
        path += paths.length(names[place] ?? '');
      }
      return changed;
    },
  };
}

/** Paths as C has them, one after the other. */
class CPaths {
  #bytes = Buffer.alloc(2 ** 16);
  /** Of what stands before each name, in bytes; with the end after it. */
  #around = 0;
  #isAscii = true;

  /** Writes the paths of a folder's files; tells the address of the first, until the next are written. */
  write(folder: string, names: readonly string[]): number {
    const before = folder === '' ? '' : `${folder}/`;
    const text = `${before}${names.join(`\0${before}`)}\0`;
    const most = text.length * 3;
    if (most > this.#bytes.length) this.#bytes = Buffer.alloc(most);
    this.#isAscii = this.#bytes.write(text) === text.length;
    this.#around = (this.#isAscii ? before.length : Buffer.byteLength(before)) + 1;
    return ptr(this.#bytes);
  }

  /** How many bytes after the path of a name the next one begins. */
  length(name: string): number {
    return this.#around + (this.#isAscii ? name.length : Buffer.byteLength(name));
  }
}
