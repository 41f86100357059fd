import { statSync } from 'node:fs';
import type { InstallWords } from '../cli/argv.ts';

/** A line whose requirement and constraint files can all be read more than once. */
export interface ReadableLine {
  readonly line: InstallWords;
  readonly hasCopies: boolean;
  /** Gives back, in a line of pip's, the names that the user typed. */
  readonly restore: (text: string) => string;
  readonly remove: () => Promise<void>;
}

/**
 * A requirements "file" that is a pipe or a device (`-r <(…)`, `-r /dev/stdin`) gives its bytes
 * once, but pip may be asked more than once: it gets a copy.
 */
export async function readableLine(line: InstallWords): Promise<ReadableLine> {
  const special = (line.parsed?.options ?? []).filter(
    ({ option, value }) =>
      (option.name === 'requirement' || option.name === 'constraint') && isSpecial(value),
  );
  if (special.length === 0) {
    return { line, hasCopies: false, restore: (text) => text, remove: async () => {} };
  }
  const { copySpecialFiles } = await import('./cold/special-files.ts');
  return await copySpecialFiles(line, special);
}

function isSpecial(path: string): boolean {
  try {
    const status = statSync(path);
    return !status.isFile() && !status.isDirectory();
  } catch {
    // pip says what is wrong with it.
    return false;
  }
}
