import { readFileSync } from 'node:fs';
import type { ParsedArguments } from '../../cli/argv.ts';
import type { Environment } from '../../config/load.ts';
import type { PipConfiguration } from '../../config/pip-config.ts';
import type { Interpreter, MarkerEnvironment } from '../../core/types.ts';
import { evaluateMarker } from '../../python/pep508.ts';
import type {
  DirectEntry,
  NamedEntry,
  RequirementContext,
  RequirementEntry,
} from '../requirements/entries.ts';
import { readRequirementFile } from '../requirements/file.ts';
import { parseRequirementWord } from '../requirements/word.ts';

/** Everything that was asked for, files and what they include read. */
export interface InstallRequest {
  readonly entries: readonly RequirementEntry[];
  readonly parsed: ParsedArguments;
  readonly configuration: PipConfiguration;
}

/** Reads what the line and the configuration name, in pip's order (`cli/req_command.py`, `get_requirements`). */
export function readRequest(
  parsed: ParsedArguments,
  configuration: PipConfiguration,
  where: { readonly environment: Environment; readonly interpreter: Interpreter },
): InstallRequest {
  const context: RequirementContext = {
    directory: process.cwd(),
    environment: where.environment,
    pip: where.interpreter.pip?.version ?? '26.3',
    read: (location) => (isRemote(location) ? null : readFileSync(location)),
  };
  const valuesOf = (name: string) => [
    ...(configuration.get(name)?.split(/\s+/).filter(Boolean) ?? []),
    ...parsed.options.flatMap(({ option, value }) => (option.name === name ? [value] : [])),
  ];
  const entries = [
    ...valuesOf('constraint').flatMap((file) => readRequirementFile(file, true, context)),
    ...parsed.requirements.map((word) => parseRequirementWord(word, false, context)),
    ...valuesOf('editable').map((word) => parseRequirementWord(word, true, context)),
    ...valuesOf('requirement').flatMap((file) => readRequirementFile(file, false, context)),
  ];
  return { entries, parsed, configuration };
}

export function isRemote(location: string): boolean {
  return /^(https?|file):/i.test(location);
}

/** True for a requirement or constraint whose marker holds here. */
export function holds(
  entry: RequirementEntry,
  markers: MarkerEnvironment,
): entry is NamedEntry | DirectEntry {
  if (entry.kind !== 'named' && entry.kind !== 'direct') return false;
  return entry.marker === null || evaluateMarker(entry.marker, markers, '') === true;
}

/** The files that were read, as pip names them in its messages, in their order. */
export function filesInMessages(request: InstallRequest): readonly string[] {
  return [
    ...new Set(
      request.entries.flatMap((entry) =>
        'origin' in entry && entry.origin.file !== null ? [entry.origin.file] : [],
      ),
    ),
  ];
}
