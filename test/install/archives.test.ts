import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeImage } from '../../src/obtain/cold/unpack.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { openStore } from '../../src/store/layout.ts';
import { archiveAt, makeFixtures } from './site.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-archives-')));
const store = openStore(join(root, 'cache'));
const environment = { PATH: process.env['PATH'] ?? '' };
const hostile = join(root, 'hostile');
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Wheels that only bytes can make, each named for what is wrong with it. */
const script = `
import sys, warnings, zipfile
warnings.simplefilter("ignore")
def wheel(name, extra=(), entry_points="", edit=lambda data: data):
    path = "%s/%s-1.0-py3-none-any.whl" % (sys.argv[1], name)
    info = name + "-1.0.dist-info/"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name + ".py", "a = 1\\n")
        for member, content in extra:
            archive.writestr(member, content)
        archive.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: %s\\nVersion: 1.0\\n" % name)
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "entry_points.txt", entry_points)
        archive.writestr(info + "RECORD", name + ".py,,\\n")
    with open(path, "rb") as stream:
        data = stream.read()
    with open(path, "wb") as stream:
        stream.write(edit(data))
def device():
    member = zipfile.ZipInfo("device")
    member.external_attr = 0o020666 << 16
    return member
wheel("repeated", [("twice.py", "a"), ("twice.py", "b")])
wheel("prefixed", edit=lambda data: b"#!/bin/sh\\n" + data)
wheel("followed", edit=lambda data: data + b"more")
wheel("two_names", edit=lambda data: data.replace(b"two_names.py", b"two_nameX.py", 1))
wheel("device", [(device(), b"")])
wheel("bomb", [("zeros", b"\\0" * (300 << 20))])
wheel("file_and_folder", [("a", "file"), ("a/b", "below it")])
wheel("dots", entry_points="[console_scripts]\\n.. = dots:main\\n")
wheel("nothing_to_call", entry_points="[console_scripts]\\nrun = nothing_to_call\\n")
wheel("bell", entry_points="[console_scripts]\\nru\\x07n = bell:main\\n")
`;

/** What pip takes: RECORD is not verified, the rest of a line after a callable is left out. */
const harmless = /record|script_target|twins-1.0-py2/;

makeFixtures(root);
execFileSync('mkdir', [hostile]);
writeFileSync(join(root, 'hostile.py'), script);
execFileSync('python3', [join(root, 'hostile.py'), hostile]);
const archives = [join(root, 'broken'), hostile].flatMap((folder) =>
  readdirSync(folder).map((name) => join(folder, name)),
);

const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();
const interpreter = await askInterpreter(store, python, environment);

test.each(archives.filter((path) => path.includes('no_record') || !harmless.test(path)))(
  '%s is refused by name, and leaves nothing',
  async (path) => {
    const context = { store, verifyImages: 'hourly', emit: () => undefined, environment } as const;
    const attempt = makeImage(archiveAt(path), { interpreter, umask: process.umask() }, context);
    await expect(attempt).rejects.toMatchObject({ code: 'archive-invalid' });
    await expect(attempt).rejects.toThrow(path);
    expect(readdirSync(store.temporary)).toEqual([]);
    expect(existsSync('/tmp/fx-evil.py')).toBe(false);
  },
);
