import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Sample } from '../measure.ts';
import { type RowName, rowNames, type Tool } from './rows.ts';

/** What the index was asked. */
export interface Asked {
  readonly count: number;
  readonly bytes: number;
  /** Those of them for what was not installed then; null where nothing was to be. */
  readonly spare: number | null;
}

/** A row, measured with one set. */
export interface RowResult {
  readonly row: RowName;
  readonly size: number;
  readonly samples: Readonly<Partial<Record<Tool, readonly Sample[]>>>;
  /** Before a copy of the index, or the index itself. */
  readonly index: 'copy' | 'itself';
  /** By pip-accel, in its last run; null where nobody counted. */
  readonly asked: Asked | null;
  /** Where and when. */
  readonly machine: Readonly<Record<string, string>>;
}

/** What earlier runs measured: a row that is measured again takes the place of what it was. */
export function withResult(results: readonly RowResult[], result: RowResult): readonly RowResult[] {
  const place = ({ size, row }: RowResult) => size * 100 + rowNames.indexOf(row);
  const others = results.filter(
    ({ row, size, index }) => row !== result.row || size !== result.size || index !== result.index,
  );
  return [...others, result].toSorted((left, right) => place(left) - place(right));
}

export function readResults(file: string): readonly RowResult[] {
  if (!existsSync(file)) return [];
  return JSON.parse(readFileSync(file, 'utf8')) as readonly RowResult[];
}

export function writeResults(file: string, results: readonly RowResult[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}
