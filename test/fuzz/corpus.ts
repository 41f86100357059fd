import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The lines of a file of `corpus/`, which `corpus.py` makes; the fuzzers run in the repository's folder. */
function corpusLines(name: string): readonly string[] {
  return readFileSync(resolve('test/fuzz/corpus', name), 'utf8').split('\n').filter(Boolean);
}

export const versions = corpusLines('versions.txt');
export const requirements = corpusLines('requirements.txt');
