import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/options.ts';
import type { Interpreter } from '../core/types.ts';
import type { Store } from '../store/layout.ts';

/** What every command works with. */
export interface CommandContext {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly store: Store;
  readonly interpreter: Interpreter;
  /** The words that start the environment's pip, or one that can work on it. */
  readonly pip: readonly string[];
  /** Those that were open when this process started. */
  readonly descriptors: readonly number[];
}
