import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import type { Sha256, Version } from '../../src/core/types.ts';
import { unpackSdist } from '../../src/obtain/cold/build/unpack-sdist.ts';
import type { Workbench } from '../../src/obtain/cold/build/workbench.ts';
import { openMembers } from '../../src/obtain/cold/members.ts';
import { normalizeName } from '../../src/python/names.ts';
import { readTree } from '../install/site.ts';
import { paxPart, tarBytes, type TarPart } from './tar-bytes.ts';
import { zipBytes, type ZipPart } from './zip-bytes.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-hostile-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const evil = 'evil = True\n';
const setup: TarPart = { name: 'evil-1.0/setup.py', content: 'x = 1\n' };
const link = (name: string, to: string): TarPart => ({ name, type: '2', link: to });
const hard = (name: string, to: string): TarPart => ({ name, type: '1', link: to });
const big = (length: number) => ({ comment: 'x'.repeat(length) });

/** Hostile to whoever unpacks a tar, and what the refusal says. */
const hostile: readonly (readonly [
  what: string,
  said: RegExp,
  parts: readonly TarPart[] | Buffer,
])[] = [
  ['an absolute path', /\/tmp\/fx-evil\.py/, [{ name: '/tmp/fx-evil.py', content: evil }]],
  ['a path that leaves', /\.\.\/fx-evil\.py/, [{ name: '../fx-evil.py', content: evil }]],
  ['a path that leaves later', /a\/\.\.\/\.\.\/b/, [{ name: 'a/../../b', content: evil }]],
  ['a PAX path that leaves', /\.\.\/b\.py/, [{ name: 'b.py', pax: { path: '../b.py' } }]],
  [
    'a GNU path that leaves',
    /\.\.\/b\.py/,
    [{ name: '././@LongLink', type: 'L', content: '../b.py\0' }, { name: 'b.py' }],
  ],
  [
    'a prefix that leaves',
    /\.\.\/b\.py/,
    [{ name: 'b.py', edit: (head) => void head.write('..', 345) }],
  ],
  ['a link to an absolute path', /evil-1\.0\/l/, [link('evil-1.0/l', '/etc/passwd')]],
  ['a link that leaves', /evil-1\.0\/l/, [link('evil-1.0/l', '../../etc')]],
  [
    'a PAX link that leaves',
    /evil-1\.0\/l/,
    [{ ...link('evil-1.0/l', 'ok'), pax: { linkpath: '../../x' } }],
  ],
  [
    'a file through a link',
    /evil-1\.0\/out|through symbolic link/,
    [
      link('evil-1.0/out', '..'),
      link('evil-1.0/out/up', '..'),
      { name: 'evil-1.0/out/fx-evil.py', content: evil },
    ],
  ],
  ['a hardlink to an absolute path', /evil-1\.0\/l/, [hard('evil-1.0/l', '/etc/passwd')]],
  ['a hardlink that leaves', /evil-1\.0\/l/, [hard('evil-1.0/l', '../../etc/passwd')]],
  [
    'a hardlink to a link that leaves',
    /evil-1\.0\/a/,
    [link('evil-1.0/a', '../../../etc/passwd'), hard('evil-1.0/b', 'evil-1.0/a')],
  ],
  ['a FIFO', /evil-1\.0\/pipe/, [{ name: 'evil-1.0/pipe', type: '6' }]],
  ['a terminal', /evil-1\.0\/tty/, [{ name: 'evil-1.0/tty', type: '3' }]],
  ['a disk', /evil-1\.0\/disk/, [{ name: 'evil-1.0/disk', type: '4' }]],
  [
    'a member of no known type',
    /evil-1\.0\/q\.py/,
    [{ name: 'evil-1.0/q.py', type: 'Q', content: evil }],
  ],
  ['a sparse member', /evil-1\.0\/s\.py/, [{ name: 'evil-1.0/s.py', type: 'S', content: evil }]],
  [
    'a member behind the end',
    /evil-1\.0\/hidden\.py/,
    Buffer.concat([
      tarBytes([setup], Buffer.alloc(512)),
      tarBytes([{ name: 'evil-1.0/hidden.py' }]),
    ]),
  ],
  ['a PAX header without end', /PaxHeader/, [{ name: 'a.py', pax: big(2 << 20) }]],
  ['a PAX header for all without end', /PaxHeader/, [paxPart('g', big(2 << 20)), { name: 'a.py' }]],
  [
    'a PAX path within another value',
    /two ways: path/,
    [{ name: 'a.py', content: evil, pax: { comment: 'x\n22 path=evil-1.0/b.py\n' } }],
  ],
  [
    'a PAX size within another value, for all',
    /two ways: size/,
    [paxPart('g', { comment: 'x\n10 size=1\n' }), { name: 'a.py', content: evil }],
  ],
  ['a PAX path of two lines', /two ways: path/, [{ name: 'a.py', pax: { path: 'a\nb.py' } }]],
  [
    'a PAX path in no encoding',
    /two ways: path/,
    [{ name: 'a.py', pax: { path: Buffer.from('caf\xe9.py', 'latin1') } }],
  ],
  [
    'a PAX link behind a value of two lines',
    /two ways: linkpath/,
    [{ ...link('evil-1.0/l', 'ok'), pax: { comment: 'a\nb', linkpath: 'evil' } }],
  ],
  ['a PAX type', /two ways: type/, [{ name: 'a.py', pax: { type: 'Directory' } }]],
  [
    'a sparse member as PAX has it',
    /two ways: GNU\.sparse/,
    [{ name: 'a.py', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.name': 'b.py' } }],
  ],
  [
    'a checksum that is not so',
    /checksum|damaged|unpacked/,
    [setup, { name: 'a.py', spoil: (head) => void head.write('b', 0) }],
  ],
  [
    'a size beyond all',
    /./,
    [{ name: 'a.py', size: Buffer.from('800000007fffffffffffffff', 'hex') }],
  ],
  [
    'half a member',
    /./,
    tarBytes([{ name: 'a.py', size: 1 << 20, content: evil }]).subarray(0, 1024),
  ],
  ['no tar', /./, Buffer.from('<!doctype html>'.repeat(99))],
];

let count = 0;
function place(): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  return folder;
}

/** All that the unpacking of a tar.gz or a zip looks at. */
function bench(path: string, filename: string): Workbench {
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex') as Sha256;
  const request = {
    key: normalizeName('evil'),
    version: '1.0' as Version,
    sdist: { path, filename, sha256 },
  };
  return { request } as Workbench;
}

async function unpack(
  bytes: Buffer,
  ending = 'tar.gz',
): Promise<{ folder: string; source: string }> {
  const folder = place();
  const filename = `evil-1.0.${ending}`;
  writeFileSync(join(folder, filename), bytes);
  const target = join(folder, 'source');
  return { folder, source: await unpackSdist(bench(join(folder, filename), filename), target) };
}

const packed = hostile.map(([what, said, parts]) => ({
  what,
  said,
  tar: Buffer.isBuffer(parts) ? parts : tarBytes(parts),
}));

test.each(packed)(
  'an sdist with $what is refused by name, and stays in its folder',
  async ({ said, tar }) => {
    const before = readdirSync(root);
    const attempt = unpack(gzipSync(tar));
    await expect(attempt).rejects.toMatchObject({ code: 'archive-invalid' });
    await expect(attempt).rejects.toThrow(/^evil-1\.0\.tar\.gz/);
    await expect(attempt).rejects.toThrow(said);
    const [mine = ''] = readdirSync(root).filter((name) => !before.includes(name));
    expect(readdirSync(join(root, mine)).sort()).toEqual(['evil-1.0.tar.gz', 'source']);
    expect(existsSync('/tmp/fx-evil.py')).toBe(false);
  },
);

test.each(packed)('a binary distribution with $what is refused by name', async ({ said, tar }) => {
  const folder = place();
  const path = join(folder, 'evil.tar.gz');
  writeFileSync(path, gzipSync(tar));
  const archive = {
    kind: 'binary',
    key: normalizeName('evil'),
    version: '1.0' as Version,
    path,
    sha256: '' as Sha256,
  } as const;
  await expect(openMembers(archive, join(folder, 'scratch'))).rejects.toThrow(said);
  expect(readdirSync(folder).sort()).toEqual(['evil.tar.gz', 'scratch']);
});

test.each([
  ['one name twice', [{ name: 'a.py' }, { name: 'a.py' }]],
  ['a setuid bit', [{ name: 'a.py', mode: 0o4755 }]],
  ['a link', [link('a', 'b')]],
] as const)('a binary distribution holds no %s', async (_what, parts) => {
  const folder = place();
  const path = join(folder, 'evil.tar.gz');
  writeFileSync(path, gzipSync(tarBytes(parts)));
  const archive = {
    kind: 'binary',
    key: normalizeName('evil'),
    version: '1.0' as Version,
    path,
    sha256: '' as Sha256,
  } as const;
  await expect(openMembers(archive, join(folder, 'scratch'))).rejects.toThrow(/member/);
});

test('a tar of zeros is not unpacked to its end', async () => {
  const zeros = Buffer.alloc(64 << 20);
  const parts = [setup, { name: 'evil-1.0/zeros', content: zeros }];
  await expect(unpack(gzipSync(tarBytes(parts), { level: 9 }))).rejects.toThrow(/ratio/i);
});

test('what is odd but harmless is unpacked as pip does', async () => {
  const { source } = await unpack(
    gzipSync(
      tarBytes([
        setup,
        { name: 'evil-1.0/tool', content: 'one', mode: 0o6755 },
        { name: 'evil-1.0/twice.py', content: 'first' },
        { name: 'evil-1.0/twice.py', content: 'second' },
        { name: 'evil-1.0/Twin.py', content: 'upper' },
        { name: 'evil-1.0/twin.py', content: 'lower' },
        { name: 'evil-1.0/back\\slash.py', content: 'x' },
        // Python fails at these three; here they are what their names are without it.
        { name: 'evil-1.0/nul.py', pax: { path: 'evil-1.0/nul\0/../../../x' } },
        { name: 'evil-1.0/below-zero.py', size: Buffer.alloc(12, 0xff) },
        paxPart('g', { path: '../for-all.py' }),
        // What Macs write.
        {
          name: 'evil-1.0/mac.py',
          pax: { path: 'evil-1.0/mac.py', 'SCHILY.xattr.x': Buffer.from([0xff, 10, 0, 10]) },
        },
        link('evil-1.0/own', 'tool'),
        { name: 'evil-1.0/replaced', content: 'a' },
        link('evil-1.0/replaced', 'tool'),
        { name: 'evil-1.0/replaced', content: 'b' },
        // CVE-2025-62518: the ustar header says 0, the PAX header is right; what follows is no header.
        {
          name: 'evil-1.0/archive.tar',
          content: tarBytes([{ name: 'evil-1.0/smuggled.py' }]),
          size: 0,
          pax: { size: String(tarBytes([{ name: 'x' }]).length) },
        },
      ]),
    ),
  );
  const tree = readTree(source);
  expect(lstatSync(join(source, 'tool')).mode & 0o7000).toBe(0);
  expect(Object.keys(tree)).toEqual([
    'Twin.py',
    'archive.tar',
    'back\\slash.py',
    'below-zero.py',
    'mac.py',
    'nul',
    'own',
    'replaced',
    'setup.py',
    'tool',
    'twice.py',
    'twin.py',
  ]);
  expect(readFileSync(join(source, 'twice.py'), 'utf8')).toBe('second');
  expect(readFileSync(join(source, 'tool'), 'utf8')).toBe('one');
  expect(lstatSync(join(source, 'replaced')).isFile()).toBe(true);
});

test('a tar that says to be a zip, and a zip that says to be a tar, are refused', async () => {
  const part: ZipPart = { name: 'evil-1.0/setup.py', content: 'x = 1\n' };
  const both = Buffer.concat([gzipSync(tarBytes([setup])), zipBytes([part])]);
  for (const [bytes, ending] of [
    [both, 'tar.gz'],
    [both, 'zip'],
    [zipBytes([part]), 'tar.gz'],
    [gzipSync(tarBytes([setup])), 'zip'],
  ] as const) {
    await expect(unpack(bytes, ending)).rejects.toMatchObject({ code: 'archive-invalid' });
  }
});

test.each([
  ['../fx-evil.py', {}],
  ['/tmp/fx-evil.py', {}],
  ['evil-1.0/pipe', { mode: 0o010644 }],
] as const)('a zipped sdist with %s is refused', async (name, more) => {
  await expect(unpack(zipBytes([{ name, ...more }]), 'zip')).rejects.toThrow(name);
});

test('a link in a zipped sdist is a file, as for pip', async () => {
  const parts = [
    { name: 'evil-1.0/l', content: '/etc/passwd', mode: 0o120777 },
    { name: 'evil-1.0/s.py' },
  ];
  const { source } = await unpack(zipBytes(parts), 'zip');
  expect(readFileSync(join(source, 'l'), 'utf8')).toBe('/etc/passwd');
});
