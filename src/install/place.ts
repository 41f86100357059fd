import { chmodSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Interpreter, Scheme } from '../core/types.ts';
import type { Image, ImageFile, ImageTree } from '../store/images.ts';
import type { InstallOptions, InstallStep } from './install.ts';
import type { Linker } from './link.ts';
import type { PipBehaviour } from './pip-behaviour.ts';
import {
  type Additions,
  composeRecord,
  hasReadyRecord,
  patchBytecode,
  readyRecord,
} from './record.ts';
import { entryPointScripts, pathWarning, rewriteScript } from './scripts.ts';
import type { Transaction } from './transaction.ts';

export interface PlaceContext {
  readonly interpreter: Interpreter;
  readonly options: InstallOptions;
  readonly transaction: Transaction;
  readonly linker: Linker;
  readonly behaviour: PipBehaviour;
}

export interface PlacedDistribution {
  /** pip's words about scripts that are not on PATH. */
  readonly warning: string | null;
  /** Puts the dist-info folder in place: from then on the distribution is installed. */
  publish(): void;
}

/** Puts a distribution's modules, data and scripts in place, and prepares its dist-info folder. */
export function placeDistribution(step: InstallStep, context: PlaceContext): PlacedDistribution {
  const { interpreter, options, behaviour } = context;
  const { image } = step;
  const scheme = schemeOf(step, interpreter);
  const skipped = new Set(
    image.manifest.rewritten.flatMap(({ path, bytecode }) => [path, bytecode]),
  );
  for (const tree of image.manifest.trees) {
    placeTree(image, tree, {
      ...context,
      target: scheme[tree.scheme],
      skipped: tree.scheme === 'scripts' ? skipped : noPaths,
    });
  }
  const changed = placeRewritten(image, scheme, context);
  const commands = placeCommands(image, scheme, context);
  const additions: Additions = {
    scheme,
    compiled: options.compile,
    requested: step.requested && behaviour.writesRequested,
    generated: commands.all,
    changed: behaviour.rehashesScripts ? changed : new Map(),
  };
  return {
    warning: pathWarning(commands.console, { path: options.path, interpreter }, behaviour),
    publish: stageDistInfo(step, additions, context),
  };
}

const noPaths: ReadonlySet<string | null> = new Set();

/** The folders of a distribution: headers lie under its name. */
function schemeOf({ image, spelling }: InstallStep, { scheme }: Interpreter): Scheme {
  return { ...scheme, headers: join(scheme.headers, spelling ?? image.manifest.name) };
}

interface TreeContext extends PlaceContext {
  readonly target: string;
  readonly skipped: ReadonlySet<string | null>;
}

function placeTree(
  { path: imagePath, manifest }: Image,
  tree: ImageTree,
  context: TreeContext,
): void {
  const { transaction, linker, options, target, skipped } = context;
  const source = `${imagePath}/${tree.scheme}`;
  transaction.makeFolder(target);
  for (const folder of tree.folders) transaction.makeFolder(`${target}/${folder}`);
  const link = linker.between(source, target);
  const place = ([path]: ImageFile): void => {
    if (skipped.has(path)) return;
    transaction.makeFile(`${target}/${path}`, (to) =>
      link(`${source}/${path}`, to, manifest.mtime),
    );
  };
  for (const file of tree.files) place(file);
  if (!options.compile) return;
  for (const folder of tree.bytecodeFolders) transaction.makeFolder(`${target}/${folder}`);
  for (const file of tree.bytecode) place(file);
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
    transaction.makeFile(join(scheme.scripts, path), (to) => {
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
  const mode = (0o666 & ~process.umask()) | 0o555;
  for (const { name, content } of [...scripts.console, ...scripts.gui]) {
    const path = join(scheme.scripts, name);
    transaction.makeFolder(join(path, '..'));
    transaction.makeFile(path, (to) => {
      writeFileSync(to, content, { flag: 'wx' });
      chmodSync(to, mode);
    });
    all.set(path, content);
  }
  return { all, console: scripts.console.map(({ name }) => join(scheme.scripts, name)) };
}

/** Prepares the dist-info folder aside; the rename that publishes it is the commit of its distribution. */
function stageDistInfo(
  { image, directUrl }: InstallStep,
  additions: Additions,
  context: PlaceContext,
): () => void {
  const { transaction, linker, behaviour } = context;
  const { distInfo, root, mtime } = image.manifest;
  const library = additions.scheme[root];
  transaction.makeFolder(library);
  const staged = transaction.stage(distInfo.name);
  const home = staged.slice(0, -distInfo.name.length - 1);
  placeTree(image, distInfo, { ...context, target: home, skipped: noPaths });
  const link = linker.between(image.path, home);
  const put = (name: string, write: (path: string) => void): void =>
    transaction.makeFile(`${staged}/${name}`, write);
  const generated = new Map(additions.generated);
  if (additions.requested) {
    put('REQUESTED', (path) => link(`${image.path}/REQUESTED`, path, mtime));
  }
  if (directUrl !== null && behaviour.writesDirectUrl) {
    const content = Buffer.from(directUrl);
    put('direct_url.json', (path) => writeFileSync(path, content, { flag: 'wx' }));
    generated.set(join(library, distInfo.name, 'direct_url.json'), content);
  }
  const complete = { ...additions, generated };
  put('RECORD', (path) => {
    if (hasReadyRecord(image, complete)) link(readyRecord(image, complete), path, mtime);
    else writeFileSync(path, composeRecord(image, complete), { flag: 'wx' });
  });
  return () => transaction.publish(staged, join(library, distInfo.name));
}
