import { realpathSync } from 'node:fs';
import { basename, delimiter, dirname, normalize } from 'node:path';
import type { Interpreter } from '../core/types.ts';
import { parseScriptTarget } from '../python/entry-points.ts';
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
  const make = ([name, value]: readonly [string, string]): Script => {
    const target = parseScriptTarget(`${name} = ${value}`);
    if (!target) throw new Error(`the image of ${manifest.name} has the entry point ${name}`);
    const text = shebang(interpreter.executable) + behaviour.scriptBody(target);
    return { name: target.name, content: Buffer.from(text) };
  };
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
  scripts: ImageManifest['consoleScripts'],
  { versionInfo: [major, minor] }: Interpreter,
  { knowsLongVersions }: PipBehaviour,
): (readonly [string, string])[] {
  const specific: (readonly [string, string])[] = [];
  let rest = [...scripts];
  const number = knowsLongVersions ? '\\d+' : '\\d';
  const families = [
    {
      name: 'pip',
      aliases: ['pip', `pip${major}`, `pip${major}.${minor}`],
      versioned: new RegExp(`^pip(${number}(\\.${number})?)?$`),
    },
    {
      name: 'easy_install',
      aliases: ['easy_install', `easy_install-${major}.${minor}`],
      versioned: new RegExp(`^easy_install(-${number}\\.${number})?$`),
    },
  ];
  for (const { name, aliases, versioned } of families) {
    const value = rest.find(([candidate]) => candidate === name)?.[1];
    if (value === undefined) continue;
    specific.push(...aliases.map((alias) => [alias, value] as const));
    rest = rest.filter(([candidate]) => !versioned.test(candidate));
  }
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

/** pip's words where scripts land in a folder that is not on PATH; null where all are. */
export function pathWarning(
  scripts: readonly string[],
  { path, interpreter }: { path: string; interpreter: Interpreter },
  { pathComparison, notesTilde }: PipBehaviour,
): string | null {
  const entries = path.split(delimiter);
  const comparable = comparisons[pathComparison];
  const known = new Set([...entries, dirname(interpreter.executable)].map(comparable));
  const missing = new Map<string, Set<string>>();
  for (const script of scripts) {
    const folder = pathComparison === 'resolved' ? resolved(dirname(script)) : dirname(script);
    if (known.has(comparable(folder))) continue;
    missing.set(folder, (missing.get(folder) ?? new Set()).add(basename(script)));
  }
  if (missing.size === 0) return null;
  const lines = Array.from(
    missing,
    ([folder, names]) =>
      `The ${namesInWords([...names].sort(compareText))} installed in '${folder}' which is not on PATH.`,
  );
  const them = lines.length === 1 ? 'this directory' : 'these directories';
  lines.push(
    `Consider adding ${them} to PATH or, if you prefer to suppress this warning, use --no-warn-script-location.`,
  );
  if (notesTilde && entries.some((entry) => entry.startsWith('~'))) {
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
