import {
  chmodSync,
  lstatSync,
  readFileSync,
  realpathSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Interpreter, Scheme } from '../core/types.ts';
import { umask } from '../process/umask.ts';
import { type Image, type ImageTree, readFileLists } from '../store/images.ts';
import { startLinking } from './crew.ts';
import type { InstallOptions, InstallStep } from './install.ts';
import type { Linker } from './link.ts';
import { below, isSkipped, isWithin, type LinkOutcome } from './link-trees.ts';
import type { PipBehaviour } from './pip-behaviour.ts';
import { plannedFiles, type Present, type SurveyedTree, survey } from './planned-trees.ts';
import { type Additions, composeRecord, patchBytecode, readyRecord } from './record.ts';
import { entryPointScripts, type PathCheck, pathCheck, rewriteScript } from './scripts.ts';
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

export interface PlacedDistribution {
  /** pip's words about scripts that are not on PATH. */
  readonly warning: string | null;
  /** Puts the dist-info folder in place: from then on the distribution is installed. */
  publish(): void;
}

/**
 * Puts modules, data and scripts in place, and prepares the dist-info folders. The trees are
 * linked by several threads in no order, while this one writes what is the environment's own.
 */
export async function placeDistributions(
  steps: readonly InstallStep[],
  context: PlaceContext,
): Promise<readonly PlacedDistribution[]> {
  const { options, transaction } = context;
  const folders = new Map<string, string>();
  const works = steps.map((step) => planStep(step, { ...context, folders }));
  const trees = works.flatMap(({ linked }) => linked);
  const present = survey(trees, options.compile);
  for (const path of present.files) moveFileAside(path, transaction);
  transaction.willLink({ trees, present, compile: options.compile });
  const checkPath = pathCheck(
    { path: options.path, interpreter: context.interpreter },
    context.behaviour,
  );
  const crew = startLinking({ trees, compile: options.compile, mode: options.linkMode });
  let placed: readonly PlacedDistribution[] = [];
  let failure: unknown = null;
  try {
    placed = works.map((work) => placeOwn(work, { ...context, checkPath }));
  } catch (error) {
    failure = error;
    crew.stop();
  }
  const outcomes = await crew.finish();
  if (failure) throw failure;
  const onTree = (at: number): void => {
    const work = works.find(({ linked }) => trees[at] && linked.includes(trees[at]));
    if (work) context.onStep(work.step);
  };
  settle(outcomes, trees, { ...context, present, onTree });
  return placed;
}

function moveFileAside(path: string, transaction: Transaction): void {
  if (lstatSync(path).isDirectory()) {
    throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
  }
  transaction.moveAside(path);
}

/** What there is to do for a distribution. */
interface StepWork {
  readonly step: InstallStep;
  /** The folders of this distribution: headers lie under its name. */
  readonly scheme: Scheme;
  /** Linked in any order; the dist-info folder, aside, among them. */
  readonly linked: readonly SurveyedTree[];
  /** What lies in the folder of scripts, where what is written counts by its order too. */
  readonly sequential: readonly SequentialTree[];
  /** The dist-info folder, aside. */
  readonly staged: string;
}

interface SequentialTree {
  /** Which of the image's file lists. */
  readonly list: number;
  /** The folder of the tree; the empty text for all of it. */
  readonly within: string;
}

function planStep(
  step: InstallStep,
  context: PlaceContext & { readonly folders: Map<string, string> },
): StepWork {
  const { image, spelling } = step;
  const { manifest, path: imagePath } = image;
  const scheme = {
    ...context.interpreter.scheme,
    headers: join(context.interpreter.scheme.headers, spelling ?? manifest.name),
  };
  const linked: SurveyedTree[] = [];
  const sequential: SequentialTree[] = [];
  const compiled = context.options.compile ? 1 : 0;
  for (const [list, tree] of manifest.trees.entries()) {
    if (tree.byCodec && !(context.behaviour.importsCodecs && context.options.compile)) continue;
    const within = scriptsWithin(tree, scheme);
    if (within !== null) sequential.push({ list, within });
    if (within === '') continue;
    linked.push({
      imagePath,
      list,
      source: `${imagePath}/${tree.scheme}`,
      target: realFolder(scheme[tree.scheme], context),
      mtime: manifest.mtime,
      files: tree.files + compiled * tree.bytecode,
      except: within,
      top: tree.top,
    });
  }
  context.transaction.makeFolder(scheme[manifest.root]);
  const staged = context.transaction.stage(manifest.distInfo);
  linked.push({
    imagePath,
    list: manifest.trees.length,
    source: `${imagePath}/${manifest.root}`,
    target: dirname(staged),
    mtime: manifest.mtime,
    files: manifest.distInfoFiles,
    except: null,
    top: [manifest.distInfo],
  });
  return { step, scheme, linked, sequential, staged };
}

/** Where the folder of scripts lies in a tree that has something there; null where it has nothing. */
function scriptsWithin({ scheme: key, top }: ImageTree, scheme: Scheme): string | null {
  const place = relative(scheme[key], scheme.scripts);
  if (place.startsWith('..')) return null;
  return place === '' || top.includes(place.split('/', 1)[0] ?? '') ? place : null;
}

/** One path for each folder, so that what two trees name is seen to be one: `lib64` may lead to `lib`. */
function realFolder(
  folder: string,
  { folders, transaction }: PlaceContext & { readonly folders: Map<string, string> },
): string {
  let real = folders.get(folder);
  if (real === undefined) {
    transaction.makeFolder(folder);
    real = realpathSync(folder);
    folders.set(folder, real);
  }
  return real;
}

/** Where two trees name one path, or somebody was there meanwhile: the last step's file is it. */
function settle(
  outcomes: readonly LinkOutcome[],
  trees: readonly SurveyedTree[],
  context: PlaceContext & { readonly present: Present; readonly onTree: (at: number) => void },
): void {
  const { options, transaction, linker, present, onTree } = context;
  const taken = new Set(outcomes.flatMap((outcome) => outcome.taken));
  const owners = new Map<string, { source: string; mtime: number }[]>();
  for (const { path, source, tree } of taken.size > 0 ? plannedFiles(trees, options.compile) : []) {
    if (!taken.has(path)) continue;
    owners.set(path, [...(owners.get(path) ?? []), { source, mtime: tree.mtime }]);
  }
  for (const [path, candidates] of owners) {
    // Only a path that one tree names can have been taken by somebody else.
    if (candidates.length === 1) present.files.add(path);
  }
  for (const { failure, fallbacks } of outcomes) {
    linker.fallbacks.push(...fallbacks);
    if (!failure) continue;
    onTree(failure.tree);
    throw Object.assign(new Error(failure.message), { code: failure.code });
  }
  for (const [path, candidates] of owners) {
    const last = candidates.at(-1);
    if (!last) continue;
    const link = linker.between(dirname(last.source), dirname(path));
    transaction.makeFile(path, (to) => link(last.source, to, last.mtime));
  }
}

/** Writes what is the environment's own, and all that goes into the folder of scripts. */
function placeOwn(
  work: StepWork,
  context: PlaceContext & { readonly checkPath: PathCheck },
): PlacedDistribution {
  const { step, scheme } = work;
  const { options, behaviour } = context;
  context.onStep(step);
  placeSequential(work, context);
  const changed = placeRewritten(step.image, scheme, context);
  const commands = placeCommands(step.image, scheme, context);
  const additions: Additions = {
    scheme,
    compiled: options.compile,
    codecs: behaviour.importsCodecs,
    requested: step.requested && behaviour.writesRequested,
    generated: commands.all,
    changed: behaviour.rehashesScripts ? changed : new Map(),
  };
  completeDistInfo(work, additions, context);
  const { root, distInfo } = step.image.manifest;
  return {
    warning: context.checkPath(commands.console),
    publish: () => context.transaction.publish(work.staged, join(scheme[root], distInfo)),
  };
}

function placeSequential({ step, scheme, sequential }: StepWork, context: PlaceContext): void {
  if (sequential.length === 0) return;
  const { transaction, linker, options } = context;
  const { path: imagePath, manifest } = step.image;
  const lists = readFileLists(imagePath);
  for (const { list, within } of sequential) {
    const key = manifest.trees[list]?.scheme ?? 'scripts';
    transaction.makeFolder(scheme[key]);
    const link = linker.between(`${imagePath}/${key}`, scheme[key]);
    for (const entry of lists[list] ?? []) {
      if (isSkipped(entry, options.compile) || !isWithin(entry[0], within)) continue;
      const [folder, files, bytecode] = entry;
      const [from, to] = [below(`${imagePath}/${key}`, folder), below(scheme[key], folder)];
      transaction.makeFolder(to);
      for (const name of options.compile ? [...files, ...bytecode] : files) {
        transaction.makeFile(`${to}/${name}`, (path) =>
          link(`${from}/${name}`, path, manifest.mtime),
        );
      }
    }
  }
}

/**
 * Writes the scripts whose first line is the environment's, and bytecode that fits them.
 *
 * @returns their contents by path.
 */
function placeRewritten(
  { path: imagePath, manifest }: Image,
  scheme: Scheme,
  { interpreter, options, transaction }: PlaceContext,
): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  const { mtime } = manifest;
  const write = (path: string, content: Buffer, mode: number): void => {
    const target = join(scheme.scripts, path);
    transaction.makeFolder(dirname(target));
    transaction.makeFile(target, (to) => {
      writeFileSync(to, content, { flag: 'wx' });
      chmodSync(to, mode);
      utimesSync(to, mtime, mtime);
    });
  };
  for (const { path, bytecode } of manifest.rewritten) {
    const original = join(imagePath, 'scripts', path);
    const content = rewriteScript(readFileSync(original), interpreter);
    write(path, content, statSync(original).mode & 0o7777);
    contents.set(join(scheme.scripts, path), content);
    if (!options.compile || bytecode === null) continue;
    const compiled = join(imagePath, 'scripts', bytecode);
    const patch = { size: content.length, mtime, pythonMajor: interpreter.versionInfo[0] };
    write(bytecode, patchBytecode(compiled, patch), statSync(compiled).mode & 0o7777);
  }
  return contents;
}

/** Writes the scripts of entry points. */
function placeCommands(
  { manifest }: Image,
  scheme: Scheme,
  { interpreter, behaviour, transaction }: PlaceContext,
): { readonly all: ReadonlyMap<string, Buffer>; readonly console: readonly string[] } {
  const scripts = entryPointScripts(manifest, interpreter, behaviour);
  const all = new Map<string, Buffer>();
  const mode = (0o666 & ~umask()) | 0o555;
  for (const { name, content } of [...scripts.console, ...scripts.gui]) {
    const path = join(scheme.scripts, name);
    transaction.makeFolder(dirname(path));
    transaction.makeFile(path, (to) => {
      writeFileSync(to, content, { flag: 'wx' });
      chmodSync(to, mode);
    });
    all.set(path, content);
  }
  return { all, console: scripts.console.map(({ name }) => join(scheme.scripts, name)) };
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
    transaction.makeFile(`${staged}/${name}`, write);
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
