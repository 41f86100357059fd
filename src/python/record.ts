import { createHash } from 'node:crypto';
import { writeCsv } from './csv.ts';
import { compareText } from './text.ts';

/** Path, hash and size as they stand in a RECORD (PEP 376). */
export type RecordLine = readonly [path: string, hash: string, size: string];

/** The line of a file that the installer itself wrote. */
export function recordLine(path: string, content: Buffer): RecordLine {
  const digest = createHash('sha256').update(content).digest('base64url');
  return [path, `sha256=${digest}`, String(content.length)];
}

/** A RECORD as pip writes it: sorted by path, then hash, then size. */
export function formatRecord(lines: readonly RecordLine[]): string {
  const sorted = [...lines].sort(
    (left, right) =>
      compareText(left[0], right[0]) ||
      compareText(left[1], right[1]) ||
      compareText(left[2], right[2]),
  );
  return writeCsv(sorted);
}

/** What pip writes into INSTALLER. */
export const installerContent = Buffer.from('pip\n');
