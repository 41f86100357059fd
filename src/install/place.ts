import { chmodSync, lstatSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Subject, Timings } from '../core/timings.ts';
import type { Interpreter } from '../core/types.ts';
import { umask } from '../process/umask.ts';
import { startLinking } from './crew.ts';
import type { InstallOptions, InstallStep } from './install.ts';
import type { Linker } from './link.ts';
import type { Publication } from './journal.ts';
import type { LinkOutcome, PlannedTree } from './link-trees.ts';
import type { PipBehaviour } from './pip-behaviour.ts';
import { changedScripts, planStep, type StepWork } from './plan-step.ts';
import { plannedFiles, survey } from './planned-trees.ts';
import { type Additions, composeRecord, readyRecord } from './record.ts';
import { type PathCheck, pathCheck } from './scripts.ts';
import type { Transaction } from './transaction.ts';

export interface PlaceContext {
  readonly interpreter: Interpreter;
  readonly options: InstallOptions;
  readonly transaction: Transaction;
  readonly linker: Linker;
  readonly behaviour: PipBehaviour;
  /** Told what is being done, for the message of a failure. */
  readonly onStep: (step: InstallStep) => void;
}

export interface Placed {
  /** pip's words about scripts that are not on PATH, a text for each distribution that has such. */
  readonly warnings: readonly string[];
  /** The dist-info folders, to be published. */
  readonly published: readonly Publication[];
}

/**
 * Puts modules, data and scripts in place, and prepares the dist-info folders. All of it is
 * planned before, for the journal. The trees are then linked by several threads in no order,
 * while this one writes what is the environment's own.
 */
export async function placeDistributions(
  steps: readonly InstallStep[],
  context: PlaceContext,
): Promise<Placed> {
  const { options, transaction, interpreter } = context;
  const folders = new Map<string, string>();
  const plan = {
    interpreter,
    behaviour: context.behaviour,
    compile: options.compile,
    staged: (root: 'purelib' | 'platlib', name: string) => transaction.staged(root, name),
  };
  const works = steps.map((step) => planStep(step, { ...plan, folders }));
  const modules = works.flatMap(({ linked }) => linked);
  const written = works.flatMap(({ own, commands }) => [
    ...own.map(({ path }) => path),
    ...commands.all.keys(),
  ]);
  const infos = works.map(({ publishedAt }) => publishedAt);
  const { fresh, present } = survey(modules, [...written, ...infos], options.compile);
  const published = works.map(({ step, staged, publishedAt: path }, at) => {
    const aside = present.delete(path) ? transaction.aside(step.image.manifest.root, at) : null;
    return { staged, path, aside };
  });
  present.forEach(refuseFolder);
  transaction.willPlace({ fresh: [...fresh], present: [...present], published });
  for (const folder of folders.values()) transaction.makeFolder(folder);
  for (const { info } of works) transaction.makeFolder(info.target);
  const trees = works.flatMap(({ linked, info }) => [...linked, info]);
  const { compile, linkMode: mode, timings } = options;
  const crew = await startLinking({ trees, compile, mode, isTimed: Boolean(timings) });
  const checkPath = pathCheck({ path: options.path, interpreter }, context.behaviour);
  let warnings: readonly (string | null)[] = [];
  let failure: unknown = null;
  const ended = new AbortController();
  options.signal?.addEventListener('abort', () => crew.stop(), { signal: ended.signal });
  timings?.enter(null);
  try {
    warnings = works.map((work) => placeOwn(work, { ...context, checkPath }));
  } catch (error) {
    failure = error;
    crew.stop();
  }
  const outcomes = await crew.finish();
  timings?.enter('place');
  ended.abort();
  if (failure) throw failure;
  options.signal?.throwIfAborted();
  const owners = works.flatMap(({ step, linked, info }) => [...linked, info].map(() => step));
  const onTree = (at: number): void => {
    const step = owners[at];
    if (step) context.onStep(step);
  };
  tellTime(outcomes, owners, timings);
  settle(outcomes, trees, { ...context, onTree });
  return { warnings: warnings.filter((warning) => warning !== null), published };
}

function tellTime(
  outcomes: readonly LinkOutcome[],
  owners: readonly InstallStep[],
  timings: Timings | null | undefined,
): void {
  for (const { tree, began, ended } of outcomes.flatMap(({ times }) => times)) {
    const owner = owners[tree];
    if (owner) timings?.add('link', subjectOf(owner), { began, ended });
  }
}

function subjectOf({ image: { manifest } }: InstallStep): Subject {
  return { name: manifest.key, version: manifest.version };
}

function refuseFolder(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
}

/** Where two trees name one path, or somebody was there meanwhile: the last step's file is it. */
function settle(
  outcomes: readonly LinkOutcome[],
  trees: readonly PlannedTree[],
  context: PlaceContext & { readonly onTree: (at: number) => void },
): void {
  const { options, transaction, linker, onTree } = context;
  for (const { failure, fallbacks } of outcomes) {
    linker.fallbacks.push(...fallbacks);
    if (!failure) continue;
    onTree(failure.tree);
    throw Object.assign(new Error(failure.message), { code: failure.code });
  }
  const taken = new Set(outcomes.flatMap((outcome) => outcome.taken));
  const last = new Map<string, { readonly source: string; readonly mtime: number }>();
  for (const { path, source, tree } of taken.size > 0 ? plannedFiles(trees, options.compile) : []) {
    if (taken.has(path)) last.set(path, { source, mtime: tree.mtime });
  }
  for (const [path, { source, mtime }] of last) {
    const link = linker.between(dirname(source), dirname(path));
    transaction.putFile(path, (to) => link(source, to, mtime));
  }
}

/**
 * Writes what is the environment's own, and all that goes into the folder of scripts.
 *
 * @returns pip's words about scripts that are not on PATH.
 */
function placeOwn(
  work: StepWork,
  context: PlaceContext & { readonly checkPath: PathCheck },
): string | null {
  const { step, scheme, commands } = work;
  const { options, behaviour } = context;
  context.onStep(step);
  using _ = options.timings?.begin('link', subjectOf(step));
  placeOwnFiles(work, context);
  placeCommands(work, context);
  const additions: Additions = {
    scheme,
    compiled: options.compile,
    codecs: behaviour.importsCodecs,
    requested: step.requested && behaviour.writesRequested,
    generated: commands.all,
    changed: behaviour.rehashesScripts ? changedScripts(work) : new Map(),
  };
  completeDistInfo(work, additions, context);
  return context.checkPath(commands.console);
}

function placeOwnFiles({ own, step }: StepWork, { transaction, linker }: PlaceContext): void {
  const { mtime } = step.image.manifest;
  for (const { path, source, content } of own) {
    transaction.makeFolder(dirname(path));
    if (content === null) {
      const link = linker.between(dirname(source), dirname(path));
      transaction.putFile(path, (to) => link(source, to, mtime));
      continue;
    }
    const mode = statSync(source).mode & 0o7777;
    transaction.putFile(path, (to) => {
      writeFileSync(to, content, { flag: 'wx' });
      chmodSync(to, mode);
      utimesSync(to, mtime, mtime);
    });
  }
}

/** Writes the scripts of entry points. */
function placeCommands({ commands }: StepWork, { transaction }: PlaceContext): void {
  const mode = (0o666 & ~umask()) | 0o555;
  for (const [path, content] of commands.all) {
    transaction.makeFolder(dirname(path));
    transaction.putFile(path, (to) => {
      writeFileSync(to, content, { flag: 'wx' });
      chmodSync(to, mode);
    });
  }
}

/** Puts RECORD, REQUESTED and direct_url.json beside what is linked of the dist-info folder. */
function completeDistInfo(work: StepWork, additions: Additions, context: PlaceContext): void {
  const { transaction, linker, behaviour } = context;
  const { staged, step } = work;
  const { image, directUrl } = step;
  const { distInfo, root, mtime } = image.manifest;
  transaction.makeFolder(staged);
  const link = linker.between(image.path, dirname(staged));
  const put = (name: string, write: (path: string) => void): void =>
    transaction.putFile(`${staged}/${name}`, write);
  const generated = new Map(additions.generated);
  if (additions.requested) {
    put('REQUESTED', (path) => link(`${image.path}/REQUESTED`, path, mtime));
  }
  if (directUrl !== null && behaviour.writesDirectUrl) {
    const content = Buffer.from(directUrl);
    put('direct_url.json', (path) => writeFileSync(path, content, { flag: 'wx' }));
    generated.set(join(additions.scheme[root], distInfo, 'direct_url.json'), content);
  }
  const complete = { ...additions, generated };
  put('RECORD', (path) => {
    const ready = readyRecord(image, complete);
    if (ready) link(ready, path, mtime);
    else writeFileSync(path, composeRecord(image, complete), { flag: 'wx' });
  });
}
