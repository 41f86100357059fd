import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Transaction } from '../../src/install/transaction.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pip-accel-transaction-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function put(path: string, content: string): (target: string) => void {
  return () => writeFileSync(path, content, { flag: 'wx' });
}

test('a rollback gives back the old version beside what somebody else put there meanwhile', () => {
  const folder = join(home, 'package');
  mkdirSync(folder);
  writeFileSync(join(folder, 'module.py'), 'old');
  const transaction = new Transaction(home);
  transaction.moveAside(folder);
  transaction.makeFolder(folder);
  transaction.makeFile(join(folder, 'module.py'), put(join(folder, 'module.py'), 'new'));
  // A process that imports the module while it is replaced leaves its bytecode.
  mkdirSync(join(folder, '__pycache__'));
  writeFileSync(join(folder, '__pycache__', 'module.pyc'), 'foreign');
  transaction.rollback();
  expect(readFileSync(join(folder, 'module.py'), 'utf8')).toBe('old');
  expect(readdirSync(home)).toEqual(['package']);
});

test('a file that could not be written to its end is not left behind', () => {
  const folder = join(home, 'package');
  const file = join(folder, 'module.py');
  const transaction = new Transaction(home);
  transaction.makeFolder(folder);
  const write = (path: string) => {
    writeFileSync(path, 'half', { flag: 'wx' });
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };
  expect(() => transaction.makeFile(file, write)).toThrow('no space left');
  expect(existsSync(file)).toBe(false);
  transaction.rollback();
  expect(readdirSync(home)).toEqual([]);
});

test('after the commit nothing of the old version is left', () => {
  writeFileSync(join(home, 'module.py'), 'old');
  const transaction = new Transaction(home);
  transaction.moveAside(join(home, 'module.py'));
  transaction.makeFile(join(home, 'module.py'), put(join(home, 'module.py'), 'new'));
  expect(transaction.commit()).toEqual([]);
  expect(readdirSync(home)).toEqual(['module.py']);
});
