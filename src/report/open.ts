import type { Settings } from '../config/options.ts';
import { consoleStreams, type Reporter, type ReportOptions, textReporter } from './text.ts';

/** The reporter of the option `log-format`, on the console. */
export async function openReporter(
  format: Settings['logFormat'],
  options: ReportOptions,
): Promise<Reporter> {
  if (format === 'text') return textReporter(consoleStreams(), options);
  const { jsonReporter } = await import('./cold/json.ts');
  return jsonReporter(consoleStreams(), options);
}
