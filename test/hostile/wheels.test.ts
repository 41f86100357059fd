import { execFileSync } from 'node:child_process';
import {
  existsSync,
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
import { afterAll, describe, expect, test } from 'vitest';
import { ImageMaker } from '../../src/obtain/cold/unpack.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { openStore } from '../../src/store/layout.ts';
import { archiveAt, makeFixtures } from '../install/site.ts';
import {
  type WheelParts,
  wheelBytes,
  zip64End,
  zip64Extra,
  zipBytes,
  type ZipPart,
} from './zip-bytes.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-hostile-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const store = openStore(join(root, 'cache'));
const environment = { PATH: process.env['PATH'] ?? '' };
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();
const interpreter = await askInterpreter(store, python, environment);

const inside = { method: 0, content: 'evil = True\n' } as const;
const member = (name: string | Buffer, more: Partial<ZipPart> = {}): WheelParts => ({
  parts: [{ name, content: 'evil = True\n', ...more }],
});
const entryPoint = (line: string): WheelParts => ({
  info: { 'entry_points.txt': `[console_scripts]\n${line}\n` },
});

/** An archive within an archive: what a reader that looks for its end record first finds in the comment. */
const otherWheel = wheelBytes({ name: 'other' });

/** A directory whose last comment holds another one, with a zip64 end record that leads there. */
function twoDirectories(): Buffer {
  const hidden: ZipPart = { name: 'hidden.py', content: 'evil = True\n' };
  const held = zipBytes([hidden]);
  const local = held.subarray(0, held.indexOf('PK\x01\x02'));
  const record = Buffer.from(held.subarray(local.length, held.length - 22));
  const stored: ZipPart = { name: 'data.bin', method: 0, content: local };
  const before = zipBytes([stored]);
  record.writeUInt32LE(before.indexOf(local), 42);
  const directory = before.indexOf('PK\x01\x02');
  const swallowed = Buffer.concat([
    record,
    zip64End({ offset: directory + 46 + 'data.bin'.length, bytes: record.length, count: 1 }),
  ]);
  const central = Buffer.concat([before.subarray(directory, before.length - 22), swallowed]);
  central.writeUInt16LE(swallowed.length, 32);
  const end = Buffer.from(before.subarray(before.length - 22));
  end.writeUInt32LE(central.length, 12);
  return Buffer.concat([before.subarray(0, directory), central, end]);
}

/** PKWARE's APPNOTE 4.6.9: another name for the same member, which Python 3.13 takes. */
function unicodePath(name: string): Buffer {
  const content = Buffer.concat([Buffer.alloc(5, 1), Buffer.from(name)]);
  const field = Buffer.alloc(4);
  field.writeUInt16LE(0x7075, 0);
  field.writeUInt16LE(content.length, 2);
  return Buffer.concat([field, content]);
}

const hostile: readonly (readonly [what: string, said: RegExp, wheel: WheelParts | Buffer])[] = [
  ['an absolute path', /member \/tmp\/fx-evil\.py outside/, member('/tmp/fx-evil.py')],
  ['a path that leaves', /member \.\.\/fx-evil\.py outside/, member('../fx-evil.py')],
  ['a path that leaves in its middle', /a\/\.\.\/\.\.\/b\.py outside/, member('a/../../b.py')],
  ['a folder that leaves', /member \.\.\/ outside/, member('../', { content: '' })],
  ['a NUL in a name', /the name "evil\\u0000\.py"/, member('evil\0.py')],
  ['no name', /the name ""/, member('')],
  ['a dot for a name', /the name "\."/, member('.')],
  ['a name that is not UTF-8', /not UTF-8/, member(Buffer.from([0x61, 0xff]))],
  ['a device', /member disk that is no regular file/, member('disk', { mode: 0o060644 })],
  ['a terminal', /member tty that is no regular file/, member('tty', { mode: 0o020644 })],
  ['a FIFO', /member pipe that is no regular file/, member('pipe', { mode: 0o010644 })],
  ['a socket', /member sock that is no regular file/, member('sock', { mode: 0o140644 })],
  ['one name twice', /two members a\.py/, { parts: [{ name: 'a.py' }, { name: 'a.py' }] }],
  ['one place twice', /two members a\/\.\/\/b/, { parts: [{ name: 'a/b' }, { name: 'a/.//b' }] }],
  [
    'one place twice by two schemes',
    /two members that land on one path|two members/,
    { parts: [{ name: 'x.py' }, { name: 'x.py/y.py' }] },
  ],
  ['a file that is a folder as well', /one path/, { parts: [{ name: 'a' }, { name: 'a/b' }] }],
  ['a name that no file can have', /name is too long/, member(`${'n'.repeat(300)}.py`)],
  [
    'two names for a member',
    /member a\.py whose two headers differ/,
    member('a.py', { editLocal: (head) => void head.write('b', 30) }),
  ],
  [
    'two methods for a member',
    /member a\.py whose two headers differ/,
    member('a.py', { editLocal: (head) => void head.writeUInt16LE(0, 8) }),
  ],
  [
    'two sizes for a member',
    /member a\.py with two sizes/,
    member('a.py', { editLocal: (head) => void head.writeUInt32LE(5, 22) }),
  ],
  [
    'a stored member with two sizes',
    /member a\.py with two sizes/,
    member('a.py', { method: 0, editCentral: (head) => void head.writeUInt32LE(5, 24) }),
  ],
  [
    'a second name in an extra field',
    /a\.py with two names/,
    member('a.py', { centralExtra: unicodePath('b.py') }),
  ],
  ['a size that is not so', /damaged member a\.py/, member('a.py', { size: 3 })],
  [
    'bytes that are not those of the checksum',
    /damaged member a\.py/,
    member('a.py', {
      editCentral: (head) => void head.writeUInt32LE(7, 16),
    }),
  ],
  ['another compression', /a\.py with compression method 14/, member('a.py', { method: 14 })],
  ['encryption', /encrypted member a\.py/, member('a.py', { flags: 1 })],
  ['strong encryption', /encrypted member a\.py/, member('a.py', { flags: 0x41 })],
  ['an encrypted directory', /encrypted member a\.py/, member('a.py', { flags: 0x2000 })],
  [
    'a member beside the directory',
    /bytes that its directory does not know/,
    {
      parts: [{ name: 'seen.py' }, { name: 'hidden.py', hidden: true }],
    },
  ],
  [
    'bytes after a member',
    /bytes that its directory does not know/,
    member('a.py', {
      after: Buffer.from('evil'),
    }),
  ],
  [
    'a data descriptor that contradicts',
    /bytes that its directory does not know/,
    member('a.py', {
      flags: 8,
      after: Buffer.from('PK\x07\x08aaaabbbbcccc', 'latin1'),
    }),
  ],
  [
    'members that overlap',
    /overlaps another/,
    {
      parts: [
        { name: 'a.py', ...inside },
        { name: 'a.py', offset: 0 },
      ],
    },
  ],
  [
    'a member that lies behind the end',
    /directory does not know/,
    member('a.py', { offset: 1 << 30 }),
  ],
  [
    'a program before it',
    /bytes that its directory does not know/,
    {
      zip: { before: Buffer.from('#!/bin/sh\n') },
    },
  ],
  ['bytes after its end', /bytes after its end record/, { zip: { after: Buffer.from('more') } }],
  ['another archive after its end', /directory does not know/, { zip: { after: otherWheel } }],
  ['another archive in its comment', /directory does not know/, { zip: { comment: otherWheel } }],
  [
    'two disks',
    /spans several disks/,
    {
      zip: { editEnd: (end) => void end.writeUInt16LE(1, 4) },
    },
  ],
  [
    'two counts',
    /spans several disks/,
    { zip: { editEnd: (end) => void end.writeUInt16LE(1, 8) } },
  ],
  [
    'fewer members than it says',
    /damaged directory/,
    {
      zip: {
        editEnd: (end) => {
          end.writeUInt16LE(9, 8);
          end.writeUInt16LE(9, 10);
        },
      },
    },
  ],
  [
    'a zip64 end that the end record contradicts',
    /zip64/,
    {
      zip: { beforeEnd: (placed) => zip64End({ ...placed, count: placed.count + 1 }) },
    },
  ],
  ['a zip64 end behind a comment', /zip64/, twoDirectories()],
  [
    'a zip64 end on two disks',
    /zip64|disks/,
    {
      zip: {
        beforeEnd: (placed) => {
          const record = zip64End(placed);
          record.writeUInt32LE(1, 16);
          return record;
        },
      },
    },
  ],
  [
    'a zip64 size without its field',
    /member a\.py without its size/,
    member('a.py', {
      centralExtra: zip64Extra(),
      editCentral: (record) => void record.writeUInt32LE(0xffffffff, 24),
    }),
  ],
  [
    'a zip64 size that is not so',
    /member a\.py|would unpack/,
    member('a.py', {
      centralExtra: zip64Extra(1n << 40n),
      editCentral: (record) => void record.writeUInt32LE(0xffffffff, 24),
    }),
  ],
  [
    'more members than anybody has',
    /more than 500000 entries/,
    {
      zip: {
        editEnd: (end) => void end.writeUInt32LE(0xffffffff, 8),
        beforeEnd: (placed) => zip64End({ ...placed, count: 500_001 }),
      },
    },
  ],
  ['zeros without end', /would unpack to/, member('zeros', { size: 0xfffffffe })],
  [
    'more bytes than a disk',
    /would unpack to/,
    member('zeros', {
      centralExtra: zip64Extra(1n << 60n),
      localExtra: zip64Extra(1n << 60n),
      editLocal: (head) => void head.writeUInt32LE(0xffffffff, 22),
      editCentral: (record) => void record.writeUInt32LE(0xffffffff, 24),
    }),
  ],
  ['no zip', /is not a zip archive/, Buffer.from('<!doctype html>')],
  ['half a zip', /is not a zip archive|cut short/, wheelBytes().subarray(0, 200)],
  ['a tar', /is not a zip archive/, Buffer.alloc(2048)],
  ['no bytes', /is not a zip archive/, Buffer.alloc(0)],

  ['no dist-info', /no \.dist-info folder/, { distInfo: 'evil-1.0.info' }],
  ['two dist-infos', /several \.dist-info folders/, member('other-1.0.dist-info/METADATA')],
  [
    'another’s dist-info',
    /folder other-1\.0\.dist-info, which does not start/,
    {
      distInfo: 'other-1.0.dist-info',
    },
  ],
  [
    'a dist-info below another folder',
    /no \.dist-info folder/,
    {
      distInfo: 'x/evil-1.0.dist-info',
    },
  ],
  [
    'another’s name',
    /metadata of other 1\.0/,
    {
      info: { METADATA: 'Metadata-Version: 2.1\nName: other\nVersion: 1.0\n' },
    },
  ],
  [
    'another version',
    /metadata of evil 2\.0/,
    {
      info: { METADATA: 'Metadata-Version: 2.1\nName: evil\nVersion: 2.0\n' },
    },
  ],
  ['no name in its metadata', /without name or version/, { info: { METADATA: 'Version: 1.0\n' } }],
  [
    'metadata that are not UTF-8',
    /METADATA that is not UTF-8/,
    {
      info: { METADATA: Buffer.from([0xff, 0xfe]) },
    },
  ],
  ['no RECORD', /no RECORD/, { info: { RECORD: null } }],
  ['a newer Wheel-Version', /Wheel-Version 2\.0/, { info: { WHEEL: 'Wheel-Version: 2.0\n' } }],
  [
    'a Wheel-Version that is none',
    /Wheel-Version "1\.x"/,
    { info: { WHEEL: 'Wheel-Version: 1.x\n' } },
  ],
  [
    'an unknown scheme',
    /evil-1\.0\.data\/elsewhere\/f that belongs to none/,
    member('evil-1.0.data/elsewhere/f'),
  ],
  ['a scheme that JavaScript has', /belongs to none/, member('evil-1.0.data/__proto__/f')],
  ['a scheme that leaves', /outside of its tree/, member('evil-1.0.data/scripts/../../../evil')],
  ['a scheme without a file', /belongs to none/, member('evil-1.0.data/scripts')],
  ['an entry point that leaves', /entry point "\.\.\/\.\.\/x = m:f"/, entryPoint('../../x = m:f')],
  ['an entry point in the middle of a tree', /entry point/, entryPoint('a/../../x = m:f')],
  ['an absolute entry point', /entry point "\/tmp\/x = m:f"/, entryPoint('/tmp/x = m:f')],
  [
    'an entry point with an escape sequence',
    /entry point "x\\u001b\[2J = m:f"/,
    entryPoint('x\x1b[2J = m:f'),
  ],
  ['an entry point with nothing to call', /entry point "x = m"/, entryPoint('x = m')],
  ['an entry point of two calls', /entry point "x = m:f:g"/, entryPoint('x = m:f:g')],
  ['an entry point longer than any', /entry point/, entryPoint(`${'x'.repeat(1 << 20)} = !`)],
  [
    'a graphical entry point that leaves',
    /entry point/,
    {
      info: { 'entry_points.txt': '[gui_scripts]\n../x = m:f\n' },
    },
  ],
];

const folder = join(root, 'wheels');
mkdirSync(folder);
const target = { interpreter, umask: process.umask(), bytecode: true };
const maker = new ImageMaker(target, { store, emit: () => undefined, environment });
afterAll(async () => await maker.close());

describe('a wheel with', () => {
  const wheels = hostile.map(([what, said, wheel], index) => {
    const place = join(folder, String(index));
    mkdirSync(place);
    const path = join(place, 'evil-1.0-py3-none-any.whl');
    writeFileSync(path, Buffer.isBuffer(wheel) ? wheel : wheelBytes(wheel));
    return { what, said, path };
  });

  test.each(wheels)('$what is refused by name, and leaves nothing', async ({ said, path }) => {
    const attempt = maker.imageOf(archiveAt(path));
    await expect(attempt).rejects.toMatchObject({ code: 'archive-invalid' });
    await expect(attempt).rejects.toThrow(`${path} has `.slice(0, -5));
    await expect(attempt).rejects.toThrow(said);
    expect(readdirSync(store.temporary)).toEqual([]);
    expect(existsSync('/tmp/fx-evil.py')).toBe(false);
  });
});

test('a sound wheel is taken, with data descriptors, zip64 and folders too', async () => {
  const deferred: Partial<ZipPart> = {
    flags: 8,
    editLocal: (head) => void head.fill(0, 14, 26),
  };
  const path = join(root, 'evil-1.0-py3-none-any.whl');
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  const parts: ZipPart[] = [
    { name: 'empty.py', ...deferred, method: 0, after: descriptor },
    { name: 'bare.py', ...deferred, method: 0, after: descriptor.subarray(4) },
    { name: 'folder/', mode: 0o040755 },
    {
      name: 'wide.py',
      content: 'a = 1\n',
      method: 0,
      centralExtra: zip64Extra(6n),
      editCentral: (record) => void record.writeUInt32LE(0xffffffff, 24),
    },
  ];
  writeFileSync(path, wheelBytes({ parts, zip: { beforeEnd: zip64End } }));
  const image = await maker.imageOf(archiveAt(path));
  expect(image.manifest.version).toBe('1.0');
});

test('bytecode that a wheel ships of its own is made anew, of however many files', async () => {
  const path = join(root, 'many-1.0-py3-none-any.whl');
  const own = `__pycache__/many.${interpreter.cacheTag}.pyc`;
  const modules = Array.from({ length: 1200 }, (_, at) => ({
    name: `parts/m${at}.py`,
    content: `number = ${at}\n`,
  }));
  const parts = [{ name: own, content: 'stale' }, ...modules];
  writeFileSync(path, wheelBytes({ name: 'many', parts }));
  const image = await maker.imageOf(archiveAt(path));
  const files = join(image.path, image.manifest.root);
  const code = [own, `parts/__pycache__/m1199.${interpreter.cacheTag}.pyc`];
  for (const name of code) {
    const magic = readFileSync(join(files, name)).subarray(0, 4).toString('hex');
    expect(magic).toBe(interpreter.bytecodeMagic);
  }
  expect(readdirSync(join(files, 'parts', '__pycache__'))).toHaveLength(1200);
  expect(readFileSync(join(files, 'parts', 'm700.py'), 'utf8')).toBe('number = 700\n');
});

test('of many members one that is damaged is named, and leaves nothing', async () => {
  const path = join(root, 'many-2.0-py3-none-any.whl');
  const parts: ZipPart[] = Array.from({ length: 1200 }, (_, at) => ({
    name: `m${at}.py`,
    content: `number = ${at}\n`,
    method: 0,
  }));
  const bytes = wheelBytes({ name: 'many', version: '2.0', parts });
  bytes.write('numbed', bytes.indexOf('number = 1100'));
  writeFileSync(path, bytes);
  await expect(maker.imageOf(archiveAt(path))).rejects.toThrow('has a damaged member m1100.py');
  expect(readdirSync(store.temporary)).toEqual([]);
});

/** Archives of the fixtures that pip takes: it verifies no RECORD, and knows no twins where the file system has none. */
const harmless = /record(_short)?-|script_target|twins-1.0-py2/;
makeFixtures(join(root, 'fixtures'));
const broken = readdirSync(join(root, 'fixtures', 'broken'))
  .filter((name) => !harmless.test(name))
  .map((name) => join(root, 'fixtures', 'broken', name));

test.each(broken)('%s is refused by name, and leaves nothing', async (path) => {
  const attempt = maker.imageOf(archiveAt(path));
  await expect(attempt).rejects.toMatchObject({ code: 'archive-invalid' });
  await expect(attempt).rejects.toThrow(path);
  expect(readdirSync(store.temporary)).toEqual([]);
  expect(existsSync('/tmp/fx-evil.py')).toBe(false);
});
