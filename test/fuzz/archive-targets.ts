import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Archive, Sha256, Version } from '../../src/core/types.ts';
import { ArchiveFault, type Members, openMembers } from '../../src/obtain/cold/members.ts';
import { layOutWheel } from '../../src/obtain/cold/wheel-layout.ts';
import { ZipFault } from '../../src/obtain/cold/zip.ts';
import { normalizeName } from '../../src/python/names.ts';
import { checksum, paxPart, tarBytes } from '../hostile/tar-bytes.ts';
import { wheelBytes, zip64End, zip64Extra, zipBytes } from '../hostile/zip-bytes.ts';
import { longestInput } from './mutate.ts';
import { holds, type Target } from './target.ts';

/** In memory, where Linux has a place for that. */
const folder = isMainThread
  ? ''
  : mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pip-accel-fuzz-'));
if (!isMainThread) process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const scratch = join(folder, 'scratch');

function archive(kind: Archive['kind'], bytes: Buffer): Archive {
  const path = join(folder, kind);
  writeFileSync(path, bytes);
  return {
    kind,
    key: normalizeName('evil'),
    version: '1.0' as Version,
    path,
    sha256: '' as Sha256,
  };
}

/** Of what a deflated kilobyte can hold. */
const mostBytes = longestInput * 1100;

async function checkMembers(members: Members, look: () => Promise<unknown>): Promise<void> {
  try {
    const seen = new Set<string>();
    let bytes = 0;
    for (const member of members.files) {
      const reached = resolve('/tree', member.path);
      holds(reached.startsWith(`/tree${sep}`), 'a path that leaves', member.path);
      holds(
        !seen.has(reached) && !member.path.includes('\0'),
        'a path twice, or none',
        member.path,
      );
      seen.add(reached);
      bytes += (await member.read()).length;
      holds(bytes <= mostBytes, 'more bytes than there can be', bytes);
    }
    await look();
  } finally {
    members.close();
  }
}

async function onlyFaults(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ArchiveFault || error instanceof ZipFault)) throw error;
  }
}

const zip: Target = {
  name: 'zip',
  seeds: [
    wheelBytes(),
    wheelBytes({
      parts: [
        { name: 'a/b.py', content: 'x = 1\n' },
        { name: 'evil-1.0.data/scripts/s', content: '#!python\n', mode: 0o100755 },
      ],
      info: { 'entry_points.txt': '[console_scripts]\na = m:f\n' },
    }),
    wheelBytes({ zip: { beforeEnd: zip64End } }),
    zipBytes([
      {
        name: 'é.py',
        content: 'a',
        method: 0,
        centralExtra: zip64Extra(1n),
        editCentral: (record) => void record.writeUInt32LE(0xffffffff, 24),
      },
    ]),
    zipBytes([{ name: 'a', flags: 8, after: Buffer.alloc(16) }, { name: 'b/' }], {
      comment: Buffer.from('PK\x05\x06'),
    }),
  ],
  dictionary: [
    'PK\x01\x02',
    'PK\x03\x04',
    'PK\x05\x06',
    'PK\x06\x06',
    'PK\x06\x07',
    'PK\x07\x08',
    '../',
    '/',
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    Buffer.alloc(8),
    zip64Extra(1n, 2n, 3n),
  ],
  run: async (input) => {
    await onlyFaults(async () => {
      const file = archive('wheel', input);
      const members = await openMembers(file, scratch);
      await checkMembers(members, () => layOutWheel(file, members));
    });
  },
};

/** Checksums are set right, so that what was changed is looked at. */
function withChecksums(input: Buffer): Buffer {
  const bytes = Buffer.from(input);
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) === 'ustar')
      checksum(bytes.subarray(at, at + 512));
  }
  return bytes;
}

const tar: Target = {
  name: 'tar',
  seeds: [
    tarBytes([
      { name: 'evil-1.0.dist-info/METADATA', content: 'Name: evil\nVersion: 1.0\n' },
      { name: 'a.py' },
    ]),
    tarBytes([
      { name: 'a', content: 'x', pax: { path: 'b/c', size: '1' } },
      { name: 'd/', type: '5' },
    ]),
    tarBytes([
      paxPart('g', { comment: 'x' }),
      { name: '././@LongLink', type: 'L', content: 'long\0' },
      { name: 'short' },
    ]),
    tarBytes(
      [
        { name: 'l', type: '2', link: 'a' },
        { name: 'h', type: '1', link: 'l' },
      ],
      Buffer.alloc(512),
    ),
  ],
  dictionary: [
    'ustar\x0000',
    '../',
    '/',
    '20 path=../evil\n',
    '12 size=99\n',
    '\x80',
    Buffer.alloc(512),
    '0',
    '1',
    '2',
    'x',
    'g',
    'L',
    'K',
    'S',
  ],
  run: async (input) => {
    mkdirSync(scratch, { recursive: true });
    rmSync(scratch, { recursive: true, force: true });
    await onlyFaults(async () => {
      const members = await openMembers(archive('binary', withChecksums(input)), scratch);
      await checkMembers(members, async () => await Promise.resolve());
    });
  },
};

export const archiveTargets: readonly Target[] = [zip, tar];
