import { childEnvironment } from '../config/load.ts';
import type { LockMode } from '../process/lock.ts';
import { becomeProgram, type Legacy } from '../process/replace.ts';
import { openReporter } from '../report/open.ts';
import type { Reporter } from '../report/text.ts';
import type { CommandContext } from './context.ts';

/** A line that is pip's to do, and what its command is called; null where that is not known. */
export interface PipLine {
  readonly name: string | null;
  readonly words: readonly string[];
}

/**
 * pip takes the place of this process, with the environment locked as its command needs it. Where
 * it cannot, the exit code is told.
 *
 * @throws PipAccelError `environment-locked`, `environment-unusable`
 */
export async function becomePip(
  { name, words }: PipLine,
  context: CommandContext,
  reporter?: Reporter,
): Promise<number> {
  const atStart = context.descriptors;
  const mode = lockModeOf(name, words);
  if (mode === null) return await start({ name, words }, context, { atStart });
  const { settings, timings } = context;
  timings?.enter('wait');
  const voice = { quietness: 0, verbosity: settings.logVerbosity };
  const lock = await context.lock(reporter ?? (await openReporter(settings.logFormat, voice)));
  await lock[mode]();
  // Python 2 hands what it inherits on to all that builds start, which may outlive it.
  const isHandedOn = context.interpreter.versionInfo[0] === 2;
  const held = isHandedOn ? [] : lock.descriptors;
  const inherited = { atStart, held, stays: lock.isOwn || isHandedOn };
  return await start({ name, words }, context, inherited);
}

/** Commands that may go to an index, a repository or a URL. */
const networked = new Set(['install', 'download', 'wheel', 'lock', 'index']);

async function start(line: PipLine, context: CommandContext, given: Legacy): Promise<number> {
  const { timings } = context;
  timings?.enter('pip');
  // Who keeps the time sees it end.
  const legacy = timings ? { ...given, stays: true } : given;
  const environment = childEnvironment(context.environment);
  if (line.name === null || !networked.has(line.name) || isAboutItself(line)) {
    return await becomeProgram([...context.pip, ...line.words], environment, legacy);
  }
  const { throughGateway } = await import('./cold/line-gateway.ts');
  const under = { environment, context };
  return await throughGateway(line, under, async (words, environment, isGated) => {
    const stays = legacy.stays === true || isGated;
    return await becomeProgram([...context.pip, ...words], environment, { ...legacy, stays });
  });
}

function isAboutItself({ words }: PipLine): boolean {
  return words.some((word) => ['--help', '-h', '--version', '-V'].includes(word));
}

const modes: Readonly<Record<string, LockMode>> = {
  install: 'exclusive',
  uninstall: 'exclusive',
  list: 'shared',
  freeze: 'shared',
  check: 'shared',
  show: 'shared',
  inspect: 'shared',
};

/** How a command of pip's uses the environment; null where it does not. */
function lockModeOf(name: string | null, words: readonly string[]): LockMode | null {
  if (name === null || isAboutItself({ name, words }) || process.platform === 'win32') return null;
  if (name === 'install' && words.includes('--dry-run')) return 'shared';
  return Object.hasOwn(modes, name) ? (modes[name] ?? null) : null;
}
