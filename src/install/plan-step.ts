import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Interpreter, Scheme } from '../core/types.ts';
import { type Image, type ImageTree, readFileLists } from '../store/images.ts';
import type { InstallStep } from './install.ts';
import { realFolder } from './journal.ts';
import { below, isSkipped, isUnder, type PlannedTree } from './link-trees.ts';
import type { PipBehaviour } from './pip-behaviour.ts';
import type { SurveyedTree } from './planned-trees.ts';
import { patchBytecode } from './record.ts';
import { entryPointScripts, rewriteScript } from './scripts.ts';

export interface PlanContext {
  readonly interpreter: Interpreter;
  readonly behaviour: PipBehaviour;
  readonly compile: boolean;
  /** Where a dist-info folder is prepared. */
  readonly staged: (root: 'purelib' | 'platlib', name: string) => string;
}

/** What there is to do for a distribution. */
export interface StepWork {
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

/** What a step puts where; nothing is changed by that. */
export function planStep(
  step: InstallStep,
  context: PlanContext & { readonly folders: Map<string, string> },
): StepWork {
  const { image, spelling } = step;
  const { manifest, path: imagePath } = image;
  const { interpreter, behaviour, compile } = context;
  const scheme = {
    ...interpreter.scheme,
    headers: join(interpreter.scheme.headers, spelling ?? manifest.name),
  };
  const linked: SurveyedTree[] = [];
  const own: OwnFile[] = [];
  const compiled = compile ? 1 : 0;
  for (const [list, tree] of manifest.trees.entries()) {
    if (tree.byCodec && !(behaviour.importsCodecs && compile)) continue;
    const within = scriptsWithin(tree, scheme);
    if (within !== null) own.push(...filesWithin(image, { list, within, compile }, scheme));
    if (within === '') continue;
    linked.push({
      imagePath,
      list,
      source: `${imagePath}/${tree.scheme}`,
      target: realTarget(scheme[tree.scheme], context.folders),
      mtime: manifest.mtime,
      files: tree.files + compiled * tree.bytecode,
      except: within,
      top: tree.top,
    });
  }
  own.push(...rewrittenFiles(image, scheme, context));
  const staged = context.staged(manifest.root, manifest.distInfo);
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
function realTarget(folder: string, folders: Map<string, string>): string {
  const real = folders.get(folder) ?? realFolder(folder);
  folders.set(folder, real);
  return real;
}

/** What a tree has in the folder of scripts. */
function filesWithin(
  { path: imagePath, manifest }: Image,
  {
    list,
    within,
    compile,
  }: { readonly list: number; readonly within: string; readonly compile: boolean },
  scheme: Scheme,
): readonly OwnFile[] {
  const key = manifest.trees[list]?.scheme ?? 'scripts';
  const listed = readFileLists(imagePath)[list] ?? [];
  return listed.flatMap((entry) => {
    const [folder, files, bytecode] = entry;
    if (isSkipped(entry, compile) || !isUnder(folder, within)) return [];
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
  { interpreter, compile }: PlanContext,
): readonly OwnFile[] {
  const { mtime } = manifest;
  return manifest.rewritten.flatMap(({ path, bytecode }) => {
    const source = join(imagePath, 'scripts', path);
    const content = rewriteScript(readFileSync(source), interpreter);
    const script = { path: join(scheme.scripts, path), source, content };
    if (!compile || bytecode === null) return [script];
    const compiled = join(imagePath, 'scripts', bytecode);
    const patch = { size: content.length, mtime, pythonMajor: interpreter.versionInfo[0] };
    const patched = patchBytecode(compiled, patch);
    const target = join(scheme.scripts, bytecode);
    return [script, { path: target, source: compiled, content: patched }];
  });
}

/** The contents of rewritten files by path. */
export function changedScripts({ own }: StepWork): Map<string, Buffer> {
  return new Map(own.flatMap(({ path, content }) => (content ? [[path, content]] : [])));
}

function commandsOf(
  { manifest }: Image,
  scheme: Scheme,
  { interpreter, behaviour }: PlanContext,
): StepWork['commands'] {
  const scripts = entryPointScripts(manifest, interpreter, behaviour);
  const place = ({ name }: { readonly name: string }) => join(scheme.scripts, name);
  const all = [...scripts.console, ...scripts.gui];
  return {
    all: new Map(all.map((script) => [place(script), script.content])),
    console: scripts.console.map(place),
  };
}
