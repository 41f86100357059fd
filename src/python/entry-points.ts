import { splitLines } from './text.ts';

/** The entry points of a distribution that become scripts: name to `module:function`. */
export interface ScriptEntryPoints {
  readonly console: ReadonlyMap<string, string>;
  readonly gui: ReadonlyMap<string, string>;
}

/** Reads `entry_points.txt` as `importlib.metadata` does: the last of two equal names wins. */
export function parseEntryPoints(text: string): ScriptEntryPoints {
  const groups = {
    console_scripts: new Map<string, string>(),
    gui_scripts: new Map<string, string>(),
  };
  let group: Map<string, string> | null = null;
  for (const line of splitLines(text).map((line) => line.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[') && line.endsWith(']')) {
      const name = line.replace(/^[[\]]+|[[\]]+$/g, '');
      group = name === 'console_scripts' || name === 'gui_scripts' ? groups[name] : null;
      continue;
    }
    const [name = '', ...value] = line.split('=');
    group?.set(name.trim(), value.join('=').trim());
  }
  return { console: groups.console_scripts, gui: groups.gui_scripts };
}

/** What a script calls: `from <module> import <importName>`, then `<callable>()`. */
export interface ScriptTarget {
  readonly name: string;
  readonly module: string;
  readonly importName: string;
  readonly callable: string;
}

/** distlib's `ENTRY_RE`: found anywhere in the text, words only, so that no line end gets through. */
const entryPattern =
  /(?<name>[^[]\S*)\s*=\s*(?<callable>[\p{L}\p{N}_]+(?:[:.][\p{L}\p{N}_]+)*)\s*(?<flags>\[\s*[\p{L}\p{N}_-]+(?:=[\p{L}\p{N}_]+)?(?:,\s*[\p{L}\p{N}_]+(?:=[\p{L}\p{N}_]+)?)*\s*\])?/su;

/** Characters; the name alone has to fit into 255 bytes, and on longer ones the pattern goes to and fro. */
const longestEntry = 4096;

/** Reads `name = module:function` as distlib's `get_export_entry`; null where pip would refuse it. */
export function parseScriptTarget(specification: string): ScriptTarget | null {
  if (specification.length > longestEntry) return null;
  const { name, callable, flags } = entryPattern.exec(specification)?.groups ?? {};
  if (name === undefined || callable === undefined) return null;
  if (flags === undefined && /[[\]]/.test(specification)) return null;
  const [module = '', suffix, more] = callable.split(':');
  if (suffix === undefined || more !== undefined) return null;
  return { name, module, importName: suffix.split('.')[0] ?? '', callable: suffix };
}
