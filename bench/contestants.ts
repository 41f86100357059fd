import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from './measure.ts';
import type { Site } from './site.ts';

/** The two forms of pip-accel: its bundle run by Node, and the executable that needs no Node. */
export const forms = ['node', 'standalone'] as const;
export type Form = (typeof forms)[number];

export type ContestantId =
  | Form
  | `${Form}-no-compile`
  | 'uv'
  | 'uv-compile'
  | 'uv-copy'
  | 'uv-online'
  | 'pip'
  | 'cp';

/** Those that install; `cp` copies. */
export type Tool = Exclude<ContestantId, 'cp'>;

export const titles: Readonly<Record<ContestantId, string>> = {
  node: 'pip-accel',
  'node-no-compile': 'pip-accel `--no-compile`',
  standalone: 'pip-accel, standalone',
  'standalone-no-compile': 'pip-accel, standalone, `--no-compile`',
  uv: 'uv `--offline`, no bytecode',
  'uv-compile': 'uv `--offline --compile-bytecode`',
  'uv-copy': 'uv `--offline --link-mode copy`, no bytecode',
  'uv-online': 'uv, its index pages out of date, no bytecode',
  pip: 'pip',
  cp: '`cp -al` of the finished environment',
};

const repository = join(import.meta.dirname, '..');

/** Where each form lies; the standalone one may not have been built. */
export const executables: Readonly<Record<Form, string>> = {
  node: join(repository, 'bin', 'pip-accel'),
  standalone: process.env['PIP_ACCEL_BIN'] ?? join(repository, 'dist', 'standalone', 'pip-accel'),
};

export function presentForms(): readonly Form[] {
  return forms.filter((form) => existsSync(executables[form]));
}

/** `install WORDS` into an environment, with the caches that a site keeps for this contestant. */
export function installation(
  id: Tool,
  words: readonly string[],
  { environment, site }: { readonly environment: string; readonly site: Site },
): Command {
  const { place } = site;
  const family = familyOf(id);
  const run = (argv: readonly string[], own: Readonly<Record<string, string>>): Command => ({
    argv,
    variables: place.variables({ VIRTUAL_ENV: environment, ...own }),
    cwd: place.folder,
  });
  const ofPip = { PIP_INDEX_URL: site.index, PIP_CACHE_DIR: site.cache(`${family}-pip`) };
  switch (family) {
    case 'pip':
      return run([join(environment, 'bin', 'python'), '-m', 'pip', 'install', ...words], ofPip);
    case 'uv':
      return run([place.uv, 'pip', 'install', ...uvModes[id as UvId], ...words], {
        UV_CACHE_DIR: site.cache('uv'),
        UV_DEFAULT_INDEX: site.uvIndex,
        UV_PYTHON_DOWNLOADS: 'never',
      });
    case 'node':
    case 'standalone': {
      const modes = id.endsWith('-no-compile') ? ['--no-compile'] : [];
      return run([executables[family], 'install', ...modes, ...words], {
        ...ofPip,
        PIP_ACCEL_CACHE: site.cache(family),
      });
    }
    default:
      return family satisfies never;
  }
}

/** The names of a contestant's caches. */
export function cachesOf(id: Tool): readonly string[] {
  const family = familyOf(id);
  return [family, `${family}-pip`];
}

type UvId = Extract<ContestantId, `uv${string}`>;

const uvModes: Readonly<Record<UvId, readonly string[]>> = {
  uv: ['--offline'],
  'uv-compile': ['--offline', '--compile-bytecode'],
  'uv-copy': ['--offline', '--link-mode', 'copy'],
  'uv-online': [],
};

function familyOf(id: Tool): Form | 'pip' | 'uv' {
  if (id === 'pip') return id;
  if (id.startsWith('uv')) return 'uv';
  return id.startsWith('node') ? 'node' : 'standalone';
}
