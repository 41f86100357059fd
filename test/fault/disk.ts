import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const formats = {
  ext4: ['mkfs.ext4', '-q', '-m', '0'],
  xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'],
  btrfs: ['mkfs.btrfs', '-q'],
} as const;

/** A file system in a file, whose power can be cut. */
export class Disk {
  readonly folder: string;
  readonly #image: string;
  readonly #kept: string;

  constructor(root: string, format: keyof typeof formats) {
    this.folder = join(root, 'disk');
    this.#image = join(root, 'disk.img');
    this.#kept = join(root, 'disk.kept');
    mkdirSync(this.folder);
    // XFS is made in no less than 300 MB.
    execFileSync('truncate', ['-s', '320M', this.#image]);
    const [command, ...words] = formats[format];
    execFileSync(command, [...words, this.#image]);
    this.mount();
  }

  mount(): void {
    execFileSync('mount', ['-o', 'loop', this.#image, this.folder]);
  }

  unmount(): void {
    execFileSync('umount', [this.folder]);
  }

  /** Remembers what is on it. */
  keep(): void {
    this.unmount();
    copyFileSync(this.#image, this.#kept);
    this.mount();
  }

  restore(): void {
    this.unmount();
    copyFileSync(this.#kept, this.#image);
    this.mount();
  }

  /**
   * What was not written yet is lost: a shutdown without a flush of the journal (`fs/ext4/ext4.h`:
   * `EXT4_IOC_SHUTDOWN`; `fs/xfs/libxfs/xfs_fs.h`: `XFS_IOC_GOINGDOWN`; one number).
   */
  cut(): void {
    const shutdown =
      'import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))';
    execFileSync('python3', ['-c', shutdown, this.folder]);
    this.unmount();
    this.mount();
  }
}
