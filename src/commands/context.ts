import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/options.ts';
import type { PipAccelError } from '../core/errors.ts';
import type { Timings } from '../core/timings.ts';
import type { Interpreter } from '../core/types.ts';
import type { Reporter } from '../report/text.ts';
import type { Store } from '../store/layout.ts';
import type { EnvironmentLock } from './cold/environment-lock.ts';

/** What every command works with. */
export interface CommandContext {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly store: Store;
  /** Why nothing of the store may be believed; null where it may. */
  readonly storeFault: PipAccelError | null;
  readonly interpreter: Interpreter;
  /** The words that start the environment's pip, or one that can work on it. */
  readonly pip: readonly string[];
  /** Those that were open when this process started. */
  readonly descriptors: readonly number[];
  /** null where nobody keeps the time. */
  readonly timings: Timings | null;
  /** The one lock of this run on its environment, which nobody holds yet. */
  readonly lock: (reporter: Reporter) => Promise<EnvironmentLock>;
}

/** Opens the lock of an environment when it is first asked for: a line that has nothing to do needs none. */
export function lockOf(interpreter: Interpreter, settings: Settings): CommandContext['lock'] {
  let opened: EnvironmentLock | null = null;
  return async (reporter) => {
    const cold = await import('./cold/environment-lock.ts');
    opened ??= new cold.EnvironmentLock(interpreter, reporter, settings.lockTimeout);
    return opened;
  };
}
