import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errnoOf } from '../../../core/errors.ts';
import type { Environment } from '../../../config/load.ts';
import type { Lack } from './diagnose.ts';
import type { Platform, Search } from './platform.ts';

const run = promisify(execFile);

/** What is missing, and what would bring it. */
export interface Need {
  readonly lack: Lack;
  /** Empty where nobody knows; several where any one of them may be meant. */
  readonly candidates: readonly string[];
}

interface Place {
  readonly platform: Platform;
  readonly environment: Environment;
  /** `3.11`. */
  readonly python: string;
}

/**
 * The packages that hold what is missing: by the platform's tables, whose authors chose among
 * those that have a file of that name, else by the package manager's own index.
 */
export async function packagesFor(lacks: readonly Lack[], place: Place): Promise<readonly Need[]> {
  return await Promise.all(
    lacks.map(async (lack) => {
      for (const name of lack.names) {
        const listed = place.platform[lack.kind][name];
        if (listed) return { lack, candidates: [listed.replace('{python}', place.python)] };
      }
      return { lack, candidates: await searched(lack, place) };
    }),
  );
}

/** Those that are installed, by name; none where the package manager does not tell. */
export async function installedPackages(
  { installed }: Platform,
  environment: Environment,
): Promise<ReadonlySet<string>> {
  return new Set(await answers(installed.command, new RegExp(installed.line), environment));
}

async function searched(
  { kind, names }: Lack,
  { platform, environment }: Place,
): Promise<readonly string[]> {
  let several: readonly string[] = [];
  for (const name of names) {
    for (const search of platform.searches) {
      if (search.kind !== kind) continue;
      const found = await ask(search, name, environment);
      if (found.length === 1) return found;
      if (several.length === 0) several = found;
    }
  }
  return several.slice(0, mostCandidates);
}

/** More than this tell nobody anything. */
const mostCandidates = 6;

async function ask(search: Search, name: string, environment: Environment) {
  const stem = /^[\w+-]+/.exec(name)?.[0] ?? name;
  const forms: Record<string, string> = {
    name,
    lower: name.toLowerCase(),
    stem,
    regexp: escape(name),
  };
  const fill = (text: string, isPattern: boolean) =>
    text.replace(/\{(name|lower|stem|regexp)\}/g, (_, form: string) =>
      isPattern ? escape(form === 'regexp' ? name : (forms[form] ?? '')) : (forms[form] ?? ''),
    );
  const command = search.command.map((word) => fill(word, false));
  return await answers(command, new RegExp(fill(search.line, true)), environment);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** For how long an index may be searched: dnf fetches its own first. */
const searchMilliseconds = 60_000;

/** The first group of every line that matches; none where the command fails, or is not there. */
async function answers(
  [file = '', ...words]: readonly string[],
  line: RegExp,
  environment: Environment,
): Promise<readonly string[]> {
  const limits = { timeout: searchMilliseconds, maxBuffer: 1 << 26 };
  try {
    const { stdout } = await run(file, words, { ...limits, env: environment });
    const found = stdout.split('\n').map((text) => line.exec(text)?.[1]);
    return [...new Set(found.filter((name) => name !== undefined))];
  } catch (error) {
    // A search that finds nothing fails, too.
    if (error instanceof Error && ('code' in error || 'killed' in error || errnoOf(error)))
      return [];
    throw error;
  }
}
