import { basename } from 'node:path';
import type { NormalizedName } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';
import { type ParsedVersion, parseVersion } from '../../python/pep440.ts';
import { atLeast } from '../../python/pip.ts';

/** What pip reads out of the name of an archive. */
export interface ArchiveName {
  readonly version: ParsedVersion;
  /** `-py3.8` at the end of an sdist's version; null without. */
  readonly onlyPython: string | null;
  /** null for an sdist. */
  readonly wheel: WheelName | null;
}

interface WheelName {
  readonly tags: readonly string[];
  readonly build: readonly [number: number, rest: string] | null;
}

/** The last part of a URL's unquoted path, which pip unquotes once more (`models/link.py`). */
export function filenameOf(url: string): string {
  // As nearly all are: to take thousands of them apart costs more than to read what is on their pages.
  const plain = /^https?:\/\/[^/?#]*\/(?:[\w.-]+\/)*([\w.-]*[\w-])$/.exec(url)?.[1];
  return plain ?? basename(decode(basename(decode(new URL(url).pathname))));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Reads a file's name as pip's `LinkEvaluator` does (`index/package_finder.py`, `models/wheel.py`).
 *
 * @param pip the version of pip.
 * @returns null for what is no archive of this project; `unclear` for a wheel that only some pips take.
 */
export function readArchiveName(
  filename: string,
  key: NormalizedName,
  pip: string,
): ArchiveName | 'unclear' | null {
  if (filename.endsWith('.whl')) return readWheelName(filename, key, pip);
  const ending = /\.(?:tar\.(?:gz|bz2|xz|lz|lzma)|tgz|tbz|txz|tlz|tar|zip)$/.exec(filename)?.[0];
  if (ending === undefined) return null;
  if (ending === '.zip' && filename.includes('macosx10')) return null;
  const stem = filename.slice(0, -ending.length);
  const written = versionAfter(stem, key);
  if (written === null) return null;
  const python = /-py([123]\.?[0-9]?)$/.exec(written);
  const version = parseVersion(python ? written.slice(0, python.index) : written);
  return version && { version, onlyPython: python?.[1] ?? null, wheel: null };
}

/** What follows the first dash before which the project's name stands. */
function versionAfter(stem: string, key: NormalizedName): string | null {
  for (let dash = stem.indexOf('-'); dash !== -1; dash = stem.indexOf('-', dash + 1)) {
    if (normalizeName(stem.slice(0, dash)) === key) return stem.slice(dash + 1) || null;
  }
  return null;
}

/** The form that pip takes where it does not go by PEP 427: before 25.3. */
const looseWheel = /^[^\s-]+?-[^\s-]*?(?:-\d[^-]*?)?-[^\s-]+?-[^\s-]+?-[^\s-]+?\.whl$/;

function readWheelName(
  filename: string,
  key: NormalizedName,
  pip: string,
): ArchiveName | 'unclear' | null {
  const strict = readStrictWheelName(filename, key);
  if (strict === 'odd') return atLeast(pip, 26, 3) ? null : 'unclear';
  if (strict !== 'invalid') return strict;
  const mayBeTaken = !atLeast(pip, 25, 3) && looseWheel.test(filename);
  return mayBeTaken ? 'unclear' : null;
}

/** An identifier of Python, an ABI and a platform; before packaging 26.3 anything would do. */
const plainTag = /^[\p{XID_Start}_]\p{XID_Continue}*-[^-]+-[^-]+$/u;

/** `packaging.utils.parse_wheel_filename`. */
function readStrictWheelName(
  filename: string,
  key: NormalizedName,
): ArchiveName | 'invalid' | 'odd' | null {
  const parts = filename.slice(0, -'.whl'.length).split('-');
  if (parts.length !== 5 && parts.length !== 6) return 'invalid';
  const [name = '', written = ''] = parts;
  const [interpreters = '', abis = '', platforms = ''] = parts.slice(-3);
  const version = parseVersion(written);
  if (
    !(/^[\w.]+$/.test(name) || /^[\p{L}\p{N}._]+$/u.test(name)) ||
    name.includes('__') ||
    version === null
  )
    return 'invalid';
  const build = parts.length === 6 ? /^([0-9]+)(.*)$/.exec(parts[2] ?? '') : null;
  if (parts.length === 6 && build === null) return 'invalid';
  if (normalizeName(name) !== key) return null;
  const tags = interpreters
    .split('.')
    .flatMap((interpreter) =>
      abis
        .split('.')
        .flatMap((abi) =>
          platforms.split('.').map((platform) => `${interpreter}-${abi}-${platform}`),
        ),
    )
    .map((tag) => tag.toLowerCase());
  if (!tags.every((tag) => plainTag.test(tag))) return 'odd';
  const [, number = '', rest = ''] = build ?? [];
  return {
    version,
    onlyPython: null,
    wheel: { tags, build: build ? [Number(number), rest] : null },
  };
}

/** What an address tells at a glance, of names that every pip reads alike: nearly all. */
export interface PlainName {
  readonly version: string;
  /** null for an sdist. */
  readonly tags: {
    readonly interpreters: string;
    readonly abi: string;
    readonly platforms: string;
  } | null;
}

const plainVersion = String.raw`(\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?)`;
const plainFragment = /^#(?:md5|sha\d+)=[\da-f]+$/i;
const plainWheel = new RegExp(
  String.raw`^[a-z\d]+(?:[._][a-z\d]+)*-${plainVersion}(?:-\d+)?-([\w.]+)-(\w+)-([\w.]+)\.whl$`,
  'i',
);
// A dash before digits might belong to the version.
const plainSdist = new RegExp(
  String.raw`^[a-z\d]+(?:[._-][a-z][a-z\d]*)*-${plainVersion}\.(?:tar\.gz|zip)$`,
  'i',
);

/** @param address relative or absolute, with its fragment; null where there is more to read than a glance tells. */
export function plainNameOf(address: string): PlainName | null {
  const path = plainPath(address);
  if (path === null) return null;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const [, version, interpreters = '', abi = '', platforms = ''] = plainWheel.exec(name) ?? [];
  if (version !== undefined) return { version, tags: { interpreters, abi, platforms } };
  const [, written] = plainSdist.exec(name) ?? [];
  return written === undefined ? null : { version: written, tags: null };
}

const installer = /\.(?:deb|dmg|egg|exe|msi|rpm)(?:#|$)/;

/** Whether an address is of what other tools install; of what is spelled otherwise pip is to judge. */
export function isInstaller(address: string): boolean {
  return installer.test(address) && installer.test(plainPath(address) ?? '');
}

function plainPath(address: string): string | null {
  const end = address.indexOf('#');
  const path = end === -1 ? address : address.slice(0, end);
  return path.includes('?') || (end !== -1 && !plainFragment.test(address.slice(end)))
    ? null
    : path;
}
