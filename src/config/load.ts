import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { hasErrno, PipAccelError } from '../core/errors.ts';
import { parseIni } from './ini.ts';
import { type OptionKey, type OptionSpec, optionTable, type Settings } from './options.ts';

export type Environment = Readonly<Record<string, string>>;

/** A value as somebody wrote it, and who: `PIP_ACCEL_OFFLINE`, `/etc/pip-accel.conf`, `--offline`. */
interface Written {
  readonly value: string;
  readonly origin: string;
}

/** The only place where the process's environment is read. */
export function processEnvironment(): Environment {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

/** What a pip or a build is given: everything but pip-accel's own variables, which pip would take for options. */
export function childEnvironment(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('PIP_ACCEL_')),
  );
}

/**
 * Settings by the original's precedence: flags, then non-empty environment variables, then
 * `$PIP_ACCEL_CONFIG`, `~/.pip-accel/pip-accel.conf` and `/etc/pip-accel.conf` (the later named
 * is overridden by the earlier), then defaults.
 *
 * @param flags values of command-line flags by option key.
 * @throws PipAccelError `invalid-option`, `config-unreadable`
 */
export function loadSettings(
  environment: Environment,
  flags: ReadonlyMap<OptionKey, string>,
): Settings {
  const home = environment['HOME'] || homedir();
  const written = new Map<string, Written>();
  for (const file of configurationFiles(environment, home)) {
    for (const [key, value] of readConfiguration(file)) {
      if (value !== '') written.set(key, { value, origin: file.path });
    }
  }
  for (const [key, spec] of Object.entries(optionTable)) {
    const value = environment[spec.environment];
    if (value) written.set(key, { value, origin: spec.environment });
    const flag = flags.get(key as OptionKey);
    if (flag !== undefined) {
      written.set(key, { value: flag, origin: 'flag' in spec ? spec.flag : 'command line' });
    }
  }
  return toSettings(written, home);
}

function configurationFiles(environment: Environment, home: string) {
  const named = environment['PIP_ACCEL_CONFIG'];
  return [
    { path: '/etc/pip-accel.conf', required: false },
    { path: join(home, '.pip-accel', 'pip-accel.conf'), required: false },
    ...(named ? [{ path: expandHome(named, home), required: true }] : []),
  ];
}

function readConfiguration(file: { path: string; required: boolean }): ReadonlyMap<string, string> {
  // Nearly always so; an exception costs more than a look.
  if (!file.required && !existsSync(file.path)) return new Map();
  let text: string;
  try {
    text = readFileSync(file.path, 'utf8');
  } catch (error) {
    if (!file.required && hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return new Map();
    throw new PipAccelError('config-unreadable', `Cannot read the configuration ${file.path}`, {
      cause: error,
      hint: 'Correct or unset PIP_ACCEL_CONFIG.',
    });
  }
  const section = parseIni(text)?.get('pip-accel');
  if (section) return section;
  throw new PipAccelError(
    'config-unreadable',
    `The configuration ${file.path} has no readable section [pip-accel]`,
    { hint: 'Begin the file with a line [pip-accel], followed by lines `name = value`.' },
  );
}

function toSettings(written: ReadonlyMap<string, Written>, home: string): Settings {
  const read = <T>(key: OptionKey, fallback: T): T => {
    const found = written.get(key);
    return found ? (parseValue(key, found, home) as T) : fallback;
  };
  return {
    dataDirectory: resolve(read('data-directory', defaultDataDirectory(home))),
    python: read('python', null),
    maxRetries: read('max-retries', 3),
    trustModTimes: read('trust-mod-times', true),
    builder: read('builder', 'auto'),
    linkMode: read('link-mode', 'auto'),
    autoInstall: read('auto-install', 'prompt'),
    platformFile: read('platform-file', null),
    maxSize: read('max-size', null),
    verifyImages: read('verify-images', 'hourly'),
    indexMaxAge: read('index-max-age', null),
    offline: read('offline', false),
    gateway: read('gateway', true),
    lockTimeout: read('lock-timeout', 900),
    logVerbosity: read('log-verbosity', 'info'),
    logFile: read('log-file', null),
    timings: read('timings', null),
    logFormat: read('log-format', 'text'),
  };
}

function defaultDataDirectory(home: string): string {
  return userInfo().uid === 0 ? '/var/cache/pip-accel' : join(home, '.pip-accel');
}

function parseValue(key: OptionKey, { value, origin }: Written, home: string): unknown {
  const spec: OptionSpec = optionTable[key];
  const invalid = (allowed: string) =>
    new PipAccelError(
      'invalid-option',
      `Invalid value ${JSON.stringify(value)} for option ${key} (from ${origin})`,
      { hint: `Allowed: ${allowed}.` },
    );
  switch (spec.kind) {
    case 'path':
      return expandHome(value, home);
    case 'flag':
      if (/^(1|yes|true|on)$/i.test(value)) return true;
      if (/^(0|no|false|off)$/i.test(value)) return false;
      throw invalid('yes, no, true, false, on, off, 1, 0');
    case 'count':
      if (/^\d{1,9}$/.test(value) && Number(value) >= spec.minimum) return Number(value);
      throw invalid(`a whole number from ${spec.minimum} on`);
    case 'choice':
      if (spec.choices.includes(value.toLowerCase())) return value.toLowerCase();
      throw invalid(spec.choices.join(', '));
    case 'age':
      if (value.toLowerCase() === 'forever') return Number.POSITIVE_INFINITY;
      if (value.toLowerCase() === 'auto') return null;
      if (/^\d{1,9}$/.test(value)) return Number(value);
      throw invalid('a number of seconds, auto, or forever');
    case 'size': {
      const size = value.toLowerCase() === 'none' ? null : parseSize(value);
      if (size === undefined) throw invalid('a size such as 500M or 10G, or none');
      return size;
    }
    default:
      return spec satisfies never;
  }
}

/** Bytes: `10G` and `10GB` are 10⁹ each, `10Gi` and `10GiB` 2³⁰; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const parts = /^(\d{1,12}(?:\.\d{1,9})?)\s?(?:([kmgt])(i?))?b?$/i.exec(text);
  if (!parts) return undefined;
  const [, number, letter = '', binary = ''] = parts;
  const power = ' kmgt'.indexOf(letter.toLowerCase() || ' ');
  return Math.round(Number(number) * (binary === '' ? 1000 : 1024) ** power);
}

function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? home + path.slice(1) : path;
}
