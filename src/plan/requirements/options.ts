/** The options of a line of a requirement file (`req/req_file.py`, `build_parser`). */
import {
  type FileOption,
  noOptions,
  type OptionsEntry,
  type Origin,
  release,
  type RequirementContext,
  type RequirementOptions,
  unknown,
  type UnknownEntry,
} from './entries.ts';

interface OptionRule {
  readonly takesValue: boolean;
  /** The first pip that has it in files, as `major * 100 + minor`. */
  readonly since?: number;
  /** The first that has it no more. */
  readonly until?: number;
}

/** What files may say in every pip from 18.1 on, but for the exceptions. Anything newer is left to pip. */
const optionRules: ReadonlyMap<string, OptionRule> = new Map([
  ['--index-url', { takesValue: true }],
  ['--extra-index-url', { takesValue: true }],
  ['--no-index', { takesValue: false }],
  ['--constraint', { takesValue: true }],
  ['--requirement', { takesValue: true }],
  ['--editable', { takesValue: true }],
  ['--find-links', { takesValue: true }],
  ['--no-binary', { takesValue: true }],
  ['--only-binary', { takesValue: true }],
  ['--prefer-binary', { takesValue: false, since: 2002 }],
  ['--require-hashes', { takesValue: false }],
  ['--pre', { takesValue: false }],
  ['--trusted-host', { takesValue: true }],
  ['--use-feature', { takesValue: true, since: 2002 }],
  ['--hash', { takesValue: true }],
  ['--config-settings', { takesValue: true, since: 2301 }],
  ['--global-option', { takesValue: true, until: 2503 }],
  ['--install-option', { takesValue: true, until: 2301 }],
]);
const shortOptions: ReadonlyMap<string, string> = new Map([
  ['-i', '--index-url'],
  ['-c', '--constraint'],
  ['-r', '--requirement'],
  ['-e', '--editable'],
  ['-f', '--find-links'],
  ['-C', '--config-settings'],
]);

/** Options start at the first word that begins with `-`; what is before them is no shell's business. */
export function splitOptions(line: string): { argument: string; rest: string } {
  if (line.startsWith('-')) return { argument: '', rest: line };
  const start = line.indexOf(' -');
  return start === -1
    ? { argument: line, rest: '' }
    : { argument: line.slice(0, start), rest: line.slice(start + 1) };
}

/** Python's `shlex.split`; null where a quote is not closed or nothing follows a backslash. */
export function splitWords(text: string): readonly string[] | null {
  // Nearly always so, and cheaper.
  if (!/['"\\]/.test(text)) return text.split(/[ \t\r\n]+/).filter((word) => word !== '');
  const words: string[] = [];
  const pattern = /[ \t\r\n]+|((?:[^ \t\r\n'"\\]|\\[^]|'[^']*'|"(?:[^"\\]|\\[^])*")+)|[^]/gu;
  for (const [written, word] of text.matchAll(pattern)) {
    if (word !== undefined) words.push(unquote(word));
    else if (!' \t\r\n'.includes(written[0] ?? '')) return null;
  }
  return words;
}

function unquote(word: string): string {
  return word.replace(
    /\\([^])|'([^']*)'|"((?:[^"\\]|\\[^])*)"/gu,
    (_match, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? '').replace(/\\(["\\])/g, '$1'),
  );
}

/** Python's `optparse`, without its abbreviations. Words that belong to no option are dropped, as pip does. */
export function parseOptions(
  words: readonly string[],
  context: RequirementContext,
): readonly FileOption[] | null {
  if (words.length === 0) return [];
  const options: FileOption[] = [];
  const pip = release(context);
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-') || word === '-') continue;
    const { name, attached } = splitOption(word);
    const rule = optionRules.get(name);
    if (rule === undefined || pip < (rule.since ?? 0) || pip >= (rule.until ?? Infinity)) {
      return null;
    }
    if (!rule.takesValue) {
      if (attached !== null) return null;
      options.push({ name, value: null });
      continue;
    }
    const value = attached ?? words[++index];
    if (value === undefined) return null;
    options.push({ name, value });
  }
  return options;
}

/** `--name=value`, `-nvalue`; the name is empty where it is none of ours. */
function splitOption(word: string): { name: string; attached: string | null } {
  if (!word.startsWith('--')) {
    const attached = word.length > 2 ? word.slice(2) : null;
    return { name: shortOptions.get(word.slice(0, 2)) ?? '', attached };
  }
  const equals = word.indexOf('=');
  const name = equals === -1 ? word : word.slice(0, equals);
  return {
    name: name === '--pypi-url' ? '--index-url' : name,
    attached: equals === -1 ? null : word.slice(equals + 1),
  };
}

/** These take effect even beside a requirement or a nested file, where pip passes over all else. */
export function reaches(options: readonly FileOption[]): boolean {
  return options.some(({ name }) => name === '--no-binary' || name === '--only-binary');
}

export function optionsEntry(
  origin: Origin,
  options: readonly FileOption[],
): OptionsEntry | UnknownEntry {
  // Without a requirement pip warns of a `--hash`, and passes over the others.
  const belongsToRequirement = [
    '--hash',
    '--config-settings',
    '--global-option',
    '--install-option',
  ];
  if (options.length === 0 || options.some(({ name }) => belongsToRequirement.includes(name))) {
    return unknown(origin, 'option');
  }
  const names = options.map(({ name }) => name);
  const effective = options.filter(({ name }, index) => {
    if (name === '--index-url') return index === names.lastIndexOf(name);
    return name !== '--find-links' || index === names.indexOf(name);
  });
  return { kind: 'options', origin, options: effective };
}

/** pip passes over all but the settings, and before 24.0 over these too. */
export function editableOptions(
  { configSettings }: RequirementOptions,
  context: RequirementContext,
): RequirementOptions {
  return release(context) >= 2400 ? { ...noOptions, configSettings } : noOptions;
}

/** null for what pip refuses: a hash without or with a weak algorithm, a setting without `=`. */
export function requirementOptions(options: readonly FileOption[]): RequirementOptions | null {
  if (options.length === 0) return noOptions;
  const values = (name: string): readonly string[] => {
    const found: string[] = [];
    for (const option of options) {
      if (option.name === name && option.value !== null) found.push(option.value);
    }
    return found;
  };
  const hashes = gather(values('--hash'), ':');
  const settings = gather(values('--config-settings'), '=');
  if (hashes === null || settings === null) return null;
  if (!Object.keys(hashes).every((name) => ['sha256', 'sha384', 'sha512'].includes(name))) {
    return null;
  }
  return {
    hashes,
    configSettings: Object.fromEntries(
      Object.entries(settings).map(([key, values]) => [
        key,
        values.length > 1 ? values : (values[0] ?? ''),
      ]),
    ),
    globalOptions: values('--global-option'),
    installOptions: values('--install-option'),
  };
}

/** `a:1 a:2 b:3` as `{a: [1, 2], b: [3]}`; null where a separator is missing. */
function gather(
  pairs: readonly string[],
  separator: string,
): Record<string, readonly string[]> | null {
  if (pairs.length === 0) return {};
  const gathered = new Map<string, string[]>();
  for (const pair of pairs) {
    const end = pair.indexOf(separator);
    if (end === -1) return null;
    const key = pair.slice(0, end);
    const values = gathered.get(key);
    if (values === undefined) gathered.set(key, [pair.slice(end + 1)]);
    else values.push(pair.slice(end + 1));
  }
  return Object.fromEntries(gathered);
}
