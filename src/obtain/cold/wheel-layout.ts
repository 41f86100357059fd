import type { Archive, DistributionMetadata, Scheme } from '../../core/types.ts';
import { readCsv } from '../../python/csv.ts';
import {
  parseEntryPoints,
  parseScriptTarget,
  type ScriptTarget,
  type ScriptEntryPoints,
} from '../../python/entry-points.ts';
import { parseHeaders, parseMetadata } from '../../python/metadata.ts';
import { normalizeName } from '../../python/names.ts';
import { compareVersions, parseVersion } from '../../python/pep440.ts';
import { splitLines } from '../../python/text.ts';
import { ArchiveFault, type Member, type Members } from './members.ts';

/** Where the files of a wheel go (PEP 427), as pip's `operations/install/wheel.py` decides it. */
export interface WheelLayout {
  readonly metadata: DistributionMetadata;
  /** `Foo-1.0.dist-info`. */
  readonly distInfo: string;
  readonly root: 'purelib' | 'platlib';
  readonly commands: {
    readonly console: readonly ScriptTarget[];
    readonly gui: readonly ScriptTarget[];
  };
  /** In the order in which pip writes them: a later one replaces an earlier one of the same place. */
  readonly placed: readonly PlacedMember[];
  /** The rows of the wheel's own RECORD. */
  readonly record: readonly (readonly string[])[];
  /** What pip would warn of. */
  readonly warning: string | null;
}

export interface PlacedMember {
  readonly member: Member;
  readonly scheme: keyof Scheme;
  readonly path: string;
}

const schemeKeys: readonly (keyof Scheme)[] = ['platlib', 'purelib', 'headers', 'scripts', 'data'];

/** @throws ArchiveFault where pip would refuse the wheel, or ought to. */
export async function layOutWheel(archive: Archive, members: Members): Promise<WheelLayout> {
  const distInfo = findDistInfo(archive, members);
  const files = new Map(members.files.map((member) => [member.path, member]));
  const readText = async (name: string): Promise<string | null> => {
    const member = files.get(`${distInfo}/${name}`);
    return member ? decode(await member.read(), member.name) : null;
  };
  const wheel = parseHeaders(await required(readText, 'WHEEL'));
  const warning = checkWheelVersion(wheel.get('wheel-version')?.[0]);
  const root = wheel.get('root-is-purelib')?.[0]?.toLowerCase() === 'true' ? 'purelib' : 'platlib';
  const entryPoints = parseEntryPoints((await readText('entry_points.txt')) ?? '');
  const commands = {
    console: [...entryPoints.console].map(scriptTarget),
    gui: [...entryPoints.gui].map(scriptTarget),
  };
  return {
    metadata: checkMetadata(await required(readText, 'METADATA'), archive),
    distInfo,
    root,
    commands,
    placed: place(members.files, root, entryPoints),
    record: checkRecord(await required(readText, 'RECORD')),
    warning,
  };
}

function findDistInfo(archive: Archive, members: Members): string {
  const [distInfo, ...more] = [...members.roots].filter((name) => name.endsWith('.dist-info'));
  if (distInfo === undefined) throw new ArchiveFault('has no .dist-info folder');
  if (more.length > 0) {
    throw new ArchiveFault(`has several .dist-info folders: ${[distInfo, ...more].join(', ')}`);
  }
  if (!normalizeName(distInfo).startsWith(archive.key)) {
    throw new ArchiveFault(`has a folder ${distInfo}, which does not start with ${archive.key}`);
  }
  return distInfo;
}

async function required(
  readText: (name: string) => Promise<string | null>,
  name: string,
): Promise<string> {
  const text = await readText(name);
  if (text === null) throw new ArchiveFault(`has no ${name}`);
  return text;
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ArchiveFault(`has a member ${name} that is not UTF-8`);
  }
}

/** PEP 427: a newer major version is refused, a newer minor one gets a warning. */
function checkWheelVersion(value: string | undefined): string | null {
  const version = value?.trim() ?? '';
  if (!/^\d+(\.\d+)*$/.test(version)) {
    throw new ArchiveFault(`has a WHEEL file with the Wheel-Version ${JSON.stringify(version)}`);
  }
  const [major = 0, ...rest] = version.split('.').map(Number);
  if (major > 1)
    throw new ArchiveFault(`has the Wheel-Version ${version}, which pip does not take`);
  const newer = major === 1 && rest.some((part) => part > 0);
  return newer ? `Installing from a newer Wheel-Version (${version})` : null;
}

/** The metadata has to be of what the file's name promises, as pip's resolver checks it. */
function checkMetadata(text: string, archive: Archive): DistributionMetadata {
  const metadata = parseMetadata(text);
  if (metadata.name === '' || metadata.version === ('' as string)) {
    throw new ArchiveFault('has a METADATA file without name or version');
  }
  const promised = parseVersion(archive.version);
  const found = parseVersion(metadata.version);
  const differs = promised && found && compareVersions(promised, found) !== 0;
  if (differs || normalizeName(metadata.name) !== archive.key) {
    throw new ArchiveFault(`has the metadata of ${metadata.name} ${metadata.version}`);
  }
  return metadata;
}

/** An empty line breaks pip itself (`row[0]`); no tool writes one. */
function checkRecord(text: string): string[][] {
  const rows = readCsv(splitLines(text));
  if (rows.some((row) => row.length === 0)) {
    throw new ArchiveFault('has a RECORD file with an empty line');
  }
  return rows;
}

/** Scripts end up in the scripts folder or nowhere (CVE-2026-8643). */
function scriptTarget([name, value]: readonly [string, string]): ScriptTarget {
  const target = parseScriptTarget(`${name} = ${value}`);
  const parts = target?.name.split('/') ?? [];
  // oxlint-disable-next-line no-control-regex -- a name that could forge a line of a terminal or a list
  if (!target || parts.some((part) => /^\.{0,2}$/.test(part)) || /[\0-\x1f\x7f]/.test(name)) {
    throw new ArchiveFault(`has an entry point ${JSON.stringify(`${name} = ${value}`)}`);
  }
  return target;
}

/** Modules first, then data, then scripts, which is pip's order. */
function place(
  files: readonly Member[],
  root: 'purelib' | 'platlib',
  entryPoints: ScriptEntryPoints,
): PlacedMember[] {
  const modules: PlacedMember[] = [];
  const data: PlacedMember[] = [];
  const scripts: PlacedMember[] = [];
  for (const member of files) {
    const [first = '', key = '', ...rest] = member.path.split('/');
    if (!first.endsWith('.data')) {
      modules.push({ member, scheme: root, path: member.path });
      continue;
    }
    const scheme = schemeKeys.find((candidate) => candidate === key);
    if (!scheme || rest.length === 0) {
      throw new ArchiveFault(
        `has a member ${member.name} that belongs to none of ${schemeKeys.join(', ')}`,
      );
    }
    const placed = { member, scheme, path: rest.join('/') };
    if (scheme !== 'scripts') data.push(placed);
    else if (!isWrapper(rest.at(-1) ?? '', entryPoints)) scripts.push(placed);
  }
  return [...modules, ...data, ...scripts];
}

/** A script that setuptools made for an entry point; pip writes its own instead. */
function isWrapper(name: string, { console, gui }: ScriptEntryPoints): boolean {
  const entry = name.replace(/(?:\.exe|-script\.py|\.pya)$/i, '');
  return console.has(entry) || gui.has(entry);
}
