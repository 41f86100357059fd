import { readFileSync } from 'node:fs';
import type { ParsedArguments } from '../../../cli/argv.ts';
import type { PipConfiguration, PipOptions } from '../../../config/pip-config.ts';
import type { Interpreter, NormalizedName } from '../../../core/types.ts';
import { normalizeName } from '../../../python/names.ts';
import { atLeast } from '../../../python/pip.ts';
import type { ConfigSettings } from '../../../store/key.ts';
import type { RequirementContext } from '../../requirements/entries.ts';
import { readRequirementFile } from '../../requirements/file.ts';
import { parseRequirementWord } from '../../requirements/word.ts';
import type { BuildOptions } from '../build-options.ts';
import { isRemote } from '../request.ts';

interface BuildWords {
  readonly parsed: ParsedArguments;
  readonly configuration: PipConfiguration;
  readonly options: PipOptions;
}

/**
 * Reads the options for builds.
 *
 * @returns null where pip has to make sense of them: it is older than the meaning that is known
 * here, a file cannot be had or says more than constraints do, settings stand in a configuration.
 */
export function readBuildOptions(
  { parsed, configuration, options }: BuildWords,
  interpreter: Interpreter,
  environment: RequirementContext['environment'],
): BuildOptions | null {
  const pip = interpreter.pip?.version ?? '26.3';
  const given = parsed.options.filter(({ option }) => option.name === 'config-settings');
  const configSettings = settingsOf(given.map(({ value }) => value));
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
    configured: namedOnLine(parsed, context),
    constraintFiles,
    constraints,
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

function namedOnLine(
  { requirements }: ParsedArguments,
  context: RequirementContext,
): ReadonlySet<NormalizedName> {
  const entries = requirements.map((word) => parseRequirementWord(word, false, context));
  return new Set(
    entries.flatMap((entry) =>
      entry.kind === 'named' ? [normalizeName(entry.requirement.name)] : [],
    ),
  );
}
