import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import type { Archive, Sha256 } from '../../core/types.ts';
import { type BinaryFile, type BinaryManifest, binaryPaths } from '../binaries.ts';
import type { BinaryKeyInputs } from '../key.ts';
import type { Store } from '../layout.ts';
import { digestFile } from './digest.ts';
import { publishFile, publishText } from './publish.ts';

/** The tree of a build, laid out as a wheel. */
export interface BuiltTree {
  /** Absolute. Nothing else may write in it any more. */
  readonly root: string;
  readonly files: readonly { readonly path: string; readonly executable: boolean }[];
}

export interface BuildFacts {
  readonly builder: BinaryManifest['builder'];
  readonly buildRequirements: readonly string[];
}

/** Every member has it, so that equal trees give equal archives. 1980-01-01, the first date of zip. */
const memberTime = new Date(315_532_800_000);
/** On 346 MB of Python and shared libraries: 2.7 s of processor time for 94 MB, where level 6 takes 4.5 s for 91 MB. */
const gzipLevel = 4;

/** Packs a built tree and publishes it, the archive before the manifest that vouches for it. */
export async function publishBinary(
  store: Store,
  inputs: BinaryKeyInputs,
  build: BuiltTree & BuildFacts,
): Promise<Archive> {
  const files = await describe(build);
  const paths = binaryPaths(store, inputs);
  let packed = { sha256: '' as Sha256, size: 0 };
  await publishFile(store, paths.archive, async (path) => {
    await pack(build.root, files, path);
    packed = await digestFile(path);
  });
  const manifest: BinaryManifest = {
    format: 1,
    key: inputs,
    archive: { ...packed, unpackedSize: files.reduce((sum, file) => sum + file.size, 0) },
    files,
    builder: build.builder,
    buildRequirements: build.buildRequirements,
  };
  await publishText(store, paths.manifest, `${JSON.stringify(manifest, null, 1)}\n`);
  const { name: key, version } = inputs;
  return { kind: 'binary', key, version, path: paths.archive, sha256: packed.sha256 };
}

async function describe(tree: BuiltTree): Promise<BinaryFile[]> {
  const sorted = [...tree.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const files: BinaryFile[] = [];
  for (const { path, executable } of sorted) {
    const absolute = join(tree.root, path);
    const mode = executable ? 0o755 : 0o644;
    await chmod(absolute, mode);
    files.push({ path, mode, ...(await digestFile(absolute)) });
  }
  return files;
}

async function pack(root: string, files: readonly BinaryFile[], target: string): Promise<void> {
  await create(
    {
      cwd: root,
      file: target,
      gzip: { level: gzipLevel },
      portable: true,
      mtime: memberTime,
      noDirRecurse: true,
      strict: true,
    },
    // A leading @ would mean: the members of that archive.
    files.map(({ path }) => (path.startsWith('@') ? `./${path}` : path)),
  );
}
