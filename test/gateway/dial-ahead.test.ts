import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/argv.ts';
import { dialAhead } from '../../src/commands/cold/dial-ahead.ts';
import { hangUp } from '../../src/commands/cold/network.ts';
import { decidePinned } from '../../src/commands/cold/pinned.ts';
import type { InstallJob } from '../../src/commands/job.ts';
import { effectiveOptions } from '../../src/config/pip-config.ts';
import type { NormalizedName } from '../../src/core/types.ts';
import { pinnedQuestion } from '../../src/plan/pinned/request.ts';
import { readRequest } from '../../src/plan/request/request.ts';
import { releaseFile, releaseText } from '../../src/store/releases.ts';
import { AheadPlace, until } from './ahead-run.ts';

let place: AheadPlace;
let server: Server;
let sockets: Socket[];
beforeAll(async () => {
  place = await AheadPlace.open();
});
afterAll(() => place[Symbol.dispose]());
beforeEach(async () => {
  sockets = [];
  server = createServer((socket) => sockets.push(socket.resume().on('error', () => {})));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** A line for an index that never answers, in whose store `fx-known` 1.0 is known. */
function open(words: readonly string[], offline = false) {
  const index = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
  const parsed = parseArguments(['--index-url', index, ...words]);
  if (!parsed) throw new Error('a line that is not understood');
  const { interpreter } = place;
  const store = place.store();
  const configuration = new Map<string, string>();
  const options = effectiveOptions(configuration, parsed.options);
  const request = readRequest(parsed, configuration, { environment: {}, interpreter });
  const installed = new Map();
  const job = {
    afterwards: new Set(),
    context: { interpreter, settings: { offline }, store, timings: null },
    environment: {},
    installed,
    options,
    request,
  } as unknown as InstallJob;
  const question = pinnedQuestion({ request, options, interpreter, installed });
  if ('reason' in question) throw new Error(question.reason);
  for (const one of question.places) {
    if (one.kind !== 'index') continue;
    const release = { place: one.id, key: 'fx-known' as NormalizedName, version: '1' };
    mkdirSync(dirname(releaseFile(store, release)), { recursive: true });
    writeFileSync(releaseFile(store, release), releaseText([]));
  }
  return { job, question };
}

test.each([
  [['fx-known==1.0'], 0],
  [['fx-known==1.0', 'fx-other==1.0'], 2],
  [['fx-other==1.0', 'fx-more==2', 'fx-third==3'], 4],
  [['fx-other', 'fx-more>=2', 'fx-third==3.*'], 0],
  [['--upgrade', 'fx-known==1.0'], 2],
  [Array.from({ length: 40 }, (_, at) => `fx-part${at}==1`), 16],
])('of %j so many connections are begun before a page is asked for: %d', async (words, count) => {
  const { job, question } = open(words);
  expect(await dialAhead(job, question)).toBe(count > 0);
  await until(() => sockets.length >= count);
  expect(sockets).toHaveLength(count);
  expect(sockets.map(({ bytesRead }) => bytesRead)).toEqual(sockets.map(() => 0));
  await hangUp(job);
});

test('offline there are none', async () => {
  const { job, question } = open(['fx-other==1.0'], true);
  expect(await dialAhead(job, question)).toBe(false);
});

test('what is for pip to decide leaves none open', async () => {
  const { job } = open(['fx-other==1.0', 'fx-unpinned']);
  expect(await decidePinned(job)).toBe(null);
  await until(() => sockets.length > 0 && sockets.every(({ destroyed }) => destroyed));
});
