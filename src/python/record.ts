import { sha256 } from '../core/sha256.ts';
import { readCsv, writeCsv } from './csv.ts';
import { compareText } from './text.ts';

/** Path, hash and size as they stand in a RECORD (PEP 376). */
export type RecordLine = readonly [path: string, hash: string, size: string];

/** The line of a file that the installer itself wrote. */
export function recordLine(path: string, content: Buffer): RecordLine {
  const digest = sha256(content, 'base64url');
  return [path, `sha256=${digest}`, String(content.length)];
}

/** A RECORD as pip writes it: sorted by path, then hash, then size. */
export function formatRecord(lines: readonly RecordLine[]): string {
  return writeCsv([...lines].sort(compareLines));
}

/** The order of a RECORD. */
export function compareLines(left: RecordLine, right: RecordLine): number {
  return (
    compareText(left[0], right[0]) ||
    compareText(left[1], right[1]) ||
    compareText(left[2], right[2])
  );
}

/**
 * Puts lines into a RECORD of `formatRecord` where they belong. Scripts lie above the modules,
 * so that `../../../bin/…` comes first, and little of a long text is looked at.
 */
export function insertIntoRecord(text: string, lines: readonly RecordLine[]): string {
  if (text.includes('"')) {
    const rows = readCsv(text.split('\r\n').slice(0, -1));
    return formatRecord([
      ...rows.map(([path = '', hash = '', size = '']) => [path, hash, size] as const),
      ...lines,
    ]);
  }
  const pieces: string[] = [];
  let at = 0;
  for (const line of [...lines].sort(compareLines)) {
    const from = at;
    while (at < text.length) {
      const end = text.indexOf('\r\n', at);
      const [path = '', hash = '', size = ''] = text.slice(at, end).split(',');
      if (compareLines([path, hash, size], line) > 0) break;
      at = end + 2;
    }
    pieces.push(text.slice(from, at), writeCsv([line]));
  }
  return [...pieces, text.slice(at)].join('');
}

/** What pip writes into INSTALLER. */
export const installerContent = Buffer.from('pip\n');
