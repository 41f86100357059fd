/**
 * The one table of pip-accel's own options. It drives the loading of files and environment,
 * the flags of `install`, `pip-accel accel help` and the reference in docs/configuration.md.
 */
type Kind =
  | { readonly kind: 'path' }
  | { readonly kind: 'flag' }
  | { readonly kind: 'count'; readonly minimum: number }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'age' }
  | { readonly kind: 'size' };

export type OptionSpec = Kind & {
  /** The variable that sets it; an empty value counts as unset. */
  readonly environment: string;
  /** The flag of `pip-accel install` that sets it, where there is one. */
  readonly flag?: string;
  /** What holds when nothing sets it, as the docs show it. */
  readonly default: string;
  readonly help: string;
};

export const optionTable = {
  'data-directory': {
    kind: 'path',
    environment: 'PIP_ACCEL_CACHE',
    default: '/var/cache/pip-accel for root, else ~/.pip-accel',
    help: 'Where sources, binary distributions, images and decisions are kept.',
  },
  python: {
    kind: 'path',
    environment: 'PIP_ACCEL_PYTHON',
    default: '$VIRTUAL_ENV, else python3 or python on PATH',
    help: 'The Python (executable or environment) to work on; `--python` before the command overrides it.',
  },
  'max-retries': {
    kind: 'count',
    minimum: 0,
    environment: 'PIP_ACCEL_MAX_RETRIES',
    default: '3',
    help: 'How often a download or a question to the index is tried again after a failure that may pass.',
  },
  'trust-mod-times': {
    kind: 'flag',
    environment: 'PIP_ACCEL_TRUST_MOD_TIMES',
    default: 'true',
    help: 'Take a local archive for unchanged when its size and modification time are; otherwise it is hashed every time.',
  },
  builder: {
    kind: 'choice',
    choices: ['auto', 'bdist_dumb', 'pep517'],
    environment: 'PIP_ACCEL_BUILDER',
    flag: '--builder',
    default: 'auto',
    help: 'How sdists are built: `auto` runs `setup.py bdist_dumb` for projects that have only a setup.py, where the result can equal pip’s, and the build backend otherwise.',
  },
  'link-mode': {
    kind: 'choice',
    choices: ['auto', 'clone', 'hardlink', 'copy'],
    environment: 'PIP_ACCEL_LINK_MODE',
    flag: '--link-mode',
    default: 'auto',
    help: 'How files get from the store into an environment; `auto` takes the cheapest that the two volumes allow.',
  },
  'auto-install': {
    kind: 'choice',
    choices: ['yes', 'no', 'prompt'],
    environment: 'PIP_ACCEL_AUTO_INSTALL',
    flag: '--auto-install',
    default: 'prompt',
    help: 'Whether to install the packages of the system (headers, libraries, compilers) that a build fails for: `prompt` asks, where there is a terminal and no `--no-input`; see [system-packages.md](system-packages.md).',
  },
  'platform-file': {
    kind: 'path',
    environment: 'PIP_ACCEL_PLATFORM_FILE',
    default: 'none',
    help: 'A JSON file that says how packages of the system are called, found and installed, in place of what pip-accel knows of Debian, Fedora, Alpine, Arch Linux and Homebrew.',
  },
  'max-size': {
    kind: 'size',
    environment: 'PIP_ACCEL_MAX_SIZE',
    default: 'none',
    help: 'How much of the disk the data directory may take. Who brings something new removes what was used least recently, a bounded part after each run, nothing of the last hour. Without it nothing is removed, for only you know what you could not get or build again.',
  },
  'verify-images': {
    kind: 'choice',
    choices: ['always', 'hourly', 'never'],
    environment: 'PIP_ACCEL_VERIFY_IMAGES',
    default: 'hourly',
    help: 'When the files of images are looked at before they are linked, so that one that was edited in an environment does not reach the next: `hourly` where the last look is over an hour ago. `never` leaves the one after a start of the machine, which a power cut may have preceded.',
  },
  'index-max-age': {
    kind: 'age',
    environment: 'PIP_ACCEL_INDEX_MAX_AGE',
    flag: '--index-max-age',
    default: 'auto',
    help: 'For how many seconds a decision about unpinned requirements holds without asking the index again; `auto` is as long as the index says of its pages, ten minutes at most; `forever` for always. Afterwards, and with `-U`, the index is asked whether these pages have changed, and pip decides anew where one has. Pinned ones always hold.',
  },
  offline: {
    kind: 'flag',
    environment: 'PIP_ACCEL_OFFLINE',
    flag: '--offline',
    default: 'false',
    help: 'Use no network: what the store does not know is an error.',
  },
  gateway: {
    kind: 'flag',
    environment: 'PIP_ACCEL_GATEWAY',
    default: 'true',
    help: 'Stand between pip and the network, as a proxy on loopback that lives as long as a pip runs. Without it every pip goes to the network by itself.',
  },
  'lock-timeout': {
    kind: 'count',
    minimum: 0,
    environment: 'PIP_ACCEL_LOCK_TIMEOUT',
    default: '900',
    help: 'For how many seconds to wait while another process changes the environment. Commands that only read it wait 5 seconds at most, and then go on with a warning.',
  },
  'log-verbosity': {
    kind: 'choice',
    choices: ['error', 'warning', 'info', 'verbose', 'debug'],
    environment: 'PIP_ACCEL_LOG_VERBOSITY',
    default: 'info',
    help: 'How much pip-accel says of itself; `-v` and `-q` on the command line move it up and down.',
  },
  'log-file': {
    kind: 'path',
    environment: 'PIP_ACCEL_LOG_FILE',
    default: 'none',
    help: 'A file to which every `install` adds what it did, a line of JSON for each event: what was linked, and what was handed to pip and why.',
  },
  timings: {
    kind: 'path',
    environment: 'PIP_ACCEL_TIMINGS',
    flag: '--timings',
    default: 'none',
    help: 'A file to which an `install` writes when it began and ended what, for each distribution, as JSON; see [Where does the time go?](troubleshooting.md#where-does-the-time-go)',
  },
  'log-format': {
    kind: 'choice',
    choices: ['text', 'json'],
    environment: 'PIP_ACCEL_LOG_FORMAT',
    default: 'text',
    help: 'How pip-accel’s own messages on standard error look; `json` writes a line of JSON for each.',
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionKey = keyof typeof optionTable;

export type Verbosity = 'error' | 'warning' | 'info' | 'verbose' | 'debug';

/** What the options come to, after files, environment and flags. */
export interface Settings {
  readonly dataDirectory: string;
  /** null: `$VIRTUAL_ENV`, else PATH. */
  readonly python: string | null;
  readonly maxRetries: number;
  readonly trustModTimes: boolean;
  readonly builder: 'auto' | 'bdist_dumb' | 'pep517';
  readonly linkMode: 'auto' | 'clone' | 'hardlink' | 'copy';
  /** Bytes; null for any number. */
  readonly autoInstall: 'yes' | 'no' | 'prompt';
  /** null: by what the system says it is. */
  readonly platformFile: string | null;
  readonly maxSize: number | null;
  readonly verifyImages: 'always' | 'hourly' | 'never';
  /** Seconds; Infinity for `forever`; null for as long as the index says. */
  readonly indexMaxAge: number | null;
  readonly offline: boolean;
  readonly gateway: boolean;
  /** Seconds. */
  readonly lockTimeout: number;
  readonly logVerbosity: Verbosity;
  /** null: no log. */
  readonly logFile: string | null;
  /** null: nobody keeps the time. */
  readonly timings: string | null;
  readonly logFormat: 'text' | 'json';
}
