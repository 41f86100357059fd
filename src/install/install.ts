import { PipAccelError } from '../core/errors.ts';
import type { Timings } from '../core/timings.ts';
import type { Interpreter } from '../core/types.ts';
import type { Image } from '../store/images.ts';
import { Linker, type LinkMode } from './link.ts';
import { pipBehaviour } from './pip-behaviour.ts';
import { placeDistributions } from './place.ts';
import { Transaction } from './transaction.ts';
import { planRemovals, type Removal } from './uninstall.ts';

export interface InstallStep {
  readonly image: Image;
  /** Named by the user: gets a REQUESTED file (PEP 376). */
  readonly requested: boolean;
  readonly replaces: Removal | null;
  /** JSON for direct_url.json (PEP 610). */
  readonly directUrl: string | null;
  /** The name as the requirement spells it, by which pip names the folder of headers; else the metadata's. */
  readonly spelling?: string;
}

export interface InstallOptions {
  readonly compile: boolean;
  readonly linkMode: LinkMode;
  /** `$PATH`, for the warning about scripts that are not on it. */
  readonly path: string;
  /** Stops the change before it is final. */
  readonly signal?: AbortSignal;
  readonly timings?: Timings | null;
  /** Called when all is linked, and nothing is installed yet; if it fails all is put back. */
  readonly beforePublish?: () => Promise<void>;
  /** Work that belongs to the change: done when all is in place; if it fails all is put back. */
  readonly beforeCommit?: () => Promise<void>;
}

export interface InstallResult {
  /** pip's own words, in the order of the steps; several lines each. */
  readonly warnings: readonly string[];
  /** Why files were copied instead of linked. */
  readonly fallbacks: readonly string[];
  /** Folders with replaced files that could not be removed. */
  readonly leftovers: readonly string[];
}

/**
 * Installs distributions into an environment as pip would have, as one change: replaced
 * versions are moved aside first, modules and scripts are put in place step by step, and
 * the dist-info folders are renamed into place last. Where two own a path, the later step wins.
 *
 * @throws PipAccelError `install-failed`, or what `signal` was aborted with; the environment is then as it was.
 */
export async function install(
  steps: readonly InstallStep[],
  interpreter: Interpreter,
  options: InstallOptions,
): Promise<InstallResult> {
  const { timings } = options;
  timings?.enter('place');
  const transaction = new Transaction(interpreter);
  const linker = new Linker(options.linkMode);
  const behaviour = pipBehaviour(interpreter.pip);
  let current = 'the distributions';
  let warnings: readonly string[] = [];
  let leftovers: readonly string[] = [];
  try {
    transaction.begin();
    const removals = steps.flatMap(({ replaces }) => replaces ?? []);
    if (removals.length > 0) {
      current = `in place of ${namesOf(removals)}`;
      transaction.remove(planRemovals(removals, interpreter));
    }
    const onStep = ({ image: { manifest } }: InstallStep): void => {
      current = `${manifest.name} ${manifest.version}`;
    };
    const context = { interpreter, options, transaction, linker, behaviour, onStep };
    const placed = await placeDistributions(steps, context);
    ({ warnings } = placed);
    // A signal that came while files were written is told of now.
    await new Promise((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
    await options.beforePublish?.();
    timings?.enter('commit');
    transaction.publish(placed.published);
    await options.beforeCommit?.();
    timings?.enter('commit');
    leftovers = transaction.commit();
  } catch (error) {
    throw failureOf(`install ${current}`, error, rollBack(transaction));
  }
  return { warnings, fallbacks: [...new Set(linker.fallbacks)], leftovers };
}

/** What could not be put back; null where all is as it was. */
function rollBack(transaction: Transaction): string | null {
  try {
    transaction.rollback();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Takes distributions away, as one change.
 *
 * @throws PipAccelError `install-failed`; the environment is then as it was.
 */
export function takeAway(removals: readonly Removal[], interpreter: Interpreter): void {
  const transaction = new Transaction(interpreter);
  try {
    transaction.begin();
    transaction.remove(planRemovals(removals, interpreter));
    transaction.commit();
  } catch (error) {
    throw failureOf(`uninstall ${namesOf(removals)}`, error, rollBack(transaction));
  }
}

function namesOf(removals: readonly Removal[]): string {
  return removals.map(({ distribution: { name, version } }) => `${name} ${version}`).join(', ');
}

/** A failure of the file system in the words of the user; a mistake of ours stays what it is. */
function failureOf(what: string, error: unknown, notPutBack: string | null): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  if (error instanceof PipAccelError && notPutBack === null) return error;
  return new PipAccelError('install-failed', `Could not ${what}: ${error.message}`, {
    cause: error,
    hint: notPutBack ?? 'The environment is as it was before.',
  });
}
