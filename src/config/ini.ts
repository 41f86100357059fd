export type IniSections = Map<string, Map<string, string>>;

/**
 * Reads a file in the dialect of Python's `configparser.RawConfigParser`, which pip.conf and
 * pip-accel.conf are written in: `key = value` or `key: value`, `#` and `;` start comment
 * lines, indented lines continue a value, keys are case-insensitive.
 *
 * @returns null where configparser would refuse the file.
 */
export function parseIni(text: string): IniSections | null {
  const sections: IniSections = new Map();
  let section: Map<string, string> | null = null;
  let key: string | null = null;
  let keyIndent = 0;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const trimmed = line.trim();
    if (trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const indent = line.length - line.trimStart().length;
    if (section && key !== null && (trimmed === '' || indent > keyIndent)) {
      section.set(key, `${section.get(key) ?? ''}\n${trimmed}`);
      continue;
    }
    if (trimmed === '') continue;
    const header = /^\[(.+)\]/.exec(trimmed);
    if (header?.[1] !== undefined) {
      section = sections.get(header[1]) ?? new Map<string, string>();
      sections.set(header[1], section);
      key = null;
      continue;
    }
    const separator = trimmed.search(/[=:]/);
    const name = trimmed.slice(0, Math.max(separator, 0)).trimEnd();
    if (!section || name === '') return null;
    key = name.toLowerCase();
    keyIndent = indent;
    if (section.has(key)) return null;
    section.set(key, trimmed.slice(separator + 1).trimStart());
  }
  for (const values of sections.values()) {
    for (const [name, value] of values) values.set(name, value.trimEnd());
  }
  return sections;
}
