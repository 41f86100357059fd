/** Every way in which pip-accel can fail, what it exits with, and what the docs say of it. */
export const errorCodes = {
  'invalid-option': {
    exitCode: 2,
    help: 'An option of pip-accel has a value that it cannot take.',
  },
  'config-unreadable': {
    exitCode: 2,
    help: 'A configuration file that was named does not exist, cannot be read, or has no `[pip-accel]` section.',
  },
  'python-not-found': {
    exitCode: 1,
    help: 'No Python could be found or started where one was named.',
  },
  'pip-not-found': {
    exitCode: 1,
    help: 'The environment has no pip, and no other pip on PATH can install into it.',
  },
  offline: {
    exitCode: 1,
    help: '`--offline` was given, and the store does not know all that is needed.',
  },
  'download-failed': {
    exitCode: 1,
    help: 'An archive could not be fetched, after the retries that `max-retries` allows.',
  },
  'authentication-required': {
    exitCode: 1,
    help: 'An index asks for credentials that only pip has; pip then does the installation.',
  },
  'hash-mismatch': {
    exitCode: 1,
    help: 'The bytes that arrived are not the ones that the index, or a `--hash`, promised.',
  },
  'archive-invalid': {
    exitCode: 1,
    help: 'A wheel, an sdist or a binary distribution is damaged or holds what an archive must not hold.',
  },
  'build-failed': {
    exitCode: 1,
    help: 'A source distribution could not be built; its log is kept.',
  },
  'system-packages-missing': {
    exitCode: 1,
    help: 'A source distribution could not be built for lack of headers, libraries or programs of the system; see [system-packages.md](system-packages.md).',
  },
  'store-unusable': {
    exitCode: 1,
    help: 'The data directory is full, read-only or unsafe.',
  },
  'environment-unusable': {
    exitCode: 1,
    help: 'The environment cannot be changed.',
  },
  'environment-locked': {
    exitCode: 1,
    help: 'Other processes used the environment for longer than `lock-timeout`.',
  },
  interrupted: {
    exitCode: 1,
    help: 'A signal asked to stop; nothing was installed.',
  },
  'install-failed': {
    exitCode: 1,
    help: 'Files could not be put in place; what had been changed was put back.',
  },
} as const satisfies Record<string, { exitCode: number; help: string }>;

export type ErrorCode = keyof typeof errorCodes;

interface ErrorDetails {
  /** What the user can do next: one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Where it is not the code's own. */
  readonly exitCode?: number;
}

/** A failure that is the user's to know. Anything else that is thrown is a bug. */
export class PipAccelError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      redact(message),
      'cause' in details && details.cause !== undefined ? { cause: details.cause } : {},
    );
    this.name = 'PipAccelError';
    this.code = code;
    this.hint = details.hint === undefined ? undefined : redact(details.hint);
    this.exitCode = details.exitCode ?? errorCodes[code].exitCode;
  }
}

/** Hides the password of every URL in a text, as pip does: `https://user:****@host/`. */
export function redact(text: string): string {
  // Begins at the slashes: with the scheme it would begin anew at each letter of a long text.
  return text.replace(
    /:\/\/([^\s/?#@:]*)(:[^\s/?#]*)?@/g,
    (_match, user: string, password: string | undefined) =>
      password === undefined ? '://****@' : `://${user}:****@`,
  );
}

/** True for an operating system error with one of the given codes (`ENOENT`, …). */
export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  const code = errnoOf(error);
  return code !== null && codes.includes(code);
}

/** The code of a system error, such as `ENOSPC`; null where it has none. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null;
}
