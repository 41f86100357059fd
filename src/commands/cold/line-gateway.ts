import { statSync } from 'node:fs';
import { type ParsedArguments, parseArguments } from '../../cli/argv.ts';
import { withoutOptions } from '../../cli/cold/without-options.ts';
import type { Environment } from '../../config/load.ts';
import {
  effectiveOptions,
  loadPipConfiguration,
  type PipConfiguration,
  type PipOptions,
} from '../../config/pip-config.ts';
import { errnoOf } from '../../core/errors.ts';
import {
  type Gateway,
  type GatewayRules,
  openGateway,
  takenOver,
} from '../../gateway/cold/gateway.ts';
import { readRequest } from '../../plan/request/request.ts';
import { atLeast } from '../../python/pip.ts';
import type { PipLine } from '../become-pip.ts';
import type { CommandContext } from '../context.ts';
import { aheadOf, type ForeseenLine } from './ahead.ts';

interface Line {
  readonly options: PipOptions;
  readonly environment: Environment;
  /** See `GatewayRules`. */
  readonly stepsAside?: boolean;
  readonly openAhead?: NonNullable<GatewayRules['openAhead']>;
}

/**
 * The gateway for a line of pip; null where it takes no network, or pip has to go there by itself.
 * With `--offline` it stands in the way of all, also of what metadata names by its URL.
 */
export async function openLineGateway(
  { stepsAside = false, ...line }: Line,
  { interpreter, settings, timings }: CommandContext,
): Promise<Gateway | null> {
  const { options } = line;
  const version = interpreter.pip?.version ?? '';
  const isServed =
    settings.gateway &&
    process.platform !== 'win32' &&
    atLeast(version, 18, 1) &&
    // Then pip reads no variables.
    !options.flag('isolated') &&
    (settings.offline || takesNetwork(options));
  if (!isServed) return null;
  try {
    const rules = { ...line, version, stepsAside, timings };
    return await openGateway({ ...rules, isOffline: settings.offline });
  } catch (error) {
    // Certificates or a proxy that make no sense: pip says what is wrong with them.
    if (errnoOf(error) !== null) return null;
    throw error;
  }
}

/**
 * Runs a line that is all pip's to do, through a gateway where it can have one: its words have to
 * be known for that.
 *
 * @param run starts pip with words and variables, and tells when it has ended.
 */
export async function throughGateway(
  { name, words }: PipLine,
  { environment, context }: Pick<Line, 'environment'> & { readonly context: CommandContext },
  run: (words: readonly string[], environment: Environment, isGated: boolean) => Promise<number>,
): Promise<number> {
  const { prefix } = context.interpreter;
  const configuration = loadPipConfiguration(environment, prefix, name ?? '');
  const parsed = parseArguments(words);
  const options = parsed && configuration && effectiveOptions(configuration, parsed.options);
  if (!options) return await run(words, environment, false);
  // The command is the first of the words that are no options.
  const asked = { ...parsed, requirements: parsed.requirements.slice(1) };
  const openAhead = aheadOfLine({ parsed: asked, configuration, options, environment, context });
  const line = { options, environment, ...(openAhead ? { openAhead } : {}) };
  const gateway = await openLineGateway(line, context);
  if (!gateway) return await run(words, environment, false);
  try {
    const variables = { ...environment, ...gateway.variables };
    return await run(withoutOptions(words, takenOver), variables, true);
  } finally {
    await gateway.close();
  }
}

/** null where the line, or the store, is not one to be read. */
function aheadOfLine({
  parsed,
  configuration,
  ...line
}: Pick<ForeseenLine, 'context' | 'environment' | 'options'> & {
  readonly parsed: ParsedArguments;
  readonly configuration: PipConfiguration;
}): GatewayRules['openAhead'] | null {
  const { context, environment, options } = line;
  if (context.storeFault) return null;
  const files = ['requirement', 'constraint'].flatMap((name) => options.values(name));
  // A pipe can be read once, by pip.
  const isReadable = (file: string) =>
    /^https?:/i.test(file) || statSync(file, { throwIfNoEntry: false })?.isFile() === true;
  if (!files.every(isReadable)) return null;
  const { interpreter } = context;
  const request = readRequest(parsed, configuration, { environment, interpreter });
  // What comes and goes meanwhile is pip's to say.
  const nothing = { build: null, installed: new Map(), installedDigest: '' };
  return aheadOf({ ...line, ...nothing, request, emit: () => {} });
}

/** False where every place to look in is a local one. */
function takesNetwork(options: PipOptions): boolean {
  const isRemote = (text: string) => /^[a-z+]+:/i.test(text) && !/^file:/i.test(text);
  return !options.flag('no-index') || options.values('find-links').some(isRemote);
}
