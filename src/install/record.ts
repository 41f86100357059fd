import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Scheme } from '../core/types.ts';
import {
  formatRecord,
  insertIntoRecord,
  installerContent,
  recordLine,
  type RecordLine,
} from '../python/record.ts';
import {
  type Image,
  readRecordRows,
  type RecordRow,
  recordVariant,
  schemeShape,
} from '../store/images.ts';

/** What an environment adds to a distribution. */
export interface Additions {
  /** The absolute folders of this distribution, headers with its name. */
  readonly scheme: Scheme;
  readonly compiled: boolean;
  /** Of sources in rare encodings too. */
  readonly codecs: boolean;
  readonly requested: boolean;
  /** Files that were written for this environment, by absolute path. */
  readonly generated: ReadonlyMap<string, Buffer>;
  /** Contents of rewritten scripts, by absolute path, where RECORD follows them. */
  readonly changed: ReadonlyMap<string, Buffer>;
}

/** The path of a RECORD that can be linked as it lies in the image; null where there is none. */
export function readyRecord(image: Image, additions: Additions): string | null {
  return additions.generated.size === 0 ? preparedRecord(image, additions) : null;
}

/** A RECORD in the image that lacks the generated files only. */
function preparedRecord({ path, manifest }: Image, additions: Additions): string | null {
  const { recordShape, root } = manifest;
  const fits = recordShape === '' || recordShape === schemeShape(additions.scheme, root);
  return fits ? join(path, recordVariant(additions)) : null;
}

/** The RECORD of a distribution in this environment, with paths relative to its modules (PEP 376). */
export function composeRecord(image: Image, additions: Additions): string {
  const library = additions.scheme[image.manifest.root];
  const generated = [...additions.generated].map(([path, content]) =>
    recordLine(relative(library, path), content),
  );
  const prepared = preparedRecord(image, additions);
  return prepared === null
    ? formatRecord([...recordLines(image, additions), ...generated])
    : insertIntoRecord(readFileSync(prepared, 'utf8'), generated);
}

function recordLines(image: Image, additions: Additions): readonly RecordLine[] {
  const { root, distInfo } = image.manifest;
  const { scheme, changed, compiled, codecs } = additions;
  const { rows, bytecode, byCodec } = readRecordRows(image);
  const lineOf = ([key, path, hash, size]: RecordRow, contents: Additions['changed']) => {
    if (key === null || key === root) return [path, hash, size] as const;
    const absolute = join(scheme[key], path);
    const content = contents.get(absolute);
    const place = relative(scheme[root], absolute);
    return content ? recordLine(place, content) : ([place, hash, size] as const);
  };
  // Bytecode stands there without a hash, also that of a script which was rewritten.
  const compilations = [...(compiled ? bytecode : []), ...(compiled && codecs ? byCodec : [])];
  const lines: RecordLine[] = [
    ...rows.map((row) => lineOf(row, changed)),
    ...compilations.map((row) => lineOf(row, new Map())),
  ];
  lines.push(recordLine(`${distInfo}/INSTALLER`, installerContent));
  if (additions.requested) lines.push(recordLine(`${distInfo}/REQUESTED`, Buffer.alloc(0)));
  return lines;
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
