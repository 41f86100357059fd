import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Interpreter, Scheme } from '../../src/core/types.ts';
import { findJournals } from '../../src/install/journal.ts';
import { changeableRoots, Transaction } from '../../src/install/transaction.ts';
import { repair } from '../../src/install/undo.ts';

let home: string;
let interpreter: Interpreter;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pip-accel-transaction-'));
  const names = ['purelib', 'platlib', 'scripts', 'data', 'headers'];
  const scheme = Object.fromEntries(names.map((name) => [name, home]));
  interpreter = { prefix: home, scheme } as unknown as Interpreter;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function put(content: string): (target: string) => void {
  return (target) => writeFileSync(target, content, { flag: 'wx' });
}

/** An upgrade of `package/module.py` that has come to its end but for the commit. */
function upgrade(infos: readonly string[] = []): Transaction {
  const folder = join(home, 'package');
  mkdirSync(folder);
  writeFileSync(join(folder, 'module.py'), 'old');
  const transaction = new Transaction(interpreter);
  transaction.begin();
  const paths = [...infos, folder];
  transaction.remove({ paths, folders: [], kept: new Map() });
  transaction.willPlace({ fresh: [folder], present: [], published: [] });
  transaction.makeFolder(folder);
  transaction.putFile(join(folder, 'module.py'), put('new'));
  return transaction;
}

/** What the next run does that may change the environment. */
function repairAll(): void {
  for (const name of findJournals(interpreter.scheme)) {
    repair(name, interpreter.scheme, changeableRoots(interpreter));
  }
}

test('a rollback gives back the old version, without what was put into the new one meanwhile', () => {
  const transaction = upgrade();
  // A process that imports the module while it is replaced leaves its bytecode.
  mkdirSync(join(home, 'package', '__pycache__'));
  writeFileSync(join(home, 'package', '__pycache__', 'module.pyc'), 'foreign');
  transaction.rollback();
  expect(readFileSync(join(home, 'package', 'module.py'), 'utf8')).toBe('old');
  expect(readdirSync(home)).toEqual(['package']);
  expect(readdirSync(join(home, 'package'))).toEqual(['module.py']);
});

test('a run that ended before its commit is undone by the next one', () => {
  upgrade();
  repairAll();
  expect(readFileSync(join(home, 'package', 'module.py'), 'utf8')).toBe('old');
  expect(readdirSync(home)).toEqual(['package']);
});

test('after the commit nothing of the old version is left', () => {
  expect(upgrade().commit()).toEqual([]);
  expect(readFileSync(join(home, 'package', 'module.py'), 'utf8')).toBe('new');
  expect(readdirSync(home)).toEqual(['package']);
});

test('a file that could not be written to its end is not left behind', () => {
  const file = join(home, 'package', 'module.py');
  const transaction = new Transaction(interpreter);
  transaction.begin();
  transaction.willPlace({ fresh: [join(home, 'package')], present: [], published: [] });
  transaction.makeFolder(join(home, 'package'));
  const write = (path: string) => {
    writeFileSync(path, 'half', { flag: 'wx' });
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };
  expect(() => transaction.putFile(file, write)).toThrow('no space left');
  transaction.rollback();
  expect(readdirSync(home)).toEqual([]);
});

test('a file of somebody else is whole at every moment, and back after a rollback', () => {
  const file = join(home, 'shared.txt');
  writeFileSync(file, 'theirs');
  const transaction = new Transaction(interpreter);
  transaction.begin();
  transaction.willPlace({ fresh: [], present: [file], published: [] });
  const seen: string[] = [];
  transaction.putFile(file, (path) => {
    seen.push(readFileSync(file, 'utf8'));
    put('ours')(path);
  });
  expect(seen).toEqual(['theirs', 'theirs']);
  expect(readFileSync(file, 'utf8')).toBe('ours');
  transaction.rollback();
  expect(readFileSync(file, 'utf8')).toBe('theirs');
  expect(readdirSync(home)).toEqual(['shared.txt']);
});

test('a journal that names what lies outside of the environment is not followed', () => {
  const outside = mkdtempSync(join(tmpdir(), 'pip-accel-outside-'));
  try {
    for (const path of [join(outside, 'file'), `${home}/../${outside.split('/').at(-1)}/file`]) {
      writeFileSync(join(outside, 'file'), 'theirs');
      const journal = join(home, '.pip-accel-0123456789ab');
      mkdirSync(journal);
      const placing = { format: 1, fresh: [relative(home, path)], present: [], published: [] };
      writeFileSync(join(journal, 'placing.json'), JSON.stringify(placing));
      expect(repairAll).toThrow('outside of the environment');
      expect(existsSync(join(outside, 'file'))).toBe(true);
      rmSync(journal, { recursive: true });
    }
  } finally {
    rmSync(outside, { recursive: true });
  }
});

test('a killed run is undone where the environment has been moved, and through a link to it', () => {
  const link = `${home}-link`;
  symlinkSync(home, link);
  const real = interpreter;
  const names = Object.keys(real.scheme);
  const through = (folder: string) => ({
    ...real,
    prefix: folder,
    scheme: Object.fromEntries(names.map((name) => [name, folder])) as unknown as Scheme,
  });
  interpreter = through(link);
  upgrade();
  rmSync(link);
  const moved = `${home}-moved`;
  renameSync(home, moved);
  interpreter = through(moved);
  repairAll();
  expect(readFileSync(join(moved, 'package', 'module.py'), 'utf8')).toBe('old');
  expect(readdirSync(moved)).toEqual(['package']);
  renameSync(moved, home);
});

test('what a pip installed after a kill is left alone', () => {
  const old = join(home, 'package-1.dist-info');
  mkdirSync(old);
  upgrade([old]);
  const info = join(home, 'package-2.dist-info');
  mkdirSync(info);
  writeFileSync(join(info, 'METADATA'), 'Name: package');
  writeFileSync(join(info, 'RECORD'), 'package/module.py,,\npackage-2.dist-info/METADATA,,\n');
  writeFileSync(join(home, 'package', 'module.py'), 'of pip');
  writeFileSync(join(home, 'package', 'rubbish.py'), 'of the killed run');
  repairAll();
  expect(readFileSync(join(home, 'package', 'module.py'), 'utf8')).toBe('of pip');
  expect(readdirSync(join(home, 'package'))).toEqual(['module.py']);
  expect(readdirSync(home).sort()).toEqual(['package', 'package-2.dist-info']);
});
