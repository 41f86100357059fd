import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { GivenOption } from '../cli/argv.ts';
import { findLongOption, type PipOption } from '../cli/pip-options.ts';
import { readOptional } from '../core/if-there.ts';
import { parseIni } from './ini.ts';
import type { Environment } from './load.ts';

/** What pip's configuration files and `PIP_*` say for a command: option name → value, `_` as `-`. */
export type PipConfiguration = ReadonlyMap<string, string>;

/**
 * Merges pip's configuration as pip does (`pip/_internal/configuration.py`, `cli/parser.py`):
 * `[global]` of all files, then the command's own section of all files, then the environment.
 *
 * @param prefix `sys.prefix`, whose pip.conf counts too.
 * @returns null where a file cannot be read as pip would read it; pip then says so itself.
 */
export function loadPipConfiguration(
  environment: Environment,
  prefix: string,
  command = 'install',
): PipConfiguration | null {
  const sections = { global: new Map<string, string>(), own: new Map<string, string>() };
  for (const file of pipConfigurationFiles(environment, prefix)) {
    // Most are not there, and an exception costs more than a look.
    const text = existsSync(file) ? readOptional(file) : null;
    if (text === null) continue;
    const parsed = parseIni(text);
    if (parsed === null) return null;
    for (const [place, name] of [
      ['global', 'global'],
      ['own', command],
    ] as const) {
      for (const [key, value] of parsed.get(name) ?? []) {
        sections[place].set(optionName(key), value);
      }
    }
  }
  return merge([...sections.global, ...sections.own, ...fromEnvironment(environment)]);
}

/** The last value of each option wins, but for what adds to what was said before. */
function merge(
  values: readonly (readonly [name: string, value: string])[],
): PipConfiguration | null {
  const merged = new Map<string, string>();
  let isAdded = false;
  for (const [key, value] of values) {
    if (value === '') continue;
    const before = adding.includes(key) ? merged.get(key) : undefined;
    isAdded ||= before !== undefined;
    merged.delete(key);
    merged.set(key, before === undefined ? value : `${before},${value}`);
  }
  // Each takes from the other what it names, in the order in which they stand.
  return isAdded && adding.every((name) => merged.has(name)) ? null : merged;
}

/** Options of pip with a callback, which is called for each place where they stand. */
const adding: readonly string[] = ['no-binary', 'only-binary'];

/** In rising precedence; `PIP_CONFIG_FILE=/dev/null` switches all off, another existing one the user's. */
export function pipConfigurationFiles(environment: Environment, prefix: string): readonly string[] {
  const named = environment['PIP_CONFIG_FILE'];
  if (named === '/dev/null') return [];
  const home = environment['HOME'] || homedir();
  const system = (environment['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter(Boolean);
  const userConfig = environment['XDG_CONFIG_HOME'] || join(home, '.config');
  return [
    ...system.map((folder) => join(folder, 'pip', 'pip.conf')),
    '/etc/pip.conf',
    ...(named && existsSync(named)
      ? []
      : [join(home, '.pip', 'pip.conf'), join(userConfig, 'pip', 'pip.conf')]),
    join(prefix, 'pip.conf'),
    ...(named ? [named] : []),
  ];
}

function fromEnvironment(environment: Environment): [string, string][] {
  return Object.entries(environment).flatMap(([name, value]): [string, string][] =>
    /^PIP_./.test(name) && !/^PIP_(VERSION|HELP|CONFIG_FILE|ACCEL_.*)$/.test(name)
      ? [[optionName(name.slice(4)), value]]
      : [],
  );
}

function optionName(key: string): string {
  return key.toLowerCase().replaceAll('_', '-').replace(/^--/, '');
}

/** `pip install`'s options after configuration and command line. */
export interface PipOptions {
  /** Why pip has to do this line itself; null where it need not. */
  readonly handOver: string | null;
  readonly quiet: number;
  readonly verbose: number;
  readonly compile: boolean;
  readonly warnScriptLocation: boolean;
  readonly warnConflicts: boolean;
  /** `--root-user-action`. */
  readonly warnRoot: boolean;
  /** The last value given, else the configured one, else null. */
  readonly value: (name: string) => string | null;
  /** All values of an option that appends, configured ones first. */
  readonly values: (name: string) => readonly string[];
  readonly flag: (name: string) => boolean;
  /** False where an option that switches something off was given last. */
  readonly unless: (negative: string, positive?: string) => boolean;
}

/** Applies the command line over the configuration. */
export function effectiveOptions(
  configuration: PipConfiguration,
  given: readonly GivenOption[],
): PipOptions {
  const configured = (name: string) => configuration.get(name);
  const said = (name: string) => given.filter(({ option }) => option.name === name);
  const flag = (name: string) =>
    said(name).length > 0 || isTrue(aliased(name, configuration) ?? 'false');
  const value = (name: string) => said(name).at(-1)?.value ?? aliased(name, configuration) ?? null;
  const values = (name: string) => [
    ...(configured(name)?.split(/\s+/).filter(Boolean) ?? []),
    ...said(name).map((option) => option.value),
  ];
  const count = (name: string) => {
    const base = configured(name);
    const start = base === undefined ? 0 : isTrue(base) ? Number.parseInt(base, 10) || 1 : 0;
    return start + said(name).length;
  };
  // A store_false option takes its configured value as the value of what it switches off:
  // `PIP_NO_COMPILE=0` is what disables compiling (pip issue 2828, kept by pip since).
  const unless = (negative: string, positive?: string) => {
    const last = given.findLast(
      ({ option }) => option.name === negative || option.name === positive,
    );
    if (last) return last.option.name === positive;
    const base = configured(negative) ?? (positive ? configured(positive) : undefined);
    return base === undefined || isTrue(base);
  };
  return {
    handOver: handOverReason(configuration, given),
    quiet: count('quiet'),
    verbose: count('verbose'),
    compile: unless('no-compile', 'compile'),
    unless,
    warnScriptLocation: unless('no-warn-script-location'),
    warnConflicts: unless('no-warn-conflicts'),
    warnRoot: (value('root-user-action') ?? 'warn') === 'warn',
    value,
    values,
    flag,
  };
}

function aliased(name: string, configuration: PipConfiguration): string | undefined {
  const option = findLongOption(name);
  return [name, ...(option?.aliases ?? [])]
    .map((alias) => configuration.get(alias))
    .find((found) => found !== undefined);
}

function handOverReason(
  configuration: PipConfiguration,
  given: readonly GivenOption[],
): string | null {
  const typed = given.find(({ option }) => option.route === 'pip');
  if (typed) return `--${typed.option.name}`;
  const strange = given.find(({ option, value }) => option.valid?.test(value) === false);
  if (strange) return `--${strange.option.name}=${strange.value}`;
  for (const [key, value] of configuration) {
    const option = findLongOption(key);
    if (option === undefined) continue;
    const isPips = option.route === 'pip' && !isIgnored(option, value);
    if (isPips || !isValid(option, value)) return `${key} in pip's configuration`;
  }
  return null;
}

function isValid({ action, valid }: PipOption, value: string): boolean {
  if (action === 'flag' || action === 'no-flag') {
    return /^(?:y|yes|t|true|on|1|n|no|f|false|off|0)$/i.test(value);
  }
  return valid?.test(value) !== false;
}

/** tox sets `PIP_USER=0`: a flag that is configured off asks for nothing. */
function isIgnored(option: PipOption, value: string): boolean {
  return (
    option.name === 'help' ||
    option.name === 'version' ||
    (option.action === 'flag' && !isTrue(value))
  );
}

export function isTrue(value: string): boolean {
  return /^(y|yes|t|true|on|[1-9]\d*)$/i.test(value);
}
