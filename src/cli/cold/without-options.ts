import { takeOption } from '../argv.ts';

/** Words of a command line that is understood, without some options and their values. */
export function withoutOptions(
  words: readonly string[],
  names: readonly string[],
): readonly string[] {
  const kept: string[] = [];
  let index = 0;
  while (index < words.length) {
    const word = words[index] ?? '';
    if (word === '--') return [...kept, ...words.slice(index)];
    const isOption = word.startsWith('-') && word !== '-';
    const taken = isOption ? takeOption(words, index) : null;
    const next = taken?.next ?? index + 1;
    const isNamed = taken?.given.some(({ option }) => names.includes(option.name)) ?? false;
    if (!isNamed) kept.push(...words.slice(index, next));
    index = next;
  }
  return kept;
}
