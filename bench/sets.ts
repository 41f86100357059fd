import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Distributions that are installed together. */
export interface DistributionSet {
  readonly size: number;
  readonly title: string;
  /** Lines `name==version`. */
  readonly lines: readonly string[];
  /** What somebody asks for who wants them; the others are required by these. */
  readonly asked: readonly string[];
  readonly kind: 'pypi' | 'generated';
}

/** Generated distributions have this many files each. */
export const filesEach = 20;

/** Each a `.txt` with all of a set, and a `.in` with what is asked for. */
const files: Readonly<Record<number, readonly [name: string, title: string]>> = {
  5: ['requests-5', 'requests'],
  40: ['trio-40', 'the test requirements of trio'],
  97: ['jupyter-97', 'jupyter'],
  128: ['data-128', 'a data stack'],
};

export const knownSizes: readonly number[] = [...Object.keys(files).map(Number), 500];

export function readSet(size: number): DistributionSet {
  const known = files[size];
  if (!known) return generatedSet(size, 'gen');
  const [name, title] = known;
  const lines = linesOf(`${name}.txt`);
  return { size, title, lines, asked: linesOf(`${name}.in`), kind: 'pypi' };
}

function linesOf(file: string): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, 'sets', file), 'utf8');
  return text.trimEnd().split('\n');
}

export function generatedSet(size: number, prefix: string): DistributionSet {
  const asked = Array.from(
    { length: size },
    (_, number) => `${prefix}-${String(number).padStart(3, '0')}`,
  );
  const lines = asked.map((name) => `${name}==1.0`);
  return { size, title: `generated, ${filesEach} files each`, lines, asked, kind: 'generated' };
}
