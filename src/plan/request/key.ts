import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledDistribution, Interpreter } from '../../core/types.ts';
import { readMetadata } from '../installed.ts';
import type { RequirementEntry } from '../requirements/entries.ts';
import { findLinksState } from './find-links.ts';
import { type InstallRequest, isRemote } from './request.ts';

/**
 * The name under which a decision is remembered: a hash of everything that it depends on but
 * the index. null where it depends on what no key can hold: paths, URLs and repositories,
 * remote files, what only pip can read.
 */
export function requestKey(
  request: InstallRequest,
  interpreter: Interpreter,
  installed: Iterable<InstalledDistribution>,
): string | null {
  const lines = request.entries.map(keyLine);
  if (lines.includes(null)) return null;
  const options = request.parsed.options.flatMap(({ option, value }) =>
    immaterial.has(option.name) ? [] : [`${option.name}=${value}`],
  );
  if (
    options.some((text) =>
      /^(refresh-package|uploaded-prior-to|group|requirements-from-script)=/.test(text),
    )
  ) {
    return null;
  }
  const configuration = [...request.configuration].filter(([name]) => !immaterial.has(name));
  const state = [...installed].map(installedState);
  const inputs = {
    lines,
    options,
    configuration,
    interpreter: interpreterKey(interpreter),
    installed: state.map((text) => text.replaceAll(interpreter.prefix, '')).sort(),
    folders: findLinksState(request),
  };
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

/**
 * What pip could find of an installed distribution. A version stands for its metadata where it
 * came from an index; a folder or a URL may have had another under the same version.
 */
function installedState(distribution: InstalledDistribution): string {
  const { key, version, location, metadataPath, form, editable } = distribution;
  const isOwn =
    form !== 'dist-info' || editable || existsSync(join(metadataPath, 'direct_url.json'));
  const metadata = isOwn ? JSON.stringify(readMetadata(metadataPath)) : '';
  return `${key}==${version} ${location} ${metadata}`;
}

/** What an entry says, wherever it stands; the empty text for what is said by others. */
function keyLine(entry: RequirementEntry): string | null {
  switch (entry.kind) {
    case 'named':
      return `${entry.origin.constraint ? '-c ' : ''}${entry.origin.text}`;
    case 'options':
      return entry.origin.text;
    case 'file':
      return isRemote(entry.location) ? null : '';
    case 'direct':
    case 'unknown':
      return null;
    default:
      return entry satisfies never;
  }
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
