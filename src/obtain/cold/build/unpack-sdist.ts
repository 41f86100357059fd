import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, open, readdir, readlink, realpath, symlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { type ReadEntry, UnpackSync } from 'tar';
import { hasErrno, PipAccelError } from '../../../core/errors.ts';
import { placeScript } from '../../../python/cold/place-script.ts';
import decompressScript from '../../../python/scripts/build_decompress.py';
import { ArchiveFault, openMembers, watchTar } from '../members.ts';
import { ZipFault } from '../zip.ts';
import { checkHardlinkTarget, checkLinkTarget, checkMemberName, refusal } from './member-path.ts';
import { buildFailure, runStep, type Workbench } from './workbench.ts';

type Packing = 'tar' | 'gzip' | 'python' | 'zip';

/** By ending, as pip tells them apart (`utils/filetypes.py`); a `.tar.bz2` or `.tar.xz` is opened by Python. */
const endings: readonly (readonly [ending: RegExp, packing: Packing, magic: readonly string[]])[] =
  [
    [/\.zip$/i, 'zip', ['504b']],
    [/\.(tar\.gz|tgz)$/i, 'gzip', ['1f8b']],
    [/\.(tar\.bz2|tbz)$/i, 'python', ['425a68']],
    [/\.(tar\.xz|txz|tlz|tar\.lz|tar\.lzma)$/i, 'python', ['fd377a585a00', '5d0000']],
    [/\.tar$/i, 'tar', ['']],
  ];

const plainTypes = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory']);

/** Far beyond any sdist of PyPI, and far below what would fill a disk. */
const maximumMembers = 500_000;
const maximumBytes = 16 * 2 ** 30;

/**
 * Unpacks the bench's sdist as pip does: modes by the umask, of which only the execute bits are
 * the archive's; times kept (Cython looks at them); links only within the tree.
 *
 * @param folder must not exist yet.
 * @returns the project's folder: where all members lie in one folder, that one.
 * @throws PipAccelError `archive-invalid`
 */
export async function unpackSdist(bench: Workbench, folder: string): Promise<string> {
  const { path, filename } = bench.request.sdist;
  const packing = await packingOf(path, filename);
  await mkdir(folder, { mode: 0o700 });
  if (packing === 'zip') {
    await unpackZip(bench, folder);
  } else {
    const tar = packing === 'python' ? await decompress(bench, `${folder}.tar`) : path;
    unpackTar(tar, filename, folder);
  }
  const entries = await readdir(folder, { withFileTypes: true });
  const [only] = entries;
  const source = entries.length === 1 && only?.isDirectory() ? join(folder, only.name) : folder;
  await checkLinks(filename, source, await realpath(source));
  return source;
}

async function packingOf(path: string, filename: string): Promise<Packing> {
  const found = endings.find(([ending]) => ending.test(filename));
  if (!found) {
    throw new PipAccelError('archive-invalid', `${filename} is no kind of archive that pip builds`);
  }
  const [, packing, magics] = found;
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    const start = buffer.subarray(0, bytesRead).toString('hex');
    if (magics.some((magic) => start.startsWith(magic))) return packing;
  } finally {
    await handle.close();
  }
  throw new PipAccelError(
    'archive-invalid',
    `${filename} is not packed as its name says (${path})`,
  );
}

/** bz2 and lzma are in the target's standard library; a Python without them cannot build this with pip either. */
async function decompress(bench: Workbench, target: string): Promise<string> {
  const { interpreter, sdist } = bench.request;
  const named = `${target}${sdist.filename.slice(sdist.filename.lastIndexOf('.'))}`;
  await symlink(resolve(sdist.path), named);
  const done = await runStep(bench, {
    argv: [
      interpreter.executable,
      await placeScript(bench.context.store, 'build_decompress.py', decompressScript),
      named,
      target,
    ],
    cwd: bench.folder,
    environment: bench.environment,
  });
  if (!done) throw await buildFailure(bench, 'its Python cannot decompress the archive');
  return target;
}

function unpackTar(tar: string, filename: string, folder: string): void {
  let members = 0;
  let bytes = 0;
  let hasEnded = false;
  let fault: unknown;
  const admit = (entry: ReadEntry) => {
    if (hasEnded) throw refusal(filename, entry.path, 'lies behind its end');
    checkEntry(filename, entry);
    members += 1;
    bytes += entry.size;
    if (members > maximumMembers || bytes > maximumBytes) {
      throw refusal(filename, entry.path, `is one too many: ${members} members, ${bytes} bytes`);
    }
    const isExecutable = entry.type !== 'Directory' && ((entry.mode ?? 0) & 0o111) !== 0;
    entry.mode = isExecutable || entry.type === 'Directory' ? 0o777 : 0o666;
  };
  try {
    // In step: otherwise files of a damaged archive are still written after its refusal.
    const unpack = new UnpackSync({
      cwd: folder,
      preserveOwner: false,
      strict: true,
      filter: (_path, entry) => {
        if (fault !== undefined) return false;
        try {
          admit(entry as ReadEntry);
          return true;
        } catch (error) {
          fault = error;
          return false;
        }
      },
    });
    watchTar(unpack, {
      onEnd: () => {
        hasEnded = true;
      },
      onIgnored: ({ path }) => {
        fault ??= refusal(filename, path, 'is of an unknown kind');
      },
      onFault: (found) => {
        fault ??= new PipAccelError('archive-invalid', `${filename} has ${found}`);
      },
    });
    for (const chunk of chunksOf(tar)) unpack.write(chunk);
    unpack.end();
  } catch (error) {
    fault ??= new PipAccelError(
      'archive-invalid',
      `${filename} cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  if (fault !== undefined) throw fault;
}

function* chunksOf(path: string): Generator<Buffer> {
  const descriptor = openSync(path, 'r');
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(1 << 20);
      const length = readSync(descriptor, chunk);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

function checkEntry(filename: string, entry: ReadEntry): void {
  checkMemberName(filename, entry.path);
  if (entry.type === 'SymbolicLink') {
    checkLinkTarget(filename, entry.path, entry.linkpath ?? '');
  } else if (entry.type === 'Link') {
    checkHardlinkTarget(filename, entry.path, entry.linkpath ?? '');
  } else if (!plainTypes.has(entry.type)) {
    throw refusal(filename, entry.path, `is a ${entry.type}`);
  }
}

/** A target whose words stay inside can still lead out, through another link. */
async function checkLinks(filename: string, folder: string, root: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await checkLinks(filename, path, root);
    if (!entry.isSymbolicLink()) continue;
    const reached = await whereLinkLeads(path);
    if (reached !== root && !reached.startsWith(root + sep)) {
      throw refusal(filename, entry.name, 'is a link that leads out of the project');
    }
  }
}

async function whereLinkLeads(path: string): Promise<string> {
  // Not normalised: where a part is itself a link, only the kernel knows what `..` after it is.
  let wanted = `${dirname(path)}/${await readlink(path)}`;
  for (;;) {
    try {
      return await realpath(wanted);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
      // A link to nothing: what of its path exists decides.
      wanted = dirname(wanted);
    }
  }
}

async function unpackZip(bench: Workbench, folder: string): Promise<void> {
  const { key, version, sdist } = bench.request;
  try {
    const archive = {
      kind: 'wheel',
      key,
      version,
      path: sdist.path,
      sha256: sdist.sha256,
    } as const;
    const members = await openMembers(archive, join(folder, 'unused'));
    try {
      for (const member of members.files) {
        const target = join(folder, member.path);
        await mkdir(dirname(target), { recursive: true });
        await member.writeTo(target, member.executable ? 0o777 : 0o666);
      }
    } finally {
      members.close();
    }
  } catch (error) {
    if (!(error instanceof ArchiveFault || error instanceof ZipFault)) throw error;
    throw new PipAccelError('archive-invalid', `${sdist.filename} ${error.message}`, {
      cause: error,
    });
  }
}
