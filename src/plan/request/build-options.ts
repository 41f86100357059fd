import { readFileSync } from 'node:fs';
import type { ParsedArguments } from '../../cli/argv.ts';
import type { PipConfiguration, PipOptions } from '../../config/pip-config.ts';
import { sha256 } from '../../core/sha256.ts';
import type { Interpreter, NormalizedName } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { atLeast } from '../../python/pip.ts';
import type { ConfigSettings, KeyRequest } from '../../store/key.ts';
import type { RequirementContext } from '../requirements/entries.ts';
import { readRequirementFile } from '../requirements/file.ts';
import { type InstallRequest, isRemote } from './request.ts';

/** How the line wants its builds, beside what `--builder` says. */
export interface BuildOptions {
  /** False with `--no-build-isolation`. */
  readonly isolated: boolean;
  /** Of `--config-settings`; they hold for what the command line names, and for nothing that requires it. */
  readonly configSettings: ConfigSettings;
  readonly configured: ReadonlySet<NormalizedName>;
  /** The files of `--build-constraint`, as given. */
  readonly constraintFiles: readonly string[];
  /** Their lines. */
  readonly constraints: readonly string[];
}

const names = ['config-settings', 'build-constraint', 'no-build-isolation'];

export const plainBuilds: BuildOptions = {
  isolated: true,
  configSettings: {},
  configured: new Set(),
  constraintFiles: [],
  constraints: [],
};

interface BuildWords {
  readonly parsed: ParsedArguments;
  readonly configuration: PipConfiguration;
  readonly options: PipOptions;
  readonly request: InstallRequest;
}

/**
 * Reads the options for builds.
 *
 * @returns null where pip has to make sense of them: it is older than the meaning that is known
 * here, a file cannot be had or says more than constraints do, settings stand in a configuration.
 */
export function readBuildOptions(
  { parsed, configuration, options, request }: BuildWords,
  interpreter: Interpreter,
  environment: RequirementContext['environment'],
): BuildOptions | null {
  const given = parsed.options.filter(({ option }) => names.includes(option.name));
  if (given.length === 0 && !names.some((name) => configuration.has(name))) return plainBuilds;
  const pip = interpreter.pip?.version ?? '26.3';
  const configSettings = settingsOf(
    given.flatMap(({ option, value }) => (option.name === 'config-settings' ? [value] : [])),
  );
  if (configuration.has('config-settings') || configuration.has('config-setting')) return null;
  if (configSettings === null) return null;
  if (Object.keys(configSettings).length > 0 && !atLeast(pip, 23, 2)) return null;
  const isolated = options.unless('no-build-isolation');
  if (!isolated && !atLeast(pip, 22, 2)) return null;
  const constraintFiles = options.values('build-constraint');
  if (constraintFiles.length > 0 && !atLeast(pip, 25, 3)) return null;
  const context = { directory: process.cwd(), environment, pip, read: readFileSync };
  const constraints = constraintLines(constraintFiles, context);
  if (constraints === null) return null;
  return {
    isolated,
    configSettings,
    configured: namedOnLine(request),
    constraintFiles,
    constraints,
  };
}

/** What of them tells one build from another; `installed` is the digest of the environment that builds see. */
export function keyOptions(
  { isolated, configSettings, configured, constraints }: BuildOptions,
  key: NormalizedName,
  installed: string,
): Pick<KeyRequest, 'configSettings' | 'buildConstraints' | 'salt'> {
  const isSet = Object.keys(configSettings).length > 0;
  return {
    ...(isSet && configured.has(key) ? { configSettings } : {}),
    ...(constraints.length > 0 ? { buildConstraints: constraints } : {}),
    ...(isolated ? {} : { salt: sha256(`--no-build-isolation ${installed}`) }),
  };
}

/** `KEY=VALUE`, a key that is given again gets a list (pip's `_handle_config_settings`); null for anything else. */
function settingsOf(values: readonly string[]): ConfigSettings | null {
  const settings: Record<string, string | string[]> = {};
  for (const text of values) {
    const at = text.indexOf('=');
    if (at === -1) return null;
    const [key, value] = [text.slice(0, at), text.slice(at + 1)];
    const before = settings[key];
    if (before === undefined) settings[key] = value;
    else settings[key] = [...(typeof before === 'string' ? [before] : before), value];
  }
  return settings;
}

function constraintLines(
  files: readonly string[],
  context: RequirementContext,
): readonly string[] | null {
  if (files.some(isRemote)) return null;
  const entries = files.flatMap((file) => readRequirementFile(file, true, context));
  const lines: string[] = [];
  for (const entry of entries) {
    if (entry.kind === 'file') continue;
    if (entry.kind !== 'named') return null;
    lines.push(entry.origin.text);
  }
  return lines;
}

function namedOnLine({ entries }: InstallRequest): ReadonlySet<NormalizedName> {
  return new Set(
    entries.flatMap((entry) =>
      entry.kind === 'named' && !entry.origin.constraint && entry.origin.comesFrom === null
        ? [normalizeName(entry.requirement.name)]
        : [],
    ),
  );
}
