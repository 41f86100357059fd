import { createHash } from 'node:crypto';
import { lstat, readFile, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';

export type Entry =
  | { readonly type: 'folder'; readonly mode: number }
  | { readonly type: 'link'; readonly target: string }
  | ({ readonly type: 'file'; readonly mode: number; readonly size: number } & FileContent)
  | { readonly type: 'other'; readonly mode: number };

interface FileContent {
  readonly sha256: string;
  readonly links: number;
  readonly inode: number;
  /** Kept for the files whose differences are worth reading: metadata and scripts. */
  readonly text?: string;
}

/** Every path under a folder, relative to it, with all that `diff -r` and `ls -l` would show. */
export type Snapshot = ReadonlyMap<string, Entry>;

export async function snapshot(root: string): Promise<Snapshot> {
  const entries = new Map<string, Entry>();
  await visit(root, '', entries);
  return new Map([...entries].sort(([left], [right]) => (left < right ? -1 : 1)));
}

async function visit(root: string, folder: string, entries: Map<string, Entry>): Promise<void> {
  for (const name of await readdir(path.join(root, folder))) {
    const relative = folder === '' ? name : `${folder}/${name}`;
    const entry = await read(path.join(root, relative), relative);
    entries.set(relative, entry);
    if (entry.type === 'folder') await visit(root, relative, entries);
  }
}

async function read(absolute: string, relative: string): Promise<Entry> {
  const stat = await lstat(absolute);
  const mode = stat.mode & 0o7777;
  if (stat.isDirectory()) return { type: 'folder', mode };
  if (stat.isSymbolicLink()) return { type: 'link', target: await readlink(absolute) };
  if (!stat.isFile()) return { type: 'other', mode };
  const bytes = await readFile(absolute);
  return {
    type: 'file',
    mode,
    size: stat.size,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    links: stat.nlink,
    inode: stat.ino,
    ...(isReadable(relative, stat.size) ? { text: bytes.toString('utf8') } : {}),
  };
}

function isReadable(relative: string, size: number): boolean {
  if (relative.endsWith('.dist-info/RECORD')) return true;
  return size < 65_536 && /\.(dist|egg)-info\/|^bin\/|\.pth$/.test(relative);
}

/**
 * The `.pyc` files under a folder that Python would not use: their bytes may differ from pip's,
 * but each has to name the size and the time of the source beside it (PEP 552, flags 0).
 */
export async function staleBytecode(root: string, tree: Snapshot): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const relative of tree.keys()) {
    const match = /^(.*)\/__pycache__\/([^/]+)\.(?:cpython|pypy)-?\d+\.pyc$/.exec(relative);
    const source = match && `${match[1]}/${match[2]}.py`;
    if (!source || !tree.has(source)) continue;
    const header = (await readFile(path.join(root, relative))).subarray(0, 16);
    const stat = await lstat(path.join(root, source));
    if (!describesSource(header, stat.mtimeMs, stat.size)) stale.push(relative);
  }
  return stale;
}

function describesSource(header: Buffer, mtimeMs: number, size: number): boolean {
  const usesHash = header.readUInt32LE(4) !== 0;
  return (
    usesHash ||
    (header.readUInt32LE(8) === Math.floor(mtimeMs / 1000) >>> 0 &&
      header.readUInt32LE(12) === size % 2 ** 32)
  );
}
