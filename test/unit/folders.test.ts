import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listAsFound } from '../../src/core/if-there.ts';

const here = join(import.meta.dirname, '..', '..', '.tmp');

// Mostly on a disk, and often in memory: their orders differ.
test.each([here, tmpdir()])('a folder in %s is listed as Python lists it', (parent) => {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'listed-'));
  try {
    for (let at = 0; at < 2000; at += 1) writeFileSync(join(folder, `${(at * 7919) % 2003}-é`), '');
    const script = 'import json, os, sys; print(json.dumps(os.listdir(sys.argv[1])))';
    const listed = execFileSync('python3', ['-c', script, folder], { encoding: 'utf8' });
    expect(listAsFound(folder)).toEqual(JSON.parse(listed));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
