import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Fixtures } from '../cli/fixtures.ts';
import { executable, Sandbox } from '../cli/sandbox.ts';
import { differences, type Tree } from '../install/site.ts';
import { Disk } from './disk.ts';
import { countKinds, Faults, type Point, type Run, samplePoints } from './faults.ts';
import { faultsOf, leftoversOf } from './wholeness.ts';

let fixtures: Fixtures;
let sandbox: Sandbox;
let disk: Disk;
let faults: Faults;
let cache: string;
let run: Run;
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

describe.each(['ext4', 'xfs'] as const)('%s', (format) => {
  beforeAll(() => {
    fixtures = new Fixtures();
    sandbox = new Sandbox();
    disk = new Disk(sandbox.root, format);
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
    const published = points.filter(
      ({ call, path }) => call !== 'link' && !path.includes('-build/'),
    );
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
});
