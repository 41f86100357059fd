import {
  chmodSync,
  lstatSync,
  readFileSync,
  realpathSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { hasErrno } from '../core/errors.ts';
import type { Interpreter, Scheme } from '../core/types.ts';
import { umask } from '../process/umask.ts';
import { type Image, type ImageTree, readFileLists } from '../store/images.ts';
import { startLinking } from './crew.ts';
import type { InstallOptions, InstallStep } from './install.ts';
import type { Linker } from './link.ts';
import { below, isSkipped, isWithin, type LinkOutcome, type PlannedTree } from './link-trees.ts';
import type { PipBehaviour } from './pip-behaviour.ts';
import { plannedFiles, type SurveyedTree, survey } from './planned-trees.ts';
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
 * Puts modules, data and scripts in place, and prepares the dist-info folders. All of it is
 * planned before, for the journal. The trees are then linked by several threads in no order,
 * while this one writes what is the environment's own.
 */
export async function placeDistributions(
  steps: readonly InstallStep[],
  context: PlaceContext,
): Promise<readonly PlacedDistribution[]> {
  const { options, transaction, interpreter } = context;
  const folders = new Map<string, string>();
  const works = steps.map((step) => planStep(step, { ...context, folders }));
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
  const crew = startLinking({ trees, compile: options.compile, mode: options.linkMode });
  const checkPath = pathCheck({ path: options.path, interpreter }, context.behaviour);
  let warnings: readonly (string | null)[] = [];
  let failure: unknown = null;
  try {
    warnings = works.map((work) => placeOwn(work, { ...context, checkPath }));
  } catch (error) {
    failure = error;
    crew.stop();
  }
  const outcomes = await crew.finish();
  if (failure) throw failure;
  const onTree = (at: number): void => {
    const work = works.find(({ linked, info }) =>
      [...linked, info].some((one) => one === trees[at]),
    );
    if (work) context.onStep(work.step);
  };
  settle(outcomes, trees, { ...context, onTree });
  return warnings.map((warning, at) => ({
    warning,
    publish: () => published.slice(at, at + 1).forEach((one) => transaction.publish(one)),
  }));
}

function refuseFolder(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR' });
}

/** What there is to do for a distribution. */
interface StepWork {
  readonly step: InstallStep;
  /** The folders of this distribution: headers lie under its name. */
  readonly scheme: Scheme;
  /** Linked in any order. */
  readonly linked: readonly SurveyedTree[];
  /** The tree of the dist-info folder, aside. */
  readonly info: PlannedTree;
  /** What lies in the folder of scripts, where what is written counts by its order too. */
  readonly own: readonly OwnFile[];
  /** The scripts of entry points, by path. */
  readonly commands: {
    readonly all: ReadonlyMap<string, Buffer>;
    readonly console: readonly string[];
  };
  /** Where the dist-info folder is prepared, and where it goes in the end. */
  readonly staged: string;
  readonly publishedAt: string;
}

/** A file in the folder of scripts. */
interface OwnFile {
  readonly path: string;
  /** The image's; as it is, or rewritten for this environment. */
  readonly source: string;
  readonly content: Buffer | null;
}

function planStep(
  step: InstallStep,
  context: PlaceContext & { readonly folders: Map<string, string> },
): StepWork {
  const { image, spelling } = step;
  const { manifest, path: imagePath } = image;
  const { interpreter, options, behaviour, transaction } = context;
  const scheme = {
    ...interpreter.scheme,
    headers: join(interpreter.scheme.headers, spelling ?? manifest.name),
  };
  const linked: SurveyedTree[] = [];
  const own: OwnFile[] = [];
  const compiled = options.compile ? 1 : 0;
  for (const [list, tree] of manifest.trees.entries()) {
    if (tree.byCodec && !(behaviour.importsCodecs && options.compile)) continue;
    const within = scriptsWithin(tree, scheme);
    if (within !== null) own.push(...filesWithin(image, { list, within }, scheme, options));
    if (within === '') continue;
    linked.push({
      imagePath,
      list,
      source: `${imagePath}/${tree.scheme}`,
      target: realFolder(scheme[tree.scheme], context.folders),
      mtime: manifest.mtime,
      files: tree.files + compiled * tree.bytecode,
      except: within,
      top: tree.top,
    });
  }
  own.push(...rewrittenFiles(image, scheme, context));
  const staged = transaction.staged(manifest.root, manifest.distInfo);
  const info = {
    imagePath,
    list: manifest.trees.length,
    source: `${imagePath}/${manifest.root}`,
    target: dirname(staged),
    mtime: manifest.mtime,
    files: manifest.distInfoFiles,
    except: null,
  };
  const commands = commandsOf(image, scheme, context);
  const publishedAt = join(scheme[manifest.root], manifest.distInfo);
  return { step, scheme, linked, info, own, commands, staged, publishedAt };
}

/** Where the folder of scripts lies in a tree that has something there; null where it has nothing. */
function scriptsWithin({ scheme: key, top }: ImageTree, scheme: Scheme): string | null {
  const place = relative(scheme[key], scheme.scripts);
  if (place.startsWith('..')) return null;
  return place === '' || top.includes(place.split('/', 1)[0] ?? '') ? place : null;
}

/** One path for each folder, so that what two trees name is seen to be one: `lib64` may lead to `lib`. */
function realFolder(folder: string, folders: Map<string, string>): string {
  let real = folders.get(folder);
  if (real === undefined) {
    try {
      real = realpathSync(folder);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
      real = join(realFolder(dirname(folder), new Map()), basename(folder));
    }
    folders.set(folder, real);
  }
  return real;
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

/** What a tree has in the folder of scripts. */
function filesWithin(
  { path: imagePath, manifest }: Image,
  { list, within }: { readonly list: number; readonly within: string },
  scheme: Scheme,
  { compile }: InstallOptions,
): readonly OwnFile[] {
  const key = manifest.trees[list]?.scheme ?? 'scripts';
  const listed = readFileLists(imagePath)[list] ?? [];
  return listed.flatMap((entry) => {
    const [folder, files, bytecode] = entry;
    if (isSkipped(entry, compile) || !isWithin(folder, within)) return [];
    const [from, to] = [below(`${imagePath}/${key}`, folder), below(scheme[key], folder)];
    const names = compile ? [...files, ...bytecode] : files;
    return names.map((name) => ({
      path: `${to}/${name}`,
      source: `${from}/${name}`,
      content: null,
    }));
  });
}

/** The scripts whose first line is the environment's, and bytecode that fits them. */
function rewrittenFiles(
  { path: imagePath, manifest }: Image,
  scheme: Scheme,
  { interpreter, options }: PlaceContext,
): readonly OwnFile[] {
  const { mtime } = manifest;
  return manifest.rewritten.flatMap(({ path, bytecode }) => {
    const source = join(imagePath, 'scripts', path);
    const content = rewriteScript(readFileSync(source), interpreter);
    const script = { path: join(scheme.scripts, path), source, content };
    if (!options.compile || bytecode === null) return [script];
    const compiled = join(imagePath, 'scripts', bytecode);
    const patch = { size: content.length, mtime, pythonMajor: interpreter.versionInfo[0] };
    const patched = patchBytecode(compiled, patch);
    const target = join(scheme.scripts, bytecode);
    return [script, { path: target, source: compiled, content: patched }];
  });
}

/** The contents of rewritten files by path. */
function changedScripts({ own }: StepWork): Map<string, Buffer> {
  return new Map(own.flatMap(({ path, content }) => (content ? [[path, content]] : [])));
}

function commandsOf(
  { manifest }: Image,
  scheme: Scheme,
  { interpreter, behaviour }: PlaceContext,
): StepWork['commands'] {
  const scripts = entryPointScripts(manifest, interpreter, behaviour);
  const place = ({ name }: { readonly name: string }) => join(scheme.scripts, name);
  const all = [...scripts.console, ...scripts.gui];
  return {
    all: new Map(all.map((script) => [place(script), script.content])),
    console: scripts.console.map(place),
  };
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
