import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IndexServer } from './index-server.ts';
import { setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();
const folder = join(sandbox.root, 'folder');

let server: IndexServer;
beforeAll(async () => {
  server = await IndexServer.start(fixtures);
});
afterAll(() => server[Symbol.dispose]());

/** A wheel that requires another by its URL. */
const wheelOfUrl = `
import sys, zipfile
folder, url = sys.argv[1:]
with zipfile.ZipFile(folder + '/fx_by_url-1.0-py3-none-any.whl', 'w') as archive:
    info = 'fx_by_url-1.0.dist-info/'
    archive.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: fx-by-url\\nVersion: 1.0\\nRequires-Dist: fx-many @ %s\\n' % url)
    archive.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    archive.writestr(info + 'RECORD', '\\n'.join(info + name + ',,' for name in ('METADATA', 'WHEEL', 'RECORD')) + '\\n')
`;

test('with --offline, folders in place of an index serve what is pinned nowhere', () => {
  const environment = { PIP_FIND_LINKS: fixtures.index };
  const { exitCode, stderr } = sandbox.accel(['install', '--offline', 'fx-needs-range'], {
    environment,
  });
  expect(exitCode, stderr).toBe(0);
  const { stdout } = sandbox.pip(['list', '--format=freeze']);
  expect(stdout).toContain('fx-needs-range==');
  expect(stdout).toContain('fx-many==3');
});

test('with --offline, nothing is fetched that metadata names by its URL', () => {
  mkdirSync(folder);
  const url = `${server.url}/index/fx_many-1-py2.py3-none-any.whl`;
  sandbox.run(['python3', '-c', wheelOfUrl, folder, url]);
  const environment = { PIP_FIND_LINKS: folder };
  const run = (...words: readonly string[]) =>
    sandbox.accel(['install', ...words, 'fx-by-url'], { environment });

  expect(run('--offline').exitCode).toBe(1);
  expect(server.takeRequests()).toEqual([]);
  const { exitCode, stderr } = run();
  expect(exitCode, stderr).toBe(0);
  expect(server.takeRequests()).toContain('/index/fx_many-1-py2.py3-none-any.whl');
});
