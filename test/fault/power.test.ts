import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Fixtures } from '../cli/fixtures.ts';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { differences, type Tree } from '../install/site.ts';
import { countKinds, Faults, type Point, type Run, samplePoints } from './faults.ts';
import { faultsOf, leftoversOf } from './wholeness.ts';

/** A file system in a file, whose power can be cut. */
class Disk {
  readonly folder: string;
  readonly #image: string;
  readonly #kept: string;

  constructor(root: string) {
    this.folder = join(root, 'disk');
    this.#image = join(root, 'disk.img');
    this.#kept = join(root, 'disk.kept');
    mkdirSync(this.folder);
    execFileSync('truncate', ['-s', '256M', this.#image]);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', this.#image]);
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

  /** What was not written yet is lost: `EXT4_IOC_SHUTDOWN` without a flush of the journal (`fs/ext4/ext4.h`). */
  cut(): void {
    const shutdown =
      'import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))';
    execFileSync('python3', ['-c', shutdown, this.folder]);
    this.unmount();
    this.mount();
  }
}

let fixtures: Fixtures;
let sandbox: Sandbox;
let disk: Disk;
let faults: Faults;
let cache: string;
let run: Run;
beforeAll(() => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  disk = new Disk(sandbox.root);
  cache = join(disk.folder, 'cache');
  faults = new Faults([cache]);
  const environment = { ...sandbox.environment, PIP_ACCEL_CACHE: cache };
  const words = [executable, 'install', '--find-links', fixtures.index] as const;
  // What a build needs is there.
  sandbox.run([...words, 'fx-data'], { environment });
  sandbox.run([join(sandbox.venv, 'bin', 'pip'), 'uninstall', '-qy', 'fx-data']);
  sandbox.keepEnvironment();
  disk.keep();
  run = {
    command: [...words, 'fx-own-a==1.0', 'fx-src-layout==1.0'],
    environment,
    cwd: sandbox.root,
  };
});
afterAll(() => {
  disk.unmount();
  faults[Symbol.dispose]();
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});
beforeEach(startOver);

function startOver(): void {
  disk.restore();
  sandbox.resetEnvironment();
}

/** All but what can be made again, and is published without a flush. */
function durable(): string[] {
  return ['sources', 'binaries', 'decisions', 'scripts'].flatMap((folder) =>
    readdirSync(join(cache, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .sort(),
  );
}

/** Images are not flushed; what becomes of torn ones is shown elsewhere. */
function withoutImages(): string[] {
  rmSync(join(cache, 'images'), { recursive: true, force: true });
  for (const folder of ['releases', 'metadata']) {
    rmSync(join(cache, folder), { recursive: true, force: true });
  }
  return faultsOf(cache);
}

async function harmOf(tree: Tree): Promise<string[]> {
  const broken = withoutImages();
  sandbox.resetEnvironment();
  const { exitCode, stderr } = await faults.record(run);
  return [
    ...broken,
    ...(exitCode === 0 && stderr === '' ? [] : [`exit code ${exitCode}: ${stderr}`]),
    ...differences(sandbox.snapshot(), tree),
    ...faultsOf(cache),
    ...leftoversOf(cache),
  ];
}

test('what an installation published outlives a power cut after it', async () => {
  const { exitCode } = await faults.record(run);
  expect(exitCode).toBe(0);
  const tree = sandbox.snapshot();
  const before = durable();
  expect(before.filter((name) => /fx[-_](own|src)/.test(name))).toHaveLength(6);
  disk.cut();
  expect(durable()).toEqual(before);
  expect(await harmOf(tree)).toEqual([]);
});

test('a power cut at any change leaves the data directory whole, and the next run finishes', async () => {
  const { points } = await faults.record(run);
  const tree = sandbox.snapshot();
  const published = points.filter(({ call, path }) => call !== 'link' && !path.includes('-build/'));
  const tried: Point[] = [];
  const failures: Record<string, readonly string[]> = {};
  for (const ordinal of samplePoints(published, 6, 100)) {
    startOver();
    const { hit } = await faults.killAt(ordinal, run);
    disk.cut();
    if (hit === null) continue;
    tried.push(hit);
    const harm = await harmOf(tree);
    if (harm.length > 0) failures[`${hit.ordinal} ${hit.call} ${hit.path}`] = harm;
  }
  console.log(
    `${tried.length} of ${published.length} points: ${JSON.stringify(countKinds(tried))}`,
  );
  expect(failures).toEqual({});
  expect(tried.length).toBeGreaterThan(3);
});
