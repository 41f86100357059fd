import type { PipOptions } from '../config/pip-config.ts';
import type { Reporter } from '../report/text.ts';
import type { CommandContext } from './context.ts';

/** pip's last word to who changes the system's own Python as root. */
export function warnAsRoot({
  context,
  options,
  reporter,
}: {
  readonly context: CommandContext;
  readonly options: PipOptions;
  readonly reporter: Reporter;
}): void {
  const { rootWarning, isVirtualEnvironment } = context.interpreter;
  if (rootWarning && !isVirtualEnvironment && options.warnRoot && process.getuid?.() === 0) {
    reporter.pipWarning(rootWarning);
  }
}
