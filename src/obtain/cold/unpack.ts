import { setMaxListeners } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import pLimit from 'p-limit';
import type { Environment } from '../../config/load.ts';
import { hasErrno, PipAccelError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { Span } from '../../core/timings.ts';
import type { Archive, Interpreter, Scheme } from '../../core/types.ts';
import { unlessAborted } from '../../process/cold/unless-aborted.ts';
import { inAnotherThread, parallelErrands } from '../../process/cold/errand.ts';
import { umask } from '../../process/umask.ts';
import { normalizeName } from '../../python/names.ts';
import { writeCsv } from '../../python/csv.ts';
import {
  compareLines,
  installerContent,
  recordLine,
  type RecordLine,
} from '../../python/record.ts';
import { type Claimant, withClaim } from '../../store/cold/claims.ts';
import { publishFolder } from '../../store/cold/publish.ts';
import { takeAway } from '../../store/cold/take-away.ts';
import {
  type FileLists,
  findImage,
  type FolderFiles,
  type Image,
  type ImageManifest,
  imagePath,
  type ImageTarget,
  type ImageTree,
  type RecordRow,
  type RecordRows,
  recordVariant,
  schemeShape,
  type SizedFolder,
  stampPath,
} from '../../store/images.ts';
import type { Store } from '../../store/layout.ts';
import { Compiler } from './compile.ts';
import { ArchiveFault, openMembers } from './members.ts';
import { layOutWheel, type PlacedMember, type WheelLayout } from './wheel-layout.ts';
import {
  hasBegun,
  makeFolder,
  newSigns,
  type PackedFile,
  stopWriting,
  thrownBy,
  type WriteJob,
  writeMembers,
} from './write-members.ts';
import { ZipFault } from './zip.ts';

export interface ImageContext extends Claimant {
  readonly store: Store;
  /** What child processes get. */
  readonly environment: Environment;
  /** Told of each image that was made. */
  readonly made?: (archive: Archive, image: Image) => Promise<void>;
}

/** Archives that are open at a time. */
const sideBySide = 8;

/** Members that are not worth to be shared out among threads. */
const filesPerPart = 500;

/** By where they will be: the environment of a build may want the same as the line that it is a part of. */
const underWay = new Map<string, Promise<Image>>();

/**
 * Makes images of archives, a few at a time. Bytecode is compiled by the target's Python, on all
 * cores, while the next archives are unpacked.
 */
export class ImageMaker {
  readonly #target: ImageTarget;
  readonly #context: ImageContext;
  readonly #compiler: Compiler;
  readonly #places = pLimit(sideBySide);
  readonly #aborter = new AbortController();
  readonly #begun = new Set<Promise<Image>>();
  readonly #unpacking = new Set<Promise<void>>();

  constructor(target: ImageTarget, context: ImageContext) {
    this.#target = target;
    this.#context = context;
    this.#compiler = new Compiler(context.store, target.interpreter, context.environment);
    // Each image that somebody waits for listens.
    setMaxListeners(0, this.#aborter.signal);
  }

  /**
   * The image of an archive, made where the store lacks it.
   *
   * @param wanted aborted where it is not wanted any more.
   * @throws PipAccelError `archive-invalid` where the archive is damaged or unsafe.
   */
  async imageOf(archive: Archive, wanted?: AbortSignal): Promise<Image> {
    const { store } = this.#context;
    const path = imagePath(store, archive, this.#target);
    const signal = wanted ? AbortSignal.any([this.#aborter.signal, wanted]) : this.#aborter.signal;
    for (;;) {
      signal.throwIfAborted();
      const found = findImage(store, archive, this.#target);
      if (found) return found;
      const others = underWay.get(path);
      if (!others) return await unlessAborted(this.#begin(archive, path, signal), signal);
      // Whoever began it may have lost interest in it.
      const image = await unlessAborted(
        others.catch(() => null),
        signal,
      );
      if (image) return image;
    }
  }

  /** An archive is on its way: a Python takes as long to start. */
  expect(): void {
    if (this.#target.bytecode) this.#compiler.expect();
  }

  /** Whether somebody waits for images; else what they take is left to others first. */
  set isAwaited(isAwaited: boolean) {
    this.#compiler.isAwaited = isAwaited;
  }

  /** Waits until of what was begun all is unpacked, if not compiled. */
  async unpacked(): Promise<void> {
    await Promise.all(this.#unpacking);
  }

  /** Ends the Pythons that have nothing to compile. */
  rest(): void {
    this.#compiler.rest();
  }

  /** Ends what is being made, as far as it can be ended, and waits for it. */
  async close(): Promise<void> {
    this.#aborter.abort(new PipAccelError('interrupted', 'No image is wanted any more'));
    await this.#compiler.close();
    await Promise.allSettled(this.#begun);
  }

  #begin(archive: Archive, path: string, wanted: AbortSignal): Promise<Image> {
    const { signal } = this.#aborter;
    const making = this.#untilUnpacked(async (unpacked) => {
      wanted.throwIfAborted();
      const context = { ...this.#context, signal, compiler: this.#compiler, unpacked };
      return await makeOnce(archive, this.#target, context);
    }).finally(() => {
      underWay.delete(path);
      this.#begun.delete(making);
    });
    underWay.set(path, making);
    this.#begun.add(making);
    return making;
  }

  /** Does work that needs one of a few places for its first part: who waits for bytecode keeps no archive waiting. */
  async #untilUnpacked<Result>(work: (unpacked: () => void) => Promise<Result>): Promise<Result> {
    return await new Promise((resolve, reject) => {
      const unpacking = this.#places(
        async () =>
          await new Promise<void>((unpacked) => {
            work(unpacked).then(resolve, reject).finally(unpacked);
          }),
      );
      this.#unpacking.add(unpacking);
      void unpacking.finally(() => this.#unpacking.delete(unpacking));
    });
  }
}

interface MakingContext extends ImageContext {
  readonly compiler: Compiler;
  /** Called when nothing is left to be read in the archive. */
  readonly unpacked: () => void;
}

async function makeOnce(
  archive: Archive,
  target: ImageTarget,
  context: MakingContext,
): Promise<Image> {
  const { store } = context;
  const key = `image ${basename(imagePath(store, archive, target))}`;
  const activity = `unpacking ${archive.key} ${archive.version}`;
  return await withClaim(store, { key, activity }, context, async () => {
    const found = findImage(store, archive, target);
    if (found) return found;
    const image = await make(archive, target, context);
    await context.made?.(archive, image);
    return image;
  });
}

async function make(archive: Archive, target: ImageTarget, context: MakingContext): Promise<Image> {
  const started = performance.now();
  const { store, emit, compiler, timings, signal, unpacked } = context;
  const subject = { name: archive.key, version: archive.version };
  using span = timings?.begin('unpack', subject);
  const compilation = { compiler, span, begin: () => timings?.begin('compile', subject) };
  const path = imagePath(store, archive, target);
  // Nobody can read it, and nothing could be published in its place.
  if (existsSync(path)) await takeAway(store, path);
  await publishFolder(store, path, async (folder) => {
    try {
      await fill(folder, archive, { target, compilation, emit, signal, unpacked });
    } catch (error) {
      throw refusal(archive, error);
    }
  });
  const image = findImage(store, archive, target);
  if (!image) throw new Error(`the image of ${archive.path} vanished`);
  const { name, version } = image.manifest;
  emit({ type: 'image-made', name, version, milliseconds: performance.now() - started });
  return image;
}

/** What an archive is to blame for becomes one sentence that names it; the rest stays as it is. */
function refusal(archive: Archive, error: unknown): unknown {
  const fault =
    error instanceof ArchiveFault || error instanceof ZipFault
      ? error.message
      : hasErrno(error, 'EEXIST', 'ENOTDIR', 'EISDIR')
        ? 'has two members that land on one path'
        : hasErrno(error, 'ENAMETOOLONG')
          ? 'has a member whose name is too long'
          : null;
  if (fault === null) return error;
  return new PipAccelError('archive-invalid', `${archive.path} ${fault}`, {
    cause: error,
    hint: 'It was not installed. Download it again, or tell its authors.',
  });
}

interface FillContext {
  readonly target: ImageTarget;
  readonly compilation: Compilation;
  readonly emit: Emit;
  readonly signal: AbortSignal | undefined;
  readonly unpacked: () => void;
}

interface Compilation {
  readonly compiler: Compiler;
  /** Of the work that it is a part of. */
  readonly span: Span | undefined;
  /** Keeps the time of the files that a Python has in hand. */
  readonly begin: () => Span | undefined;
}

async function fill(folder: string, archive: Archive, context: FillContext): Promise<void> {
  const { interpreter, bytecode } = context.target;
  const mtime = Math.floor(Date.now() / 1000);
  const places = await unpack(folder, archive, { ...context, mtime });
  context.unpacked();
  if (bytecode) await compileSources(folder, places, { ...context.compilation, mtime });
  const described = describe(folder, places, { scheme: interpreter.scheme, mtime });
  const { folders, files, bytes } = sizedFolders(folder);
  const manifest: ImageManifest = { ...described, files, bytes };
  writeFileSync(join(folder, 'sizes.json'), JSON.stringify(folders));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  writeFileSync(stampPath(folder), '');
}

/** Every file in its place, and which these are. */
async function unpack(
  folder: string,
  archive: Archive,
  context: FillContext & { readonly mtime: number },
): Promise<Places> {
  const scratch = join(folder, 'unpacked');
  const members = await openMembers(archive, scratch);
  try {
    const layout = await layOutWheel(archive, members);
    if (layout.warning) context.emit({ type: 'warning', message: layout.warning });
    const places = new Places(layout, context.target.interpreter);
    await writeFiles(folder, archive, places, context);
    return places;
  } finally {
    members.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

type DescribedImage = Omit<ImageManifest, 'files' | 'bytes'>;

/** What lies in an image, so that a check can tell what was changed since. */
function sizedFolders(root: string) {
  const folders: SizedFolder[] = [];
  const waiting = [''];
  let [files, bytes] = [0, 0];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const names: string[] = [];
    const sizes: number[] = [];
    const modes: number[] = [];
    // To join paths that are none but plain takes as long as the system does.
    const within = folder === '' ? '' : `${folder}/`;
    bytes += lstatSync(`${root}/${folder}`).blocks * blockSize;
    for (const entry of readdirSync(`${root}/${folder}`, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        waiting.push(`${within}${entry.name}`);
        continue;
      }
      const { size, mode, blocks } = lstatSync(`${root}/${within}${entry.name}`);
      names.push(entry.name);
      sizes.push(size);
      modes.push(mode);
      bytes += blocks * blockSize;
    }
    files += names.length;
    if (names.length > 0) folders.push([folder, names, sizes, modes]);
  }
  return { folders, files, bytes };
}

/** Bytes; the unit of `st_blocks`, whatever the blocks of the file system. */
const blockSize = 512;

interface ManifestContext {
  /** Of the environment that the image is made for first. */
  readonly scheme: Scheme;
  readonly mtime: number;
}

/** A file of the image: where it lies below the folder of its scheme. */
interface Place {
  readonly scheme: keyof Scheme;
  readonly path: string;
  readonly member: PlacedMember['member'];
}

interface Bytecode {
  readonly scheme: keyof Scheme;
  readonly source: string;
  readonly path: string;
}

/** Which file of the wheel fills which place, and which bytecode belongs to it. */
class Places {
  readonly layout: WheelLayout;
  readonly files = new Map<string, Place>();
  /** What pip compiles: every installed `.py`, scripts included, in sorted order. */
  readonly bytecode: readonly Bytecode[];
  readonly compiled = new Set<Bytecode>();
  /** Of these, what pips that import nothing while they install have no bytecode for. */
  readonly byCodec = new Set<Bytecode>();

  constructor(layout: WheelLayout, interpreter: Interpreter) {
    this.layout = layout;
    for (const placed of layout.placed) {
      this.files.set(`${placed.scheme}/${placed.path}`, placed);
    }
    this.files.delete(`${layout.root}/${layout.distInfo}/RECORD`);
    this.files.delete(`${layout.root}/${layout.distInfo}/INSTALLER`);
    this.bytecode = [...this.files.values()]
      .filter(({ path }) => path.endsWith('.py'))
      .map(({ scheme, path }) => ({ scheme, source: path, path: bytecodePath(path, interpreter) }));
  }

  /** Null where a source has none, or did not compile. */
  bytecodeOf(scheme: keyof Scheme, source: string): string | null {
    const found = [...this.compiled].find(
      (bytecode) => bytecode.scheme === scheme && bytecode.source === source,
    );
    return found?.path ?? null;
  }
}

/** `importlib.util.cache_from_source`; beside its source where a Python has no cache tag (2.7). */
function bytecodePath(source: string, { cacheTag }: Interpreter): string {
  if (cacheTag === null) return `${source}c`;
  return join(dirname(source), '__pycache__', `${basename(source, '.py')}.${cacheTag}.pyc`);
}

async function writeFiles(
  folder: string,
  archive: Archive,
  places: Places,
  context: FillContext & { readonly mtime: number },
): Promise<void> {
  const { mtime, signal } = context;
  const made = new Set<string>();
  const executableMode = (0o777 & ~umask()) | 0o111;
  const packed: PackedFile[] = [];
  for (const { scheme, path, member } of places.files.values()) {
    signal?.throwIfAborted();
    const target = join(folder, scheme, path);
    const mode = member.executable ? executableMode : 0o666;
    if (member.packed) {
      packed.push({ ...member.packed, target, mode });
      continue;
    }
    makeFolder(dirname(target), made);
    await member.writeTo(target, mode);
    utimesSync(target, mtime, mtime);
  }
  await writePacked(archive, packed, context);
  const { root, distInfo } = places.layout;
  const installer = join(folder, root, distInfo, 'INSTALLER');
  makeFolder(dirname(installer), made);
  for (const [path, content] of [
    [installer, installerContent],
    [join(folder, 'REQUESTED'), Buffer.alloc(0)],
  ] as const) {
    writeFileSync(path, content, { flag: 'wx' });
    utimesSync(path, mtime, mtime);
  }
}

/** By other threads: this one attends to the network, and to the next archives. */
async function writePacked(
  archive: Archive,
  files: readonly PackedFile[],
  context: Pick<FillContext, 'compilation' | 'signal'> & { readonly mtime: number },
): Promise<void> {
  const { compilation, mtime, signal } = context;
  const { span } = compilation;
  const jobs = partsOf(files).map(
    (part): WriteJob => ({ archive: archive.path, files: part, mtime, signs: newSigns() }),
  );
  const stop = (): void => jobs.forEach(stopWriting);
  signal?.addEventListener('abort', stop);
  span?.pause();
  const written = await Promise.allSettled(
    jobs.map(async (job) => {
      try {
        const failure = await inAnotherThread({
          task: { name: 'write', job },
          here: () => writeMembers(job),
          hasBegun: () => hasBegun(job),
          isShort: isShort(job),
          begin: () => span?.resume(),
        });
        if (failure) throw thrownBy(failure);
      } catch (error) {
        stop();
        throw error;
      }
    }),
  );
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  const failed = written.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Whether it takes a few milliseconds. */
function isShort({ files }: WriteJob): boolean {
  const bytes = files.reduce((sum, { entry }) => sum + entry.size, 0);
  return files.length < 50 && bytes < 1 << 20;
}

/** As many as can be written side by side, if they are many; in each they follow one another in the archive. */
function partsOf(files: readonly PackedFile[]): readonly (readonly PackedFile[])[] {
  const count = Math.min(parallelErrands, Math.ceil(files.length / filesPerPart));
  const length = Math.ceil(files.length / count);
  const sorted = files.toSorted((left, right) => left.start - right.start);
  return Array.from({ length: count }, (_, at) => sorted.slice(at * length, (at + 1) * length));
}

async function compileSources(
  folder: string,
  places: Places,
  { compiler, span, begin, mtime }: Compilation & { readonly mtime: number },
): Promise<void> {
  const jobs = places.bytecode.map(({ scheme, source, path }) => ({
    source: join(folder, scheme, source),
    bytecode: join(folder, scheme, path),
    name: source,
  }));
  span?.pause();
  const results = await compiler.compile(jobs, begin);
  span?.resume();
  for (const [at, bytecode] of places.bytecode.entries()) {
    if (results[at] === 'no') continue;
    places.compiled.add(bytecode);
    if (results[at] === 'by-codec') places.byCodec.add(bytecode);
    utimesSync(join(folder, bytecode.scheme, bytecode.path), mtime, mtime);
  }
}

/** Writes what tells how to link the image. */
function describe(folder: string, places: Places, context: ManifestContext): DescribedImage {
  const { layout } = places;
  const { metadata, root, distInfo } = layout;
  const rewritten = [...places.files.values()]
    .filter(({ scheme }) => scheme === 'scripts')
    .filter(({ path }) => startsWithPython(join(folder, 'scripts', path)))
    .map(({ path }) => ({ path, bytecode: places.bytecodeOf('scripts', path) }));
  const { trees, lists } = fileLists(places, rewritten);
  const rows = recordRows(places);
  const varies = rewritten.length > 0 || places.byCodec.size > 0;
  const recordShape = varies ? null : shapeOfRecord(rows, root, context);
  for (const [name, content] of [
    ['record.json', rows],
    ['files.json', lists],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    utimesSync(path, context.mtime, context.mtime);
  }
  if (recordShape !== null) writeRecordVariants(folder, rows, { ...context, distInfo, root });
  return {
    name: metadata.name,
    key: normalizeName(metadata.name),
    version: metadata.version,
    root,
    mtime: context.mtime,
    trees,
    distInfo,
    distInfoFiles: countFiles(lists.at(-1) ?? []).files,
    rewritten,
    consoleScripts: layout.commands.console,
    guiScripts: layout.commands.gui,
    recordShape,
  };
}

function startsWithPython(path: string): boolean {
  return readFileSync(path).subarray(0, 8).toString('latin1') === '#!python';
}

/** For which schemes the paths of these rows are the same; null where a folder's name depends on the requirement. */
function shapeOfRecord(
  { rows, bytecode }: RecordRows,
  root: 'purelib' | 'platlib',
  { scheme }: ManifestContext,
): string | null {
  const others = new Set([...rows, ...bytecode].map(([key]) => key));
  if (others.has('headers')) return null;
  others.delete(null);
  others.delete(root);
  return others.size === 0 ? '' : schemeShape(scheme, root);
}

/** The lists of all trees in the order of installation, that of the dist-info folder last. */
function fileLists(
  places: Places,
  rewritten: ImageManifest['rewritten'],
): { readonly trees: readonly ImageTree[]; readonly lists: FileLists } {
  const { root, distInfo } = places.layout;
  const written = new Set(rewritten.flatMap(({ path, bytecode }) => [path, bytecode]));
  const growing = new Map<string, GrowingList>();
  const add = (scheme: keyof Scheme, path: string, kind: 'files' | 'bytecode' | 'by-codec') => {
    if (scheme === 'scripts' && written.has(path)) return;
    const isInside = scheme === root && path.startsWith(`${distInfo}/`);
    const id = isInside ? 'dist-info' : `${scheme} ${kind === 'by-codec'}`;
    const list = growing.get(id) ?? new GrowingList(scheme, kind === 'by-codec');
    growing.set(id, list);
    list.add(path, kind === 'files' ? 'files' : 'bytecode');
  };
  for (const { scheme, path } of places.files.values()) add(scheme, path, 'files');
  add(root, `${distInfo}/INSTALLER`, 'files');
  for (const bytecode of places.compiled) {
    const { scheme, path } = bytecode;
    // A wheel that ships its own bytecode: pip overwrites it.
    if (places.files.has(`${scheme}/${path}`)) continue;
    add(scheme, path, places.byCodec.has(bytecode) ? 'by-codec' : 'bytecode');
  }
  const inside = growing.get('dist-info')?.folders ?? [];
  growing.delete('dist-info');
  const trees = [...growing.values()].map((list) => {
    const { scheme, byCodec, top, folders } = list;
    return { tree: { scheme, byCodec, top: [...top], ...countFiles(folders) }, list };
  });
  return {
    trees: trees.map(({ tree }) => tree),
    lists: [...trees.map(({ list }) => list.folders), inside],
  };
}

class GrowingList {
  readonly #folders = new Map<string, { readonly files: string[]; readonly bytecode: string[] }>();
  readonly top = new Set<string>();
  readonly scheme: keyof Scheme;
  readonly byCodec: boolean;

  constructor(scheme: keyof Scheme, byCodec: boolean) {
    this.scheme = scheme;
    this.byCodec = byCodec;
  }

  get folders(): readonly FolderFiles[] {
    return [...this.#folders].map(([folder, { files, bytecode }]) => [folder, files, bytecode]);
  }

  add(path: string, kind: 'files' | 'bytecode'): void {
    const folder = dirname(path);
    this.top.add(path.split('/', 1)[0] ?? path);
    this.#open(folder === '.' ? '' : folder)[kind].push(basename(path));
  }

  /** Parents come before their children. */
  #open(folder: string): { readonly files: string[]; readonly bytecode: string[] } {
    const known = this.#folders.get(folder);
    if (known) return known;
    if (folder !== '') this.#open(folder.includes('/') ? dirname(folder) : '');
    const opened = { files: [], bytecode: [] };
    this.#folders.set(folder, opened);
    return opened;
  }
}

function countFiles(folders: readonly FolderFiles[]): { files: number; bytecode: number } {
  let [files, bytecode] = [0, 0];
  for (const [, names, compiled] of folders) {
    files += names.length;
    bytecode += compiled.length;
  }
  return { files, bytecode };
}

/**
 * The rows of the wheel's RECORD, led to where the files went, then those of files that it
 * does not list (pip's `get_csv_rows_for_installed`). A row for nothing installed stays.
 */
function recordRows({ layout, compiled, byCodec }: Places): RecordRows {
  const installed = new Map<string, PlacedMember>();
  for (const placed of layout.placed) installed.set(placed.member.name, placed);
  const rows = layout.record.map((row): RecordRow => {
    const [name = '', hash = '', size = ''] = row;
    const placed = installed.get(name);
    installed.delete(name);
    return placed ? [placed.scheme, placed.path, hash, size] : [null, name, hash, size];
  });
  const unlisted = [...installed.values()].map(
    ({ scheme, path }): RecordRow => [scheme, path, '', ''],
  );
  return {
    rows: [...rows, ...unlisted],
    bytecode: rowsOf([...compiled].filter((one) => !byCodec.has(one))),
    byCodec: rowsOf([...byCodec]),
  };
}

function rowsOf(bytecode: readonly Bytecode[]): readonly RecordRow[] {
  return bytecode.map(({ scheme, path }) => [scheme, path, '', '']);
}

function writeRecordVariants(
  folder: string,
  { rows, bytecode }: RecordRows,
  context: ManifestContext & { readonly distInfo: string; readonly root: 'purelib' | 'platlib' },
): void {
  const { distInfo, root, scheme, mtime } = context;
  mkdirSync(join(folder, 'record'));
  const lines = (list: readonly RecordRow[]): RecordLine[] =>
    list.map(([key, path, hash, size]) => {
      const isHere = key === null || key === root;
      return [isHere ? path : relative(scheme[root], join(scheme[key], path)), hash, size];
    });
  const variants: readonly { readonly of: Variant; readonly line: RecordLine }[] = [
    ...lines(rows).map((line) => ({ of: 'all', line }) as const),
    ...lines(bytecode).map((line) => ({ of: 'compiled', line }) as const),
    { of: 'all', line: recordLine(`${distInfo}/INSTALLER`, installerContent) },
    { of: 'requested', line: recordLine(`${distInfo}/REQUESTED`, Buffer.alloc(0)) },
  ];
  // Once in order, all of them are.
  const sorted = variants
    .toSorted((left, right) => compareLines(left.line, right.line))
    .map(({ of, line }) => ({ of, text: writeCsv([line]) }));
  for (const requested of [false, true]) {
    for (const compiled of [false, true]) {
      const path = join(folder, recordVariant({ requested, compiled }));
      const has = { all: true, requested, compiled };
      const text = sorted.map((line) => (has[line.of] ? line.text : '')).join('');
      writeFileSync(path, text);
      utimesSync(path, mtime, mtime);
    }
  }
}

/** Which of the ready-made RECORDs have a line. */
type Variant = 'all' | 'requested' | 'compiled';
