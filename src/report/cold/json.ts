import { pino } from 'pino';
import type { Verbosity } from '../../config/options.ts';
import type { Event } from '../../core/events.ts';
import type { Reporter, ReportOptions, Streams } from '../text.ts';

/** The verbosities of the option `log-verbosity`, as pino orders levels; `log-format=json` shows their names. */
const severities = { debug: 10, verbose: 20, info: 30, warning: 40, error: 50 } as const;

const levels: readonly Verbosity[] = ['error', 'warning', 'info', 'verbose', 'debug'];

/**
 * pip's words as pip says them, and what pip-accel says of itself as lines of JSON on standard
 * error, for programs that read logs: `{"level":"info","time":<milliseconds since 1970>,…}` with
 * `event` and its members, or `msg` and `hint`.
 */
export function jsonReporter(streams: Streams, options: ReportOptions): Reporter {
  const log = pino(
    {
      customLevels: severities,
      useOnlyCustomLevels: true,
      level: threshold(options),
      base: null,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => streams.stderr(line) },
  );
  const restore = options.restore ?? String;
  const pipWords = (shownBelow: number, text: string) => {
    if (options.quietness < shownBelow) streams.stderr(`${text}\n`);
  };
  return {
    info: (line) => {
      if (options.quietness < 1) streams.stdout(`${line}\n`);
    },
    pipWarning: (line) => pipWords(2, `WARNING: ${line}`),
    pipError: (line) => pipWords(3, `ERROR: ${line}`),
    warning: (line) => log.warning(line),
    error: (message, hint) => log.error(hint === undefined ? {} : { hint }, message),
    emit: (event) => {
      if (event.type === 'pip-line') {
        streams[event.stream](restore(event.line) + event.end);
      } else if (event.type === 'warning') {
        log.warning(event.message);
      } else {
        const { type, ...members } = event;
        log[verbosityOf(event)]({ event: type, ...members });
      }
    },
  };
}

/** `-q` and `-v` move it, as they do for text; beyond the quietest nothing is said. */
function threshold({ quietness, verbosity }: ReportOptions): Verbosity | 'silent' {
  const index = levels.indexOf(verbosity) - quietness;
  return index < 0 ? 'silent' : (levels[Math.min(index, levels.length - 1)] ?? 'debug');
}

function verbosityOf(event: Exclude<Event, { type: 'pip-line' | 'warning' }>): Verbosity {
  switch (event.type) {
    case 'decide-retry':
    case 'download-retry':
    case 'waiting':
    case 'system-packages-missing':
      return 'warning';
    case 'decide-anew':
    case 'package-manager-line':
    case 'build-start':
    case 'build-end':
      return 'info';
    case 'download-start':
    case 'download-end':
      return 'verbose';
    case 'copied':
    case 'installed':
    case 'uninstalled':
    case 'pruned':
      return 'verbose';
    case 'image-made':
    case 'handed-over':
      return 'debug';
    default:
      return event satisfies never;
  }
}
