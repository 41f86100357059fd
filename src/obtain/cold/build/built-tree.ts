import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { parseMetadata } from '../../../python/metadata.ts';
import { normalizeName } from '../../../python/names.ts';
import { compareVersions, parseVersion } from '../../../python/pep440.ts';
import type { BuiltTree } from '../../../store/cold/publish-binary.ts';
import { ArchiveFault, openMembers } from '../members.ts';
import { ZipFault } from '../zip.ts';
import { buildFailure, type Workbench } from './workbench.ts';

/** Unpacks the wheel that a backend made. @param root must not exist yet. */
export async function treeOfWheel(
  bench: Workbench,
  wheel: string,
  root: string,
): Promise<BuiltTree> {
  const { key, version, sdist } = bench.request;
  const files: { path: string; executable: boolean }[] = [];
  try {
    const archive = { kind: 'wheel', key, version, path: wheel, sha256: sdist.sha256 } as const;
    const members = await openMembers(archive, join(root, 'unused'));
    try {
      for (const member of members.files) {
        const target = join(root, member.path);
        await mkdir(dirname(target), { recursive: true });
        await member.writeTo(target, 0o600);
        files.push({ path: member.path, executable: member.executable });
      }
    } finally {
      members.close();
    }
  } catch (error) {
    if (!(error instanceof ArchiveFault || error instanceof ZipFault)) throw error;
    throw await buildFailure(bench, `its backend made a wheel that ${error.message}`, error);
  }
  return await checked(bench, { root, files });
}

/** The files of a tree that `bdist_dumb` left. The script has seen to it that no link is among them. */
export async function treeOfFolder(bench: Workbench, root: string): Promise<BuiltTree> {
  const files: { path: string; executable: boolean }[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        await walk(path);
      } else if (entry.isFile()) {
        const { mode } = await stat(join(root, path));
        files.push({ path, executable: (mode & 0o111) !== 0 });
      } else {
        throw await buildFailure(bench, `its build left ${path}, which is no regular file`);
      }
    }
  };
  await walk('');
  return await checked(bench, { root, files });
}

/** As pip, refuses a build that calls itself otherwise than what was asked for. */
async function checked(bench: Workbench, tree: BuiltTree): Promise<BuiltTree> {
  const metadata = tree.files.filter(({ path }) => /^[^/]+\.dist-info\/METADATA$/.test(path));
  const [only] = metadata;
  if (!only || metadata.length > 1) {
    throw await buildFailure(bench, 'its build has no METADATA, or more than one');
  }
  const built = parseMetadata(await readFile(join(tree.root, only.path), 'utf8'));
  const [wanted, got] = [parseVersion(bench.request.version), parseVersion(built.version)];
  const isVersion =
    wanted && got ? compareVersions(wanted, got) === 0 : built.version === bench.request.version;
  if (normalizeName(built.name) !== bench.request.key || !isVersion) {
    throw await buildFailure(bench, `its build calls itself ${built.name} ${built.version}`);
  }
  return tree;
}
