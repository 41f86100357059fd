import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GivenOption, InstallWords } from '../../cli/argv.ts';

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
export async function readSpecialFiles(line: InstallWords): Promise<ReadableLine> {
  const special = [];
  for (const given of line.parsed?.options ?? []) {
    const isFile = given.option.name === 'requirement' || given.option.name === 'constraint';
    if (isFile && (await isSpecial(given.value))) special.push(given);
  }
  if (special.length === 0) {
    return { line, hasCopies: false, restore: (text) => text, remove: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), 'pip-accel-'));
  const copies = new Map<GivenOption, string>();
  for (const given of special) {
    const copy = join(folder, `${copies.size}.txt`);
    await writeFile(copy, await readFile(given.value));
    copies.set(given, copy);
  }
  return {
    line: withCopies(line, copies),
    hasCopies: true,
    restore: (text) =>
      [...copies].reduce((changed, [{ value }, copy]) => changed.replaceAll(copy, value), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function isSpecial(path: string): Promise<boolean> {
  try {
    const status = await stat(path);
    return !status.isFile() && !status.isDirectory();
  } catch {
    return false;
  }
}

/** All options become long ones with `=`, and go before the requirements: pip reads both ways alike. */
function withCopies(line: InstallWords, copies: ReadonlyMap<GivenOption, string>): InstallWords {
  const parsed = line.parsed;
  if (!parsed) return line;
  const options = parsed.options.map((given) => ({
    ...given,
    value: copies.get(given) ?? given.value,
  }));
  const words = options.map(({ option, value }) =>
    option.action === 'store' || option.action === 'append'
      ? `--${option.name}=${value}`
      : `--${option.name}`,
  );
  return {
    ...line,
    general: [],
    arguments: [
      ...words,
      ...(parsed.requirements.length > 0 ? ['--', ...parsed.requirements] : []),
    ],
    parsed: { ...parsed, options },
  };
}
