import pLimit from 'p-limit';
import type { Environment } from '../../../config/load.ts';
import type { Settings } from '../../../config/options.ts';
import { PipAccelError } from '../../../core/errors.ts';
import type { Emit } from '../../../core/events.ts';
import { type Lack, diagnose } from './diagnose.ts';
import { installCommand, installPackages } from './install.ts';
import { installedPackages, type Need, packagesFor } from './packages-for.ts';
import { type Platform, platformOf } from './platform.ts';

/** What a failed build said, and whose it was. */
export interface FailedBuild {
  /** Normalised name of the project; null where nobody knows which of them failed. */
  readonly project: string | null;
  /** For people: `lxml 5.3.0`. */
  readonly title: string;
  readonly output: string;
  /** `3.11`, whose headers it may lack. */
  readonly python: string;
  /** It is known what it died of, and that is nothing on the system. */
  readonly isUnderstood: boolean;
  /** When it began: `Date.now()`. */
  readonly started: number;
}

/** How packages may be installed here. */
export interface Assistance {
  readonly settings: Pick<Settings, 'autoInstall' | 'platformFile'>;
  /** What package managers get. */
  readonly environment: Environment;
  readonly emit: Emit;
  /** null where nobody is there to be asked. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<boolean>) | null;
  readonly signal: AbortSignal;
}

export type Remedy =
  /** Something that the build lacked is there now: it may get further. */
  | { readonly outcome: 'installed' }
  | { readonly outcome: 'missing'; readonly explanation: readonly string[]; readonly hint: string }
  /** The build did not fail for want of anything on the system, as far as its output tells. */
  | { readonly outcome: 'unknown' };

/** There is one terminal to ask at, and one database of packages. */
const inTurn = pLimit(1);

/** What this process installed, by name: when. */
const installedHere = new Map<string, number>();

/**
 * Finds out which packages of the system a build failed for, and installs them where the user
 * has it so, or says so when asked.
 *
 * @throws PipAccelError `config-unreadable` for a platform file of the user's; the signal's reason.
 */
export async function provideSystemPackages(
  build: FailedBuild,
  assistance: Assistance,
): Promise<Remedy> {
  const lacks = diagnose(build.output);
  const platform = await platformOf(assistance.settings.platformFile);
  if (!platform) return lacks.length > 0 ? unknownSystem(lacks) : { outcome: 'unknown' };
  return await inTurn(async () => {
    assistance.signal.throwIfAborted();
    return await provideOn(platform, { build, lacks }, assistance);
  });
}

interface Diagnosed {
  readonly build: FailedBuild;
  readonly lacks: readonly Lack[];
}

async function provideOn(
  platform: Platform,
  { build, lacks }: Diagnosed,
  assistance: Assistance,
): Promise<Remedy> {
  const { environment, settings } = assistance;
  const place = { platform, environment, python: build.python };
  const [needs, installed] = await Promise.all([
    packagesFor(lacks, place),
    installedPackages(platform, environment),
  ]);
  const told = new Set(
    needs.flatMap(({ candidates }) => (candidates.length === 1 ? candidates : [])),
  );
  if ([...told].some((name) => (installedHere.get(name) ?? 0) >= build.started)) {
    return { outcome: 'installed' };
  }
  const missing = [...told].filter((name) => !installed.has(name));
  // The project's own line is the last resort.
  const listed =
    build.project === null || build.isUnderstood ? [] : (platform.project[build.project] ?? []);
  const wanted = told.size > 0 ? missing : listed.filter((name) => !installed.has(name));
  if (wanted.length === 0 && lacks.length === 0) return { outcome: 'unknown' };
  const explanation = explain(platform, needs, told.size > 0 ? [] : wanted);
  if (wanted.length === 0) return { outcome: 'missing', explanation, hint: byHand(platform) };
  const command = installCommand(platform, wanted, assistance.ask !== null);
  const hint = `Install them: ${command.join(' ')} (--auto-install=yes does so by itself)`;
  const say = () =>
    assistance.emit({ type: 'system-packages-missing', title: build.title, explanation, command });
  if (!(await isAgreed(settings.autoInstall, say, assistance))) {
    return { outcome: 'missing', explanation, hint };
  }
  const failure = await installPackages(platform, wanted, assistance);
  assistance.signal.throwIfAborted();
  if (failure !== null) {
    return { outcome: 'missing', explanation: [...explanation, ...failure], hint };
  }
  for (const name of wanted) installedHere.set(name, Date.now());
  return { outcome: 'installed' };
}

/** @param say what is missing; where nothing comes of it, the error says so. */
async function isAgreed(
  choice: Settings['autoInstall'],
  say: () => void,
  { ask, signal }: Assistance,
): Promise<boolean> {
  switch (choice) {
    case 'yes':
      say();
      return true;
    case 'no':
      return false;
    case 'prompt':
      if (ask === null) return false;
      say();
      return await ask('Install them now? [y/N] ', signal);
    default:
      return choice satisfies never;
  }
}

/** A line for each thing that is missing: what brings it, and what told so. */
function explain(
  { name }: Platform,
  needs: readonly Need[],
  fromTable: readonly string[],
): readonly string[] {
  const lines = needs.map(({ lack, candidates }) => {
    const [only, second] = candidates;
    const what = `${words[lack.kind]} ${lack.names[0]}`;
    const packages =
      only === undefined
        ? `no package of ${name} is known for the ${what}`
        : second === undefined
          ? `${only}, for the ${what}`
          : `one of ${candidates.join(', ')}, for the ${what}`;
    return `${packages}: ${lack.line}`;
  });
  if (fromTable.length === 0) return lines;
  return [...lines, `${fromTable.join(', ')}, which it is known to need`];
}

const words: Record<Lack['kind'], string> = {
  header: 'header',
  library: 'library',
  program: 'program',
  'pkg-config': 'pkg-config name',
  cmake: 'CMake package',
};

function byHand({ name }: Platform): string {
  return `Find out which packages of ${name} have them, install those, and run this again.`;
}

function unknownSystem(lacks: readonly Lack[]): Remedy {
  return {
    outcome: 'missing',
    explanation: lacks.map(({ kind, names, line }) => `the ${words[kind]} ${names[0]}: ${line}`),
    hint: 'Install them with the package manager of this system, and run this again.',
  };
}

export function missingText({ explanation }: Extract<Remedy, { outcome: 'missing' }>): string {
  return ['It lacks packages of the system:', ...explanation.map((line) => `  ${line}`)].join('\n');
}

/** The failure with what its output told of packages; itself where that is nothing. */
export function explainedFailure(error: PipAccelError, remedy: Remedy): PipAccelError {
  if (remedy.outcome !== 'missing') return error;
  const message = `${error.message}\n${missingText(remedy)}`;
  return new PipAccelError('system-packages-missing', message, { cause: error, hint: remedy.hint });
}
