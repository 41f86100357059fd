import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GivenOption, InstallWords } from '../../cli/argv.ts';
import type { ReadableLine } from '../readable-line.ts';

/** Copies what can be read once only, and puts the copies into the line. */
export async function copySpecialFiles(
  line: InstallWords,
  special: readonly GivenOption[],
): Promise<ReadableLine> {
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
