import { readdirSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import { openStore } from '../src/store/layout.ts';
import { installation, type Tool } from './contestants.ts';
import type { Place } from './place.ts';
import type { CallCount } from './results.ts';
import type { Site } from './site.ts';

/** Sizes of the sets whose differences are compared: from 50 to 100, from 450 to 500. */
export const growthSizes = [50, 100, 450, 500] as const;

/** What is done while system calls are counted. */
export const countedWork = {
  fresh: 'generated, 20 files each',
  filled: 'the same, 10,000 further images in the store',
  noop: 'nothing to do, 20 files each',
  noopMany: 'nothing to do, 200 files each',
} as const;

/** Images in the store that no installation has a use for. */
const fillers = 10_000;

/** Whether there is one that may trace. */
export async function hasStrace(place: Place): Promise<boolean> {
  return await place.say(['strace', '-qq', '-o', place.newPath('strace'), 'true']).then(
    () => true,
    () => false,
  );
}

/** Counts the system calls of an installation into a fresh environment. */
export async function countFresh(id: Tool, site: Site, what: string): Promise<CallCount> {
  const environment = site.place.newPath('env');
  await site.place.makeFresh(environment);
  const count = await countCalls(id, what, { site, environment });
  site.expectInstalled(environment);
  await site.place.say(['rm', '-rf', environment]);
  return count;
}

/** Counts those of the same again, after one that is not counted. */
export async function countNoop(id: Tool, site: Site, what: string): Promise<CallCount> {
  const environment = site.place.newPath('env');
  await site.place.makeFresh(environment);
  await site.carryOut(id, site.words, environment);
  await site.carryOut(id, site.words, environment);
  const count = await countCalls(id, what, { site, environment });
  await site.place.say(['rm', '-rf', environment]);
  return count;
}

/** Fills the store with further images: one of its own under other names, by links. */
export async function addFillers(id: Tool, site: Site): Promise<void> {
  const { images } = openStore(site.cache(id));
  const [model = ''] = readdirSync(images);
  const suffix = model.slice(64);
  const script = [
    'import os, shutil, sys',
    'images, model, suffix, count = sys.argv[1:]',
    'for number in range(int(count)):',
    '    target = os.path.join(images, f"{number:064x}{suffix}")',
    '    shutil.copytree(os.path.join(images, model), target, copy_function=os.link)',
  ].join('\n');
  await site.place.say([site.place.python, '-c', script, images, model, suffix, String(fillers)]);
}

async function countCalls(
  id: Tool,
  what: string,
  { site, environment }: { readonly site: Site; readonly environment: string },
): Promise<CallCount> {
  const { argv, variables, cwd } = installation(id, site.words, { environment, site });
  const output = site.place.newPath('strace');
  const words = ['-f', '-qq', '-c', '-U', 'calls,name', '-o', output, '--', ...argv];
  await execa('strace', words, { cwd, env: variables, extendEnv: false, stdin: 'ignore' });
  const calls = parseCounts(readFileSync(output, 'utf8'));
  return { what, contestant: id, distributions: site.set.size, calls };
}

function parseCounts(table: string): Readonly<Record<string, number>> {
  const rows = [...table.matchAll(/^ *(\d+) ([a-z]\w+) *$/gm)];
  const counts = rows.map(([, count, name]) => [name ?? '', Number(count)] as const);
  return Object.fromEntries(counts.filter(([name]) => name !== 'total'));
}
