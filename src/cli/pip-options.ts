/**
 * The options of `pip install`, of the commands that share most of them, and pip's general options, over all pips from 19 to 26
 * (`pip._internal.cli.cmdoptions`). An option that is not here goes to pip, with the whole line.
 */
export interface PipOption {
  /** The name that configuration files and `PIP_*` use, without dashes. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly short?: string;
  /** `flag` stores true, `no-flag` false; the others take a value or are counted. */
  readonly action: 'flag' | 'no-flag' | 'count' | 'store' | 'append';
  /** `pip`: the line is pip's to do. `decide`: the decision honours it, the rest of the work does not change. */
  readonly route: 'decide' | 'pip';
  /** Values that every pip takes; of others pip says what is wrong with them. */
  readonly valid?: RegExp;
  /** `pip download` knows it too (asked instead of `--dry-run` before pip 22.2). */
  readonly download?: false;
}

export const pipOptions: readonly PipOption[] = [
  { name: 'requirement', short: 'r', action: 'append', route: 'decide' },
  { name: 'constraint', short: 'c', action: 'append', route: 'decide' },
  { name: 'requirements-from-script', action: 'append', route: 'decide' },
  { name: 'no-deps', aliases: ['no-dependencies'], action: 'flag', route: 'decide' },
  { name: 'only-deps', aliases: ['only-dependencies'], action: 'flag', route: 'decide' },
  { name: 'editable', short: 'e', action: 'append', route: 'decide', download: false },
  { name: 'group', action: 'append', route: 'decide' },
  { name: 'upgrade', short: 'U', action: 'flag', route: 'decide', download: false },
  {
    name: 'upgrade-strategy',
    action: 'store',
    route: 'decide',
    valid: /^(?:only-if-needed|eager)$/,
    download: false,
  },
  { name: 'force-reinstall', action: 'flag', route: 'decide', download: false },
  { name: 'ignore-installed', short: 'I', action: 'flag', route: 'decide', download: false },
  { name: 'ignore-requires-python', action: 'flag', route: 'decide', download: false },
  { name: 'compile', action: 'flag', route: 'decide', download: false },
  { name: 'no-compile', action: 'no-flag', route: 'decide', download: false },
  { name: 'no-warn-script-location', action: 'no-flag', route: 'decide', download: false },
  { name: 'no-warn-conflicts', action: 'no-flag', route: 'decide', download: false },
  { name: 'require-hashes', action: 'flag', route: 'decide' },
  { name: 'no-require-hashes', action: 'flag', route: 'decide' },
  { name: 'progress-bar', action: 'store', route: 'decide', valid: /^(?:on|off|raw)$/ },
  {
    name: 'root-user-action',
    action: 'store',
    route: 'decide',
    valid: /^(?:warn|ignore)$/,
    download: false,
  },
  { name: 'break-system-packages', action: 'flag', route: 'decide', download: false },
  { name: 'pre', action: 'flag', route: 'decide' },
  { name: 'all-releases', action: 'append', route: 'decide' },
  { name: 'only-final', action: 'append', route: 'decide' },
  { name: 'no-binary', action: 'append', route: 'decide' },
  { name: 'only-binary', action: 'append', route: 'decide' },
  { name: 'prefer-binary', action: 'flag', route: 'decide' },
  { name: 'index-url', aliases: ['pypi-url'], short: 'i', action: 'store', route: 'decide' },
  { name: 'extra-index-url', action: 'append', route: 'decide' },
  { name: 'no-index', action: 'flag', route: 'decide' },
  { name: 'find-links', short: 'f', action: 'append', route: 'decide' },
  { name: 'refresh-package', action: 'append', route: 'decide' },
  { name: 'uploaded-prior-to', action: 'store', route: 'decide' },

  { name: 'require-virtualenv', aliases: ['require-venv'], action: 'flag', route: 'decide' },
  { name: 'verbose', short: 'v', action: 'count', route: 'decide' },
  { name: 'quiet', short: 'q', action: 'count', route: 'decide' },
  { name: 'log', aliases: ['log-file', 'local-log'], action: 'store', route: 'decide' },
  { name: 'no-input', action: 'flag', route: 'decide' },
  {
    name: 'keyring-provider',
    action: 'store',
    route: 'decide',
    valid: /^(?:auto|disabled|import|subprocess)$/,
  },
  { name: 'proxy', action: 'store', route: 'decide' },
  { name: 'no-proxy-env', action: 'flag', route: 'decide' },
  { name: 'retries', action: 'store', route: 'decide', valid: /^\d+$/ },
  { name: 'resume-retries', action: 'store', route: 'decide', valid: /^\d+$/ },
  {
    name: 'timeout',
    aliases: ['default-timeout'],
    action: 'store',
    route: 'decide',
    valid: /^\d+(?:\.\d+)?$/,
  },
  { name: 'trusted-host', action: 'append', route: 'decide' },
  { name: 'cert', action: 'store', route: 'decide' },
  { name: 'client-cert', action: 'store', route: 'decide' },
  { name: 'cache-dir', action: 'store', route: 'decide' },
  { name: 'no-cache-dir', action: 'flag', route: 'decide' },
  { name: 'disable-pip-version-check', action: 'flag', route: 'decide' },
  { name: 'no-color', action: 'flag', route: 'decide' },
  { name: 'no-python-version-warning', action: 'flag', route: 'decide' },

  { name: 'help', short: 'h', action: 'flag', route: 'pip' },
  { name: 'version', short: 'V', action: 'flag', route: 'pip' },
  { name: 'debug', action: 'flag', route: 'pip' },
  { name: 'isolated', action: 'flag', route: 'pip' },
  { name: 'python', action: 'store', route: 'pip' },
  { name: 'dry-run', action: 'flag', route: 'pip' },
  { name: 'report', action: 'store', route: 'pip' },
  { name: 'target', short: 't', action: 'store', route: 'pip' },
  { name: 'user', action: 'flag', route: 'pip' },
  { name: 'no-user', action: 'no-flag', route: 'decide', download: false },
  { name: 'root', action: 'store', route: 'pip' },
  { name: 'prefix', action: 'store', route: 'pip' },
  {
    name: 'src',
    aliases: ['source', 'source-dir', 'source-directory'],
    action: 'store',
    route: 'pip',
  },
  { name: 'platform', action: 'append', route: 'pip' },
  { name: 'python-version', action: 'store', route: 'pip' },
  { name: 'implementation', action: 'store', route: 'pip' },
  { name: 'abi', action: 'append', route: 'pip' },
  { name: 'build-constraint', action: 'append', route: 'decide' },
  { name: 'no-build-isolation', action: 'no-flag', route: 'decide' },
  { name: 'use-pep517', action: 'flag', route: 'pip' },
  { name: 'no-use-pep517', action: 'no-flag', route: 'pip' },
  { name: 'check-build-dependencies', action: 'flag', route: 'pip' },
  {
    name: 'config-settings',
    aliases: ['config-setting'],
    short: 'C',
    action: 'append',
    route: 'decide',
  },
  { name: 'global-option', action: 'append', route: 'pip' },
  { name: 'build-option', action: 'append', route: 'pip' },
  { name: 'install-option', action: 'append', route: 'pip' },
  {
    name: 'build',
    aliases: ['build-dir', 'build-directory'],
    short: 'b',
    action: 'store',
    route: 'pip',
  },
  { name: 'no-clean', action: 'flag', route: 'pip' },
  {
    name: 'dest',
    aliases: ['destination-dir', 'destination-directory'],
    short: 'd',
    action: 'store',
    route: 'pip',
  },
  { name: 'wheel-dir', short: 'w', action: 'store', route: 'pip' },
  { name: 'output', short: 'o', action: 'store', route: 'pip' },
  { name: 'no-verify', action: 'flag', route: 'pip' },
  { name: 'json', action: 'flag', route: 'pip' },
  { name: 'exists-action', action: 'append', route: 'pip' },
  { name: 'use-feature', action: 'append', route: 'pip' },
  { name: 'use-deprecated', action: 'append', route: 'pip' },
];

const byLong = new Map<string, PipOption>(
  pipOptions.flatMap((option) =>
    [option.name, ...(option.aliases ?? [])].map((name) => [name, option] as const),
  ),
);
const byShort = new Map<string, PipOption>(
  pipOptions.flatMap((option) => (option.short ? [[option.short, option] as const] : [])),
);

/** The option of a long name as configuration spells it (`--` left out, `_` as `-`). */
export function findLongOption(name: string): PipOption | undefined {
  return byLong.get(name);
}

export function findShortOption(letter: string): PipOption | undefined {
  return byShort.get(letter);
}
