import { sha256 } from '../../core/sha256.ts';
import type { Interpreter } from '../../core/types.ts';
import type { RequirementEntry } from '../requirements/entries.ts';
import { findLinksState } from './find-links.ts';
import { localState } from './local.ts';
import { filesInMessages, type InstallRequest, isRemote } from './request.ts';

/** What a request meets. */
export interface RequestPlace {
  readonly interpreter: Interpreter;
  /** The digest of what is installed. */
  readonly installed: string;
  /** The option of that name. */
  readonly trustModTimes: boolean;
  /** The lines of the files, whatever these are called. */
  readonly buildConstraints: readonly string[];
}

/**
 * The name under which a decision is remembered: a hash of everything that it depends on but
 * the index. null where it depends on what no key can hold: URLs and repositories, projects
 * without a pyproject.toml, remote files, what only pip can read.
 */
export function requestKey(
  request: InstallRequest,
  { interpreter, installed, trustModTimes, buildConstraints }: RequestPlace,
): string | null {
  const options = request.parsed.options.map(({ option, value }) => [option.name, value] as const);
  const said = [...options, ...request.configuration];
  if (said.some(([name]) => unrepeatable.has(name))) return null;
  const files = filesInMessages(request);
  const lines = request.entries.map((entry) => {
    const line = keyLine(entry, trustModTimes);
    return line && lineNumber(entry, files) + line;
  });
  if (lines.includes(null)) return null;
  const isMaterial = ([name]: readonly [string, string]) => !immaterial.has(name);
  const inputs = {
    lines,
    // pip's words about local projects name them as they are seen from here.
    directory: request.entries.some(({ kind }) => kind === 'direct') ? process.cwd() : '',
    options: options.filter(isMaterial),
    configuration: [...request.configuration].filter(isMaterial),
    interpreter: interpreterKey(interpreter),
    installed,
    folders: findLinksState(request),
    ...(buildConstraints.length > 0 ? { buildConstraints } : {}),
  };
  return sha256(JSON.stringify(inputs));
}

/** Options whose meaning changes with time, or with files that are not read here. */
const unrepeatable = new Set([
  'refresh-package',
  'uploaded-prior-to',
  'group',
  'requirements-from-script',
]);

/** What an entry says, wherever it stands; the empty text for what is said by others. */
function keyLine(entry: RequirementEntry, trustModTimes: boolean): string | null {
  switch (entry.kind) {
    case 'named':
      return `${entry.origin.constraint ? '-c ' : ''}${entry.origin.text}`;
    case 'options':
      return entry.origin.text;
    case 'file':
      return isRemote(entry.location) ? null : '';
    case 'direct': {
      const state = localState(entry, trustModTimes);
      return state === null ? null : `${entry.editable ? '-e ' : ''}${entry.origin.text} ${state}`;
    }
    case 'unknown':
      return null;
    default:
      return entry satisfies never;
  }
}

/** Where pip's messages say that an entry comes from; its file by number, for it may lie elsewhere the next time. */
function lineNumber(entry: RequirementEntry, files: readonly string[]): string {
  if (entry.kind !== 'named' && entry.kind !== 'direct') return '';
  const { comesFrom, file } = entry.origin;
  if (comesFrom === null || file === null) return '';
  const line = comesFrom.slice(comesFrom.lastIndexOf(' ') + 1, -1);
  return `${files.indexOf(file)}:${line} `;
}

function interpreterKey(interpreter: Interpreter): unknown {
  const { version, implementation, soabi, platform, libc, tags, isVirtualEnvironment } =
    interpreter;
  // The kernel's version may change from one day to the next, and no requirement was seen to ask for it.
  const {
    platform_release: _release,
    platform_version: _version,
    ...markers
  } = interpreter.markers;
  const pip = interpreter.pip?.version;
  return {
    version,
    implementation,
    soabi,
    platform,
    libc,
    tags,
    isVirtualEnvironment,
    markers,
    pip,
  };
}

/** Options that change neither what is decided nor what it rests on. */
const immaterial = new Set([
  'requirement',
  'constraint',
  'build-constraint',
  'editable',
  'compile',
  'no-compile',
  'no-warn-script-location',
  'no-warn-conflicts',
  'root-user-action',
  'break-system-packages',
  'progress-bar',
  'require-virtualenv',
  'verbose',
  'quiet',
  'log',
  'no-input',
  'keyring-provider',
  'proxy',
  'no-proxy-env',
  'retries',
  'resume-retries',
  'timeout',
  'trusted-host',
  'cert',
  'client-cert',
  'cache-dir',
  'no-cache-dir',
  'disable-pip-version-check',
  'no-color',
  'no-python-version-warning',
  'user',
]);
