import { type OptionKey, type OptionSpec, optionTable } from '../config/options.ts';
import { findLongOption, findShortOption, type PipOption } from './pip-options.ts';

/** What was typed, split into pip's words and ours. */
export type CommandLine =
  | { readonly command: 'usage' }
  | { readonly command: 'accel'; readonly words: readonly string[] }
  | ({ readonly command: 'pip' } & ForPip)
  | ({ readonly command: 'install' } & ForPip & InstallWords & { readonly name: string });

interface ForPip {
  /** pip's command; null where there is none, or a general option is unknown. */
  readonly name: string | null;
  /** Everything that pip is to see, `--python` and our own flags taken out. */
  readonly words: readonly string[];
  /** The value of `--python` before the command. */
  readonly python: string | null;
}

export interface InstallWords {
  /** General options in front of `install`. */
  readonly general: readonly string[];
  /** What follows `install`, our own flags taken out. */
  readonly arguments: readonly string[];
  /** The same, understood; null where a word is none that we know, which makes it pip's. */
  readonly parsed: ParsedArguments | null;
  /** Values of our own flags. */
  readonly flags: ReadonlyMap<OptionKey, string>;
}

export interface ParsedArguments {
  readonly options: readonly GivenOption[];
  readonly requirements: readonly string[];
}

export interface GivenOption {
  readonly option: PipOption;
  /** Empty for flags. */
  readonly value: string;
  /** The words that said it, as typed. */
  readonly words: readonly string[];
}

/** Splits `process.argv.slice(2)` as pip's own parser would (optparse, `pip/_internal/cli/main_parser.py`). */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  if (argv.length === 0) return { command: 'usage' };
  if (argv[0] === 'accel') return { command: 'accel', words: argv.slice(1) };
  const split = splitGeneral(argv);
  if (split === null) return { command: 'pip', name: null, words: argv, python: null };
  const { general, python, rest } = split;
  const words = [...general, ...rest];
  const [name = null] = rest;
  if (name !== 'install') return { command: 'pip', name, words, python };
  const { flags, remaining } = takeOwnFlags(rest.slice(1));
  const parsed = parseArguments([...general, ...remaining]);
  return {
    command: 'install',
    name,
    words: [...general, 'install', ...remaining],
    python,
    general,
    arguments: remaining,
    parsed,
    flags,
  };
}

/** pip stops at the first word that is no option: the command. */
function splitGeneral(argv: readonly string[]) {
  const general: string[] = [];
  let python: string | null = null;
  let index = 0;
  while (index < argv.length) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-') || word === '-') break;
    const taken = takeOption(argv, index);
    if (taken === null) return null;
    const named = taken.given.find(({ option }) => option.name === 'python');
    if (named) python = named.value;
    else general.push(...argv.slice(index, taken.next));
    index = taken.next;
  }
  return { general, python, rest: argv.slice(index) };
}

/** Parses options and requirements, in any order, as optparse does with interspersed arguments. */
export function parseArguments(words: readonly string[]): ParsedArguments | null {
  const options: GivenOption[] = [];
  const requirements: string[] = [];
  let index = 0;
  while (index < words.length) {
    const word = words[index] ?? '';
    if (word === '--') {
      requirements.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      requirements.push(word);
      index += 1;
      continue;
    }
    const taken = takeOption(words, index);
    if (taken === null) return null;
    options.push(...taken.given);
    index = taken.next;
  }
  return { options, requirements };
}

interface Taken {
  readonly given: readonly GivenOption[];
  /** The index of the word after it. */
  readonly next: number;
}

/** The option at an index, with its value; null where it is none that we know. */
export function takeOption(words: readonly string[], index: number): Taken | null {
  const word = words[index] ?? '';
  return word.startsWith('--') ? takeLong(words, index) : takeShort(words, index);
}

function takeLong(words: readonly string[], index: number): Taken | null {
  const word = words[index] ?? '';
  const equals = word.indexOf('=');
  const option = findLongOption(word.slice(2, equals === -1 ? undefined : equals));
  if (!option) return null;
  if (!takesValue(option)) {
    return equals === -1
      ? { given: [{ option, value: '', words: [word] }], next: index + 1 }
      : null;
  }
  if (equals !== -1) {
    return { given: [{ option, value: word.slice(equals + 1), words: [word] }], next: index + 1 };
  }
  const value = words[index + 1];
  if (value === undefined) return null;
  return { given: [{ option, value, words: [word, value] }], next: index + 2 };
}

/** `-vv`, `-qr file`, `-rdev.txt`: letters up to the first that takes the rest as its value. */
function takeShort(words: readonly string[], index: number): Taken | null {
  const word = words[index] ?? '';
  const given: GivenOption[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const option = findShortOption(word.charAt(at));
    if (!option) return null;
    const letter = `-${word.charAt(at)}`;
    if (!takesValue(option)) {
      given.push({ option, value: '', words: [letter] });
      continue;
    }
    const attached = word.slice(at + 1);
    if (attached !== '') {
      given.push({ option, value: attached, words: [letter, attached] });
      return { given, next: index + 1 };
    }
    const value = words[index + 1];
    if (value === undefined) return null;
    given.push({ option, value, words: [letter, value] });
    return { given, next: index + 2 };
  }
  return { given, next: index + 1 };
}

function takesValue(option: PipOption): boolean {
  return option.action === 'store' || option.action === 'append';
}

const ownFlags = new Map<string, [OptionKey, OptionSpec]>(
  Object.entries(optionTable as Record<string, OptionSpec>).flatMap(([key, spec]) =>
    spec.flag ? [[spec.flag, [key as OptionKey, spec]] as const] : [],
  ),
);

function takeOwnFlags(words: readonly string[]) {
  const flags = new Map<OptionKey, string>();
  const remaining: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '--') {
      remaining.push(...words.slice(index));
      break;
    }
    const equals = word.indexOf('=');
    const own = ownFlags.get(equals === -1 ? word : word.slice(0, equals));
    if (!own) {
      remaining.push(word);
      continue;
    }
    const [key, spec] = own;
    if (equals !== -1) flags.set(key, word.slice(equals + 1));
    else if (spec.kind === 'flag') flags.set(key, 'true');
    else {
      index += 1;
      flags.set(key, words[index] ?? '');
    }
  }
  return { flags, remaining };
}
