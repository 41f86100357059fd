import type { Settings } from '../config/options.ts';
import { consoleStreams, type Reporter, type ReportOptions, textReporter } from './text.ts';

/** The reporter of the option `log-format`, on the console. */
export async function openReporter(
  format: Settings['logFormat'],
  options: ReportOptions,
): Promise<Reporter> {
  const reporter = await consoleReporter(format, options);
  const { log } = options;
  if (!log) return reporter;
  const emit: Reporter['emit'] = (event) => {
    log(event);
    reporter.emit(event);
  };
  return { ...reporter, emit };
}

async function consoleReporter(
  format: Settings['logFormat'],
  options: ReportOptions,
): Promise<Reporter> {
  if (format === 'text') return textReporter(consoleStreams(), options);
  const { jsonReporter } = await import('./cold/json.ts');
  return jsonReporter(consoleStreams(), options);
}
