import type { GivenOption } from '../../cli/argv.ts';
import type { PipConfiguration } from '../../config/pip-config.ts';
import { sha256 } from '../../core/sha256.ts';
import type { NormalizedName } from '../../core/types.ts';
import type { ConfigSettings, KeyRequest } from '../../store/key.ts';

/** How the line wants its builds, beside what `--builder` says. */
export interface BuildOptions {
  /** False with `--no-build-isolation`. */
  readonly isolated: boolean;
  /** Of `--config-settings`; they hold for what the command line names, and for nothing that requires it. */
  readonly configSettings: ConfigSettings;
  readonly configured: ReadonlySet<NormalizedName>;
  /** The files of `--build-constraint`, as given. */
  readonly constraintFiles: readonly string[];
  /** Their lines. */
  readonly constraints: readonly string[];
}

export const plainBuilds: BuildOptions = {
  isolated: true,
  configSettings: {},
  configured: new Set(),
  constraintFiles: [],
  constraints: [],
};

const names = ['config-settings', 'config-setting', 'build-constraint', 'no-build-isolation'];

/** True where there is more to builds than `plainBuilds`. */
export function saysOfBuilds(
  given: readonly GivenOption[],
  configuration: PipConfiguration,
): boolean {
  return (
    given.some(({ option }) => names.includes(option.name)) ||
    names.some((name) => configuration.has(name))
  );
}

/** What of them tells one build from another; `installed` is the digest of the environment that builds see. */
export function keyOptions(
  { isolated, configSettings, configured, constraints }: BuildOptions,
  key: NormalizedName,
  installed: string,
): Pick<KeyRequest, 'configSettings' | 'buildConstraints' | 'salt'> {
  const isSet = Object.keys(configSettings).length > 0;
  return {
    ...(isSet && configured.has(key) ? { configSettings } : {}),
    ...(constraints.length > 0 ? { buildConstraints: constraints } : {}),
    ...(isolated ? {} : { salt: sha256(`--no-build-isolation ${installed}`) }),
  };
}
