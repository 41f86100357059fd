import { constants, copyFileSync, linkSync, lutimesSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasErrno } from '../core/errors.ts';

export type LinkMode = 'auto' | 'clone' | 'hardlink' | 'copy';
type Method = Exclude<LinkMode, 'auto'>;

/** Another kind of link may do: the file system or the kernel refuses this one. */
const refusals = [
  'EXDEV',
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'ENOTTY',
  'EINVAL',
];

const reasons: Readonly<Record<string, string>> = {
  EXDEV: 'they are on different volumes',
  EPERM: 'the kernel refuses links to files of another user (fs.protected_hardlinks)',
  EACCES: 'the kernel refuses links to files of another user (fs.protected_hardlinks)',
};

/**
 * Puts files of images into place. What works is found with the first file for each pair of
 * volumes, cheapest in space first: clone, hardlink, copy.
 */
export class Linker {
  readonly #mode: LinkMode;
  readonly #methods = new Map<string, Method>();
  readonly #devices = new Map<string, number>();
  /** Why less than what was asked for is in use, a sentence for each pair of volumes. */
  readonly fallbacks: string[] = [];

  constructor(mode: LinkMode) {
    this.#mode = mode;
  }

  /** The way to put files of one folder into another; both exist. */
  between(source: string, target: string): LinkFile {
    const pair = this.#pair(source, target);
    let method = this.#methodOf(pair);
    return (from, to, mtime) => {
      for (;;) {
        try {
          methods[method](from, to, mtime);
          return;
        } catch (error) {
          const next = this.#nextMethod(error, method, { from, to });
          if (next === null) throw error;
          if (next === 'copy this one') {
            methods.copy(from, to, mtime);
            return;
          }
          method = next;
          this.#methods.set(pair, method);
        }
      }
    };
  }

  /** True where files of one folder get into the other as hard links, as far as is known by now. */
  links(source: string, target: string): boolean {
    return this.#methodOf(this.#pair(source, target)) === 'hardlink';
  }

  #methodOf(pair: string): Method {
    return this.#methods.get(pair) ?? (this.#mode === 'auto' ? 'clone' : this.#mode);
  }

  #pair(source: string, target: string): string {
    return `${this.#device(source)}:${this.#device(target)}`;
  }

  #nextMethod(
    error: unknown,
    method: Method,
    { from, to }: { from: string; to: string },
  ): Method | 'copy this one' | null {
    // A file with as many links as its file system allows (65,000 on ext4) says nothing of the others.
    if (method === 'hardlink' && hasErrno(error, 'EMLINK')) return 'copy this one';
    if (method === 'copy' || !hasErrno(error, ...refusals)) return null;
    const next = method === 'clone' && this.#mode === 'auto' ? 'hardlink' : 'copy';
    // That a file system cannot clone is the rule, not worth a word.
    if (this.#mode === 'clone' || method === 'hardlink') {
      this.fallbacks.push(fallbackSentence(error, method, { from, to }));
    }
    return next;
  }

  #device(folder: string): number {
    const known = this.#devices.get(folder);
    if (known !== undefined) return known;
    const { dev } = statSync(folder);
    this.#devices.set(folder, dev);
    return dev;
  }
}

/** Links one file; fails with EEXIST where the target is there. */
export type LinkFile = (from: string, to: string, mtime: number) => void;

const methods: Record<Method, LinkFile> = {
  clone: (from, to, mtime) => {
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    lutimesSync(to, mtime, mtime);
  },
  hardlink: (from, to) => linkSync(from, to),
  // Bytecode is valid for a source of one mtime, which a copy would not keep.
  copy: (from, to, mtime) => {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    lutimesSync(to, mtime, mtime);
  },
};

function fallbackSentence(
  error: unknown,
  method: Method,
  { from, to }: { from: string; to: string },
): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const reason = method === 'hardlink' ? reasons[code] : undefined;
  return `Files are copied from ${dirname(from)} to ${dirname(to)}: ${method} failed with ${code}${reason ? `, as ${reason}` : ''}.`;
}
