import { realpathSync } from 'node:fs';
import { basename, delimiter, dirname, normalize } from 'node:path';
import type { Interpreter } from '../core/types.ts';
import type { ScriptTarget } from '../python/entry-points.ts';
import type { ImageManifest } from '../store/images.ts';
import { compareText } from '../python/text.ts';
import type { PipBehaviour } from './pip-behaviour.ts';

export interface Script {
  readonly name: string;
  readonly content: Buffer;
}

/** The scripts that pip makes of a distribution's entry points. */
export function entryPointScripts(
  manifest: ImageManifest,
  interpreter: Interpreter,
  behaviour: PipBehaviour,
): { readonly console: readonly Script[]; readonly gui: readonly Script[] } {
  const firstLine = shebang(interpreter.executable);
  const make = (target: ScriptTarget): Script => ({
    name: target.name,
    content: Buffer.from(firstLine + behaviour.scriptBody(target)),
  });
  return {
    console: withAliases(manifest.consoleScripts, interpreter, behaviour).map(make),
    gui: manifest.guiScripts.map(make),
  };
}

/**
 * pip and setuptools carry versioned names of whatever Python built their wheel; pip makes
 * those of the Python at hand in their place (`get_console_script_specs`).
 */
function withAliases(
  scripts: readonly ScriptTarget[],
  { versionInfo: [major, minor] }: Interpreter,
  { knowsLongVersions }: PipBehaviour,
): readonly ScriptTarget[] {
  const specific: ScriptTarget[] = [];
  let rest = scripts;
  const take = (name: string, aliases: readonly string[], versioned: RegExp): void => {
    const target = rest.find((candidate) => candidate.name === name);
    if (!target) return;
    specific.push(...aliases.map((alias) => ({ ...target, name: alias })));
    rest = rest.filter((candidate) => !versioned.test(candidate.name));
  };
  const pips = knowsLongVersions ? /^pip(\d+(\.\d+)?)?$/ : /^pip(\d(\.\d)?)?$/;
  const easies = knowsLongVersions ? /^easy_install(-\d+\.\d+)?$/ : /^easy_install(-\d\.\d)?$/;
  take('pip', ['pip', `pip${major}`, `pip${major}.${minor}`], pips);
  take('easy_install', ['easy_install', `easy_install-${major}.${minor}`], easies);
  return [...specific, ...rest];
}

/**
 * `#!` and the interpreter; where the kernel would not take that line, for its length or a
 * space, distlib's text that both `/bin/sh` and Python read.
 */
function shebang(interpreter: string): string {
  const longest = process.platform === 'darwin' ? 512 : 127;
  const executable =
    interpreter.includes(' ') && !interpreter.startsWith('"') ? `"${interpreter}"` : interpreter;
  const length = Buffer.byteLength(executable) + '#!\n'.length;
  if (!executable.includes(' ') && length <= longest) return `#!${executable}\n`;
  return `#!/bin/sh\n'''exec' ${executable} "$0" "$@"\n' '''\n`;
}

/** A script that begins with `#!python`, its first line led to the interpreter (`fix_script`). */
export function rewriteScript(content: Buffer, { executable }: Interpreter): Buffer {
  const end = content.indexOf('\n');
  const rest = end === -1 ? Buffer.alloc(0) : content.subarray(end + 1);
  return Buffer.concat([Buffer.from(`#!${executable}\n`), rest]);
}

/** Tells what pip says of scripts in folders that are not on PATH; null where all of them are. */
export type PathCheck = (scripts: readonly string[]) => string | null;

/** PATH is looked at once for all distributions: resolving it asks the file system for every part of every entry. */
export function pathCheck(
  { path, interpreter }: { path: string; interpreter: Interpreter },
  { pathComparison, notesTilde }: PipBehaviour,
): PathCheck {
  const entries = path.split(delimiter);
  const comparable = comparisons[pathComparison];
  const seen = new Map<string, { readonly shown: string; readonly isKnown: boolean }>();
  let known: ReadonlySet<string> | null = null;
  const look = (folder: string) => {
    let found = seen.get(folder);
    if (!found) {
      known ??= new Set([...entries, dirname(interpreter.executable)].map(comparable));
      const shown = pathComparison === 'resolved' ? resolved(folder) : folder;
      found = { shown, isKnown: known.has(comparable(shown)) };
      seen.set(folder, found);
    }
    return found;
  };
  return (scripts) => {
    const missing = new Map<string, Set<string>>();
    for (const script of scripts) {
      const { shown, isKnown } = look(dirname(script));
      if (isKnown) continue;
      missing.set(shown, (missing.get(shown) ?? new Set()).add(basename(script)));
    }
    if (missing.size === 0) return null;
    return warningText(missing, notesTilde && entries.some((entry) => entry.startsWith('~')));
  };
}

function warningText(missing: ReadonlyMap<string, ReadonlySet<string>>, hasTilde: boolean): string {
  const lines = Array.from(
    missing,
    ([folder, names]) =>
      `The ${namesInWords([...names].sort(compareText))} installed in '${folder}' which is not on PATH.`,
  );
  const them = lines.length === 1 ? 'this directory' : 'these directories';
  lines.push(
    `Consider adding ${them} to PATH or, if you prefer to suppress this warning, use --no-warn-script-location.`,
  );
  if (hasTilde) {
    lines.push(
      'NOTE: The current PATH contains path(s) starting with `~`, which may not be expanded by all applications.',
    );
  }
  return lines.join('\n');
}

const comparisons: Record<PipBehaviour['pathComparison'], (path: string) => string> = {
  literal: withoutFinalSlash,
  normalised: (path) => withoutFinalSlash(normalize(path)),
  resolved,
};

function withoutFinalSlash(path: string): string {
  return path.replace(/\/+$/, '');
}

function resolved(path: string): string {
  try {
    return realpathSync(path || '.');
  } catch {
    return withoutFinalSlash(normalize(path));
  }
}

function namesInWords(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length === 1
    ? `script ${last} is`
    : `scripts ${names.slice(0, -1).join(', ')} and ${last} are`;
}
