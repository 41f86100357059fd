import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Scheme } from '../core/types.ts';
import { formatRecord, installerContent, recordLine, type RecordLine } from '../python/record.ts';
import { type Image, readRecordRows, recordVariant } from '../store/images.ts';

/** What an environment adds to a distribution. */
export interface Additions {
  /** The absolute folders of this distribution, headers with its name. */
  readonly scheme: Scheme;
  readonly compiled: boolean;
  readonly requested: boolean;
  /** Files that were written for this environment, by absolute path. */
  readonly generated: ReadonlyMap<string, Buffer>;
  /** Contents of rewritten scripts, by absolute path, where RECORD follows them. */
  readonly changed: ReadonlyMap<string, Buffer>;
}

/** True where RECORD lies ready in the image. */
export function hasReadyRecord({ manifest }: Image, additions: Additions): boolean {
  return manifest.selfContained && additions.generated.size === 0;
}

/** Where the ready RECORD lies. */
export function readyRecord(image: Image, additions: Additions): string {
  return join(image.path, recordVariant(additions));
}

/** The RECORD of a distribution in this environment, with paths relative to its modules (PEP 376). */
export function composeRecord(image: Image, additions: Additions): string {
  const { root, distInfo } = image.manifest;
  const { scheme, generated, changed } = additions;
  const { rows, bytecode } = readRecordRows(image);
  const library = scheme[root];
  const lines = [...rows, ...(additions.compiled ? bytecode : [])].map(
    ([key, path, hash, size]): RecordLine => {
      if (key === null || key === root) return [path, hash, size];
      const absolute = join(scheme[key], path);
      const content = changed.get(absolute);
      const place = relative(library, absolute);
      return content ? recordLine(place, content) : [place, hash, size];
    },
  );
  for (const [path, content] of generated) lines.push(recordLine(relative(library, path), content));
  lines.push(recordLine(`${distInfo.name}/INSTALLER`, installerContent));
  if (additions.requested) lines.push(recordLine(`${distInfo.name}/REQUESTED`, Buffer.alloc(0)));
  return formatRecord(lines);
}

/** The bytecode of a source whose bytes were changed here: its header names the new size and mtime. */
export function patchBytecode(
  bytecodePath: string,
  { size, mtime, pythonMajor }: { size: number; mtime: number; pythonMajor: number },
): Buffer {
  const bytecode = readFileSync(bytecodePath);
  // PEP 552 put flags before the mtime (3.7); 3.3 to 3.6 have mtime and size, 2.7 the mtime alone.
  if (pythonMajor === 2) bytecode.writeUInt32LE(mtime, 4);
  else {
    const at = bytecode.readUInt32LE(4) === 0 ? 8 : 4;
    bytecode.writeUInt32LE(mtime, at);
    bytecode.writeUInt32LE(size, at + 4);
  }
  return bytecode;
}
