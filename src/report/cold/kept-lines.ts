import { resolve } from 'node:path';
import type { KeptLine } from '../../plan/decisions.ts';
import { normalizeName } from '../../python/names.ts';

/** Lines of a decision that are said again when it comes from memory; what told of downloads is not. */
const replayed =
  /^(Collecting |Obtaining |Processing |Looking in |Ignoring |Requirement already |\S+ is already installed with the same version )/;

/** What pip does to learn the metadata of a source: said while it decides, and again when it installs that. */
const preparation =
  /^ {2}(Installing build dependencies|Checking if build backend|Getting requirements to build|Installing backend dependencies|Preparing (editable )?metadata)/;

/** Lines of an installation that were said before, in the decision, or that stand for a part of it only. */
export function isOfTheWholeLine(line: string): boolean {
  return (
    /^(Installing collected packages:|Successfully installed |Processing |Collecting |Obtaining |Looking in )/.test(
      line,
    ) || preparation.test(line)
  );
}

/**
 * Of pip's lines those that are to be said again.
 *
 * @param direct paths of the projects and archives that pip installs itself, which are prepared each time.
 */
export function keptLines(
  lines: readonly string[],
  direct: ReadonlySet<string>,
): readonly KeptLine[] {
  let isDirect = false;
  return lines.flatMap((line): readonly KeptLine[] => {
    if (!line.startsWith(' ')) isDirect = isOfDirect(line, direct);
    const isKept = replayed.test(line) || (isDirect && preparation.test(line));
    return isKept ? [withoutPlace(line)] : [];
  });
}

/** Warnings about what was decided on; those about the network, say, are of the run that met it. */
const repeated =
  /^(DEPRECATION: |WARNING: (The candidate selected for download or install is a yanked version|Ignoring version |Requested .*, but installing version |Package .* has an invalid Requires-Python|\S+ \S+ does not provide the extra ))/;

/** Of pip's warnings those that are said again, with the lines that belong to them. */
export function keptWarnings(lines: readonly string[]): readonly string[] {
  let isKept = false;
  return lines.filter((line) => {
    if (/^(DEPRECATION|WARNING|ERROR): |^\[notice\]/.test(line)) isKept = repeated.test(line);
    return isKept;
  });
}

function isOfDirect(line: string, direct: ReadonlySet<string>): boolean {
  const processed = /^Processing (.*?)(?: \(from .*\))?$/.exec(line)?.[1];
  return processed === undefined ? line.startsWith('Obtaining ') : direct.has(resolve(processed));
}

function withoutPlace(line: string): KeptLine {
  const satisfied = /^(Requirement already [\w ,-]+: ([\w.-]+).*? in )\S.*?( \(.*)$/;
  const [, before, name = '', after = ''] = satisfied.exec(line) ?? [];
  return before === undefined ? line : [before, normalizeName(name), after];
}
