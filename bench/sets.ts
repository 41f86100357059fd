import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Distributions that are installed together. */
export interface DistributionSet {
  readonly size: number;
  readonly title: string;
  /** Lines `name==version`. */
  readonly lines: readonly string[];
  readonly kind: 'pypi' | 'generated';
}

/** Generated distributions have this many files each. */
export const filesEach = 20;

const files: Readonly<Record<number, readonly [file: string, title: string]>> = {
  5: ['requests-5.txt', 'requests'],
  40: ['trio-40.txt', 'the test requirements of trio'],
  97: ['jupyter-97.txt', 'jupyter'],
  128: ['data-128.txt', 'a data stack'],
};

export const knownSizes: readonly number[] = [...Object.keys(files).map(Number), 500];

export function readSet(size: number): DistributionSet {
  const known = files[size];
  if (!known) return generatedSet(size, 'gen');
  const text = readFileSync(join(import.meta.dirname, 'sets', known[0]), 'utf8');
  return { size, title: known[1], lines: text.trimEnd().split('\n'), kind: 'pypi' };
}

export function generatedSet(size: number, prefix: string): DistributionSet {
  const lines = Array.from(
    { length: size },
    (_, number) => `${prefix}-${String(number).padStart(3, '0')}==1.0`,
  );
  return { size, title: `generated, ${filesEach} files each`, lines, kind: 'generated' };
}
