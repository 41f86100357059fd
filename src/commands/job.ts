import type { InstallWords } from '../cli/argv.ts';
import type { Environment } from '../config/load.ts';
import type { PipOptions } from '../config/pip-config.ts';
import type { InstalledDistribution, NormalizedName } from '../core/types.ts';
import type { InstallStep } from '../install/install.ts';
import type { BuildOptions } from '../plan/request/build-options.ts';
import type { InstallRequest } from '../plan/request/request.ts';
import type { Reporter } from '../report/text.ts';
import type { Claim } from '../store/cold/claims.ts';
import type { CommandContext } from './context.ts';

/** An `install` line that is ours to do, and all that is known of it. */
export interface InstallJob {
  readonly line: InstallWords;
  readonly context: CommandContext;
  readonly options: PipOptions;
  readonly request: InstallRequest;
  /** null: for pip to make sense of. */
  readonly build: BuildOptions | null;
  /** The first by name on sys.path, as pip sees them. */
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  /** Tells this set of distributions from others. */
  readonly installedDigest: string;
  /** Whether that is still what is installed. */
  readonly isCurrent: () => boolean;
  /** The same line in the environment as it is now. */
  readonly renew: () => InstallJob;
  /** Does what reads the environment from elsewhere, while nobody changes it. */
  readonly whileReading: <T>(read: () => Promise<T>) => Promise<T>;
  /** What of this is read from the disk, as it is there now. */
  readonly readAgain: () => Pick<InstallJob, 'request' | 'installedDigest'>;
  /** Called when nothing had to be changed: what is installed may be kept for the next time. */
  readonly keepInstalled: () => Promise<void>;
  /** What the environment's own pip can import, also where it fills another place. */
  readonly tools: { readonly setuptools: boolean; readonly wheel: boolean };
  /** What pips and builds get. */
  readonly environment: Environment;
  readonly reporter: Reporter;
  /** Reaches the user also from within a build, whose own `reporter` is heard by that build alone. */
  readonly console: Reporter;
  /** Fills the environment of a build, which is an installation within this one. */
  readonly fillEnvironment: (job: InstallJob, filling: Filling) => Promise<void>;
  /** Build requirements that this run has got ready, or is about to, by their lines. */
  readonly prepared: Map<string, Prepared>;
  /** What is held for the builds that this is a part of. */
  readonly claims: readonly Claim[];
  /** What is to be done when all is said: nobody waits for it but to get the prompt back. */
  readonly afterwards: Set<(job: InstallJob) => Promise<void>>;
  /** Lets pip do the whole line; what it was asked before stands twice in its words. */
  readonly handOver: (reason: string) => Promise<number>;
}

export interface Prepared {
  readonly steps: Promise<readonly InstallStep[]>;
  /** What is held by the build that asks just now; empty when it has its answer. */
  readonly claims: readonly Claim[];
}

/** The environment of a build, to be filled. */
export interface Filling {
  readonly requirements: readonly string[];
  readonly prefix: string;
  /** What is held for that build, and those that it is a part of. */
  readonly claims: readonly Claim[];
  readonly signal: AbortSignal;
}
