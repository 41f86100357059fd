import { writeSync } from 'node:fs';
import type { Verbosity } from '../config/options.ts';
import { hasErrno } from '../core/errors.ts';
import type { Emit, Event } from '../core/events.ts';

/** Renders events and messages for people. The only module that writes to the console. */
export interface Reporter {
  readonly emit: Emit;
  /** A line of pip's: shown unless `-q`. */
  readonly info: (line: string) => void;
  /** pip's own words that are said here in its place: shown unless `-qq`. */
  readonly pipWarning: (line: string) => void;
  /** Likewise: shown unless `-qqq`. */
  readonly pipError: (line: string) => void;
  /** What pip-accel has to say of itself: shown unless `-qq`. */
  readonly warning: (line: string) => void;
  /** Likewise: shown unless `-qqq`. */
  readonly error: (message: string, hint?: string) => void;
}

export interface Streams {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

export interface ReportOptions {
  /** `-q` less `-v` of the command line; negative for verbose. */
  readonly quietness: number;
  readonly verbosity: Verbosity;
  /** Gives back, in a line of pip's, what the user typed. */
  readonly restore?: (line: string) => string;
  /** Hears of every event, whatever is shown. */
  readonly log?: Emit;
}

const levels: readonly Verbosity[] = ['error', 'warning', 'info', 'verbose', 'debug'];

/**
 * Not `process.stdout`: to load that takes 4 ms, and it makes a pipe non-blocking also for the
 * pip that takes our place, whose `print` then fails when the pipe is full.
 */
export function consoleStreams(): Streams {
  return { stdout: (text) => write(1, text), stderr: (text) => write(2, text) };
}

/** Milliseconds between looks at a full pipe that somebody else made non-blocking. */
const fullPipeDelay = 5;

function write(descriptor: 1 | 2, text: string): void {
  let left: Uint8Array = Buffer.from(text);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(descriptor, left));
    } catch (error) {
      // Whoever reads may go away (`| head`); an installation under way goes on.
      if (hasErrno(error, 'EPIPE')) return;
      if (!hasErrno(error, 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipeDelay);
    }
  }
}

export function textReporter(streams: Streams, options: ReportOptions): Reporter {
  const level = levels.indexOf(options.verbosity) - options.quietness;
  const shows = (wanted: Verbosity) => level >= levels.indexOf(wanted);
  const info = (line: string) => {
    if (options.quietness < 1) streams.stdout(`${line}\n`);
  };
  const pipWarning = (line: string) => {
    if (options.quietness < 2) streams.stderr(`WARNING: ${line}\n`);
  };
  const warning = (line: string) => {
    if (shows('warning')) pipWarning(line);
  };
  const say = (wanted: Verbosity, line: string) => {
    if (shows(wanted)) streams.stdout(`${line}\n`);
  };
  const error = (message: string, hint?: string) => {
    if (options.quietness >= 3) return;
    streams.stderr(`ERROR: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
  };
  return {
    info,
    warning,
    error,
    pipWarning,
    pipError: error,
    emit: (event) => render(event, { streams, say, warning, restore: options.restore ?? String }),
  };
}

interface Voices {
  readonly streams: Streams;
  readonly say: (wanted: Verbosity, line: string) => void;
  readonly warning: (line: string) => void;
  readonly restore: (line: string) => string;
}

function render(event: Event, { streams, say, warning, restore }: Voices): void {
  switch (event.type) {
    case 'pip-line':
      streams[event.stream](restore(event.line) + event.end);
      return;
    case 'decide-retry':
      warning(
        `pip met a failure of the network; asking again (${event.attempt} of ${event.attempts})`,
      );
      return;
    case 'decide-anew':
      say('info', 'The environment was changed meanwhile; deciding again');
      return;
    case 'download-start':
      say('verbose', `Fetching ${event.filename}`);
      return;
    case 'download-retry':
      warning(
        `${event.filename}: ${event.reason}; trying again (${event.attempt} of ${event.attempts})`,
      );
      return;
    case 'download-end':
      say(
        'verbose',
        `Fetched ${event.filename} (${size(event.bytes)} in ${seconds(event.milliseconds)})`,
      );
      return;
    case 'build-start':
      say('info', `Building ${event.name} ${event.version} (output in ${event.log})`);
      return;
    case 'build-end':
      say('info', `Built ${event.name} ${event.version} in ${seconds(event.milliseconds)}`);
      return;
    case 'system-packages-missing':
      warning(
        [
          `${event.title} lacks packages of the system:`,
          ...event.explanation.map((line) => `  ${line}`),
          `To install them: ${event.command.join(' ')}`,
        ].join('\n'),
      );
      return;
    case 'package-manager-line':
      say('info', event.line);
      return;
    case 'image-made':
      say('debug', `Unpacked ${event.name} ${event.version} in ${seconds(event.milliseconds)}`);
      return;
    case 'waiting':
      warning(`waiting for ${event.holder ?? 'another process'} to be done with ${event.what}`);
      return;
    case 'copied':
      say('verbose', event.reason);
      return;
    case 'handed-over':
      say('debug', `Handed to pip: ${event.reason}`);
      return;
    case 'installed':
    case 'uninstalled':
      return;
    case 'pruned':
      say('verbose', `Removed what was used least recently (${size(event.bytes)})`);
      return;
    case 'warning':
      warning(event.message);
      return;
    default:
      event satisfies never;
  }
}

export function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
