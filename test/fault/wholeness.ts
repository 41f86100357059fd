import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BinaryManifest } from '../../src/store/binaries.ts';
import type { FileLists, ImageManifest } from '../../src/store/images.ts';
import { openStore } from '../../src/store/layout.ts';
import type { SourceRecord } from '../../src/store/sources.ts';

/** What is wrong with the entries of a data directory: each under its name has to be whole. */
export function faultsOf(root: string): string[] {
  const store = openStore(root);
  const known = [store.decisions, store.releases, store.metadata, store.interpreters];
  return [
    ...filesBelow(store.sources).filter(isRecord).flatMap(sourceFaults),
    ...filesBelow(store.binaries).filter(isJson).flatMap(binaryFaults),
    ...[...known, store.environments].flatMap(filesBelow).flatMap(jsonFaults),
    ...namesIn(store.images).flatMap((name) => imageFaults(join(store.images, name))),
  ];
}

/** What a process that ended leaves of work that it did not finish. */
export function leftoversOf(root: string): string[] {
  const { temporary, locks, damaged } = openStore(root);
  return [temporary, locks, damaged].flatMap((folder) =>
    namesIn(folder).map((name) => join(folder, name)),
  );
}

const isRecord = (path: string) => path.endsWith('.record.json');
const isJson = (path: string) => path.endsWith('.json');

function sourceFaults(path: string): string[] {
  const record = parse(path) as SourceRecord | null;
  if (record === null) return [`${path} is torn`];
  const archive = path.replace(/\.record\.json$/, '');
  return digest(archive) === record.sha256 ? [] : [`${archive} is not what its record says`];
}

function binaryFaults(path: string): string[] {
  const manifest = parse(path) as BinaryManifest | null;
  if (manifest === null) return [`${path} is torn`];
  const archive = path.replace(/\.json$/, '.tar.gz');
  return digest(archive) === manifest.archive.sha256 ? [] : [`${archive} is not what it was`];
}

function jsonFaults(path: string): string[] {
  return parse(path) === null ? [`${path} is torn`] : [];
}

function imageFaults(path: string): string[] {
  const manifest = parse(join(path, 'manifest.json')) as ImageManifest | null;
  const lists = parse(join(path, 'files.json')) as FileLists | null;
  if (manifest === null || lists === null) return [`${path} is torn`];
  const schemes = [...manifest.trees.map(({ scheme }) => scheme), manifest.root];
  const files = lists.flatMap((list, at) =>
    list.flatMap(([folder, names, bytecode]) =>
      [...names, ...bytecode].map((name) => join(path, schemes[at] ?? '', folder, name)),
    ),
  );
  return files.filter((file) => !existsSync(file)).map((file) => `${file} is missing`);
}

/** null where it is not there, or is no JSON. */
function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function digest(path: string): string | null {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null;
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
