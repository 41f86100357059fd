import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import type { ContestantId, Form } from './contestants.ts';
import {
  addFillers,
  countedWork,
  countFresh,
  countNoop,
  growthSizes,
  hasStrace,
} from './growth.ts';
import { describeMachine, fileSystemOf, indexOfPip } from './machine.ts';
import { type Entrant, median, race, Stopwatch } from './measure.ts';
import type { FileSystem, Options } from './options.ts';
import { ownVolume } from './own-mounts.ts';
import { Place } from './place.ts';
import { Relay } from './relay.ts';
import type { CallCount, Result, Results, Scenario } from './results.ts';
import { type Field, setScenarios } from './scenarios.ts';
import { filesEach, generatedSet, readSet } from './sets.ts';
import { cold, coldOnes, editable } from './single.ts';
import { type Indexes, Site } from './site.ts';

const repository = dirname(import.meta.dirname);
const volumes: Readonly<Record<FileSystem, string>> = {
  tmpfs: '/dev/shm',
  disk: join(repository, '.tmp'),
};

/** What belongs to one volume while it is measured. */
interface Course {
  readonly options: Options;
  readonly forms: readonly Form[];
  readonly place: Place;
  readonly filesystem: string;
  readonly indexes: Indexes;
  readonly stopwatch: Stopwatch;
  readonly field: Field;
  readonly results: Result[];
  readonly calls: CallCount[];
  readonly notes: string[];
}

/**
 * Measures all that the options ask for, on one volume after the other.
 *
 * @param keep is told after each set what there is by then: half an hour is long.
 */
export async function measure(
  options: Options,
  forms: readonly Form[],
  keep: (results: Results) => void,
): Promise<Results> {
  const parts: Course[] = [];
  let machine: Results['machine'] = {};
  const gathered = () => gather(parts, { options, forms, machine });
  for (const name of options.filesystems) {
    await onVolume(name, { options, forms }, async (course) => {
      if (parts.length === 0) machine = await describeMachine(course.place, forms);
      const isFirst = parts.push(course) === 1;
      await measureSets(course, isFirst ? null : ['warm', 'noop'], () => keep(gathered()));
      if (!isFirst) return;
      await measureSingle(course);
      keep(gathered());
      await measureGrowth(course);
    });
  }
  return gathered();
}

function gather(
  parts: readonly Course[],
  {
    options,
    forms,
    machine,
  }: Pick<Course, 'options' | 'forms'> & { readonly machine: Results['machine'] },
): Results {
  return {
    machine: {
      ...machine,
      'load average at the end': loadavg()
        .map((load) => load.toFixed(1))
        .join(', '),
    },
    rounds: options.rounds,
    results: parts.flatMap(({ results }) => results),
    calls: parts.flatMap(({ calls }) => calls),
    notes: [
      ...(forms.includes('standalone')
        ? []
        : ['The standalone executable is left out: it was not built.']),
      ...parts.flatMap(({ notes }) => notes),
    ],
  };
}

async function onVolume(
  name: FileSystem,
  { options, forms }: Pick<Course, 'options' | 'forms'>,
  work: (course: Course) => Promise<void>,
): Promise<void> {
  const memory = name === 'tmpfs' ? ownVolume(volumes.tmpfs) : null;
  const elsewhere = memory ?? folderOn(volumes[name === 'tmpfs' ? 'disk' : 'tmpfs']);
  const removeElsewhere = () => {
    if (memory) spawnSync('umount', [memory]);
    rmSync(elsewhere, { recursive: true, force: true });
  };
  try {
    using place = await Place.make(volumes[name]);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        removeElsewhere();
        place[Symbol.dispose]();
        process.exit(1);
      });
    }
    const wheels = join(place.folder, 'wheels');
    const upstream = await indexOfPip(place);
    using relay = await Relay.start(upstream, wheels);
    using stopwatch = new Stopwatch(place.python, place.folder);
    const peers: ContestantId[] = ['uv', 'uv-compile', 'uv-copy', 'uv-online', 'cp'];
    if (options.withPip) peers.push('pip');
    await work({
      options,
      forms,
      place,
      filesystem: await fileSystemOf(place, place.folder),
      indexes: { relay, upstream },
      stopwatch,
      field: { forms, peers, elsewhere },
      results: [],
      calls: [],
      notes:
        name === 'tmpfs' && !memory ? ['The other volume that files are copied to is a disk.'] : [],
    });
  } finally {
    removeElsewhere();
  }
}

function folderOn(volume: string): string {
  mkdirSync(volume, { recursive: true });
  return mkdtempSync(join(volume, 'pip-accel-bench-'));
}

/** @param only scenarios for which pip is left out; null for all, with pip. */
async function measureSets(
  course: Course,
  only: readonly Scenario[] | null,
  afterEach: () => void,
): Promise<void> {
  const { field, options, place } = course;
  const asked = (Object.keys(setScenarios) as (keyof typeof setScenarios)[]).filter(
    (scenario) => options.scenarios.includes(scenario) && (only?.includes(scenario) ?? true),
  );
  if (asked.length === 0) return;
  const peers = only ? field.peers.filter((id) => id !== 'pip') : field.peers;
  const ageing = asked.includes('online') ? await fetchPages(course) : [];
  for (const size of options.sizes) {
    const set = readSet(size);
    if (set.kind === 'generated') await generate(course, 'gen', { count: size, files: filesEach });
    const site = new Site(place, set, course.indexes);
    say(course, `${size} distributions: filling caches`);
    await site.fillCaches([...course.forms, 'pip', 'uv']);
    for (const scenario of asked.filter((name) => name !== 'online')) {
      const entrants = await setScenarios[scenario](site, { ...field, peers });
      await record(course, entrants, { scenario, size });
    }
    if (options.scenarios.includes('calls') && !only) await countOnSet(course, site);
    site.dispose();
    afterEach();
  }
  for (const { site, fetched } of ageing) {
    await site.fillCaches(course.forms);
    await site.waitForOldPages(fetched);
    const entrants = await setScenarios.online(site, field);
    await record(course, entrants, { scenario: 'online', size: site.set.size });
    site.dispose();
    afterEach();
  }
}

interface Ageing {
  readonly site: Site;
  /** Milliseconds since 1970. */
  readonly fetched: number;
}

/** Sites of which uv has the pages: these become out of date while everything else is measured. */
async function fetchPages({ options, place, indexes }: Course): Promise<readonly Ageing[]> {
  const ageing: Ageing[] = [];
  for (const set of options.sizes.map(readSet).filter(({ kind }) => kind === 'pypi')) {
    const site = new Site(place, set, indexes);
    await site.fillCaches(['uv']);
    ageing.push({ site, fetched: Date.now() });
  }
  return ageing;
}

async function countOnSet(course: Course, site: Site): Promise<void> {
  if (!(await hasStrace(course.place))) return;
  const what = 'fresh environment, all known';
  const contestants = [...course.forms, 'uv', 'uv-compile'] as const;
  for (const id of contestants) course.calls.push(await countFresh(id, site, what));
  for (const id of [...course.forms, 'uv'] as const) {
    course.calls.push(await countNoop(id, site, 'nothing to do'));
  }
}

/** What is installed by itself, without a set. */
async function measureSingle(course: Course): Promise<void> {
  const { field, forms, indexes, options, place } = course;
  const ids = [...forms, ...(field.peers.includes('pip') ? (['pip'] as const) : [])];
  const set = { size: 1, title: '', lines: [], asked: [], kind: 'pypi' } as const;
  for (const scenario of ['cold-wheel', 'cold-sdist', 'editable'] as const) {
    if (!options.scenarios.includes(scenario)) continue;
    const site = new Site(place, set, indexes);
    const entrants = ids.map((id) =>
      scenario === 'editable' ? editable(id, site) : cold(coldOnes[scenario], id, site),
    );
    await record(course, entrants, { scenario, size: 1 });
    site.dispose();
  }
}

/** What one more distribution costs, in time and in system calls. */
async function measureGrowth(course: Course): Promise<void> {
  const { forms, indexes, options, place } = course;
  const isCounted = options.scenarios.includes('calls');
  if (!isCounted && !options.scenarios.includes('growth')) return;
  say(course, 'growth: filling caches');
  await generate(course, 'gen', { count: 500, files: filesEach });
  const largest = new Site(place, readSet(500), indexes);
  await largest.fillCaches(forms);
  const sites = growthSizes.map(
    (size) => new Site(place, generatedSet(size, 'gen'), indexes, largest.caches),
  );
  for (const site of sites) await site.fillCaches(forms);
  if (options.scenarios.includes('growth')) {
    for (const form of forms) {
      // Entrants of one race have to differ by name; here it is the size.
      const entrants = sites.map((site) => ({
        ...site.fresh(form, { path: 'new' }),
        id: String(site.set.size),
      }));
      say(course, `growth, ${form}`);
      const rounds = 3 * options.rounds;
      const samples = await race(entrants, { rounds, stopwatch: course.stopwatch });
      for (const [size, list] of samples) {
        const key = { filesystem: course.filesystem, scenario: 'growth' as const };
        course.results.push({ ...key, size: Number(size), contestant: form, samples: list });
      }
    }
  }
  if (isCounted) await countGrowth(course, sites);
}

async function countGrowth(course: Course, sites: readonly Site[]): Promise<void> {
  const { forms, indexes, notes, place } = course;
  if (!(await hasStrace(place))) {
    notes.push('System calls are left out: there is no strace, or it may not trace.');
    return;
  }
  await generate(course, 'many', { count: 100, files: 10 * filesEach });
  await generate(course, 'tiny', { count: 1, files: 5 });
  const many = new Site(place, generatedSet(100, 'many'), indexes);
  const tiny = new Site(place, generatedSet(1, 'tiny'), indexes, sites[0]?.caches);
  await many.fillCaches(forms);
  const small = sites.find(({ set }) => set.size === 100);
  for (const form of forms) {
    const count = async (site: Site, what: string) =>
      course.calls.push(await countFresh(form, site, what));
    for (const site of sites) await count(site, countedWork.fresh);
    for (const site of small ? [small, many] : []) {
      const what = site === many ? countedWork.noopMany : countedWork.noop;
      course.calls.push(await countNoop(form, site, what));
    }
    await tiny.fillCaches([form]);
    await addFillers(form, tiny);
    if (small) await count(small, countedWork.filled);
  }
}

async function record(
  course: Course,
  entrants: readonly Entrant[],
  { scenario, size }: Pick<Result, 'scenario' | 'size'>,
): Promise<void> {
  if (entrants.length === 0) return;
  say(course, `${size} distributions: ${scenario}`);
  const { filesystem, options, results, stopwatch } = course;
  const samples = await race(entrants, { rounds: options.rounds, stopwatch });
  for (const [contestant, list] of samples) {
    results.push({ filesystem, scenario, size, contestant, samples: list });
    const times = list.map(({ milliseconds }) => milliseconds);
    console.log(`  ${contestant.padEnd(24)} ${median(times).toFixed(1).padStart(9)} ms`);
  }
}

async function generate(
  { place }: Course,
  prefix: string,
  { count, files }: { readonly count: number; readonly files: number },
): Promise<void> {
  const script = join(import.meta.dirname, 'generate_wheels.py');
  const folder = join(place.folder, 'wheels');
  await place.say([place.python, script, folder, prefix, String(count), String(files)]);
}

function say({ filesystem }: Course, text: string): void {
  console.log(`[${filesystem}] ${text}`);
}
