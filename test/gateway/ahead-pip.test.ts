import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Interpreter } from '../../src/core/types.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { openStore, type Store } from '../../src/store/layout.ts';
import { Fixtures } from '../cli/fixtures.ts';
import { IndexServer } from '../cli/index-server.ts';
import { Sandbox } from '../cli/sandbox.ts';
import { AheadRun } from './ahead-run.ts';
import { PlainProxy } from './plain-proxy.ts';
import { makeWheel, WheelIndex } from './wheel-index.ts';

let fixtures: Fixtures;
let sandbox: Sandbox;
let server: IndexServer;
let store: Store;
let interpreter: Interpreter;
beforeAll(async () => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  server = await IndexServer.start(fixtures);
  store = openStore(sandbox.cache);
  interpreter = await askInterpreter(store, sandbox.python, sandbox.environment);
});
afterAll(() => {
  server[Symbol.dispose]();
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});
beforeEach(() => rmSync(store.sources, { recursive: true, force: true }));

interface Told {
  readonly exitCode: number | undefined;
  /** pip's errors, and what it would install. */
  readonly said: readonly string[];
  readonly report: unknown;
}

async function decide(words: readonly string[], proxy: string | null): Promise<Told> {
  const report = join(sandbox.root, 'report.json');
  rmSync(report, { force: true });
  const line = ['install', '--dry-run', '-I', '--no-cache-dir', '--report', report, ...words];
  const { PIP_NO_INDEX: _, ...environment } = sandbox.environment;
  const { exitCode, stdout, stderr } = await execa(sandbox.python, ['-m', 'pip', ...line], {
    env: { ...environment, ...(proxy === null ? {} : { PIP_PROXY: proxy }) },
    extendEnv: false,
    cwd: sandbox.root,
    reject: false,
  });
  const said = [...stdout.split('\n'), ...stderr.split('\n')].filter((text) =>
    /^(?:ERROR|WARNING|Would install|Collecting)/.test(text),
  );
  return {
    exitCode,
    said,
    report: exitCode === 0 ? JSON.parse(readFileSync(report, 'utf8')) : null,
  };
}

/** A pip's decision through what is fetched ahead of it. */
async function decideAhead(words: readonly string[], indexes: readonly string[]): Promise<Told> {
  const pip = interpreter.pip?.version ?? '';
  const run = new AheadRun({ store, interpreter }, indexes, { pip });
  const proxy = await PlainProxy.start(run.ahead.respond);
  run.begin(...words.filter((word) => !word.startsWith('-') && !word.includes('/')));
  try {
    return await decide(words, proxy.url);
  } finally {
    await run.close();
    proxy[Symbol.dispose]();
  }
}

/** Pages without metadata, pages with it, pages whose metadata is made up. */
const lines = [
  ['simple', 'fx-needs-range'],
  ['simple', 'fx-yanked==1.1'],
  ['simple', 'fx-many==3 fx-many==2'],
  ['json', 'fx-requires-python'],
  ['json', 'fx-wheel fx-many<3 --only-binary=:all:'],
  ['lying', 'fx-needs-range'],
  ['sdists', 'fx-absent'],
] as const;

describe('pip decides as it does by itself', () => {
  test.each(lines)('on /%s/ of %s', async (kind, line) => {
    const index = `${server.url}/${kind}/`;
    const words = ['--index-url', index, ...line.split(' ')];
    const alone = await decide(words, null);
    expect(await decideAhead(words, [index])).toEqual(alone);
  });

  test('with an index beside another', async () => {
    const [first, second] = [`${server.url}/empty/`, `${server.url}/json/`];
    const words = ['--index-url', first, '--extra-index-url', second, 'fx-needs-range'];
    const alone = await decide(words, null);
    expect(alone.exitCode).toBe(0);
    expect(await decideAhead(words, [first, second])).toEqual(alone);
  });
});

test('of an sdist that was built before, metadata is offered', async () => {
  const index = `${server.url}/json/`;
  const installed = sandbox.accel(['install', '--index-url', index, 'fx-pure'], {
    environment: { PIP_NO_INDEX: '' },
  });
  expect(installed.exitCode).toBe(0);
  const run = new AheadRun({ store, interpreter }, [index]);
  const page = await run.page(new URL('fx-pure/', index));
  const { files } = JSON.parse(page.body.toString()) as {
    readonly files: readonly { readonly url: string; readonly 'core-metadata'?: unknown }[];
  };
  const offered = files.filter((file) => file['core-metadata'] !== undefined);
  expect(offered).toHaveLength(1);
  const { body } = await run.get(new URL(`${offered[0]?.url}.metadata`, index));
  expect(body.toString()).toMatch(/^Metadata-Version: .*\nName: fx-pure\n/);
  await run.close();
});

describe('on an index without metadata', () => {
  const versions = ['1.0', '2.0', '3.0'];
  const wheels = [
    ...versions.map((version) =>
      makeWheel('fx-app', version, { requires: [`fx-base==${version}`], padding: 2_000_000 }),
    ),
    ...versions.map((version) => makeWheel('fx-base', version, { padding: 2_000_000 })),
  ];
  const cases = [
    ['turns away from what does not fit', 'fx-app fx-base<3', 0],
    ['says what excludes what', 'fx-app==3.0 fx-base<3', 1],
    ['takes the newest of all', 'fx-app', 0],
  ] as const;
  test.each(cases)('pip %s', async (_name, line, exitCode) => {
    const index = await WheelIndex.start(wheels);
    Object.assign(index.manners, { metadata: false, delay: 300 });
    const words = ['--index-url', index.url, ...line.split(' ')];
    const alone = await decide(words, null);
    index.answered.length = 0;
    expect(await decideAhead(words, [index.url])).toEqual(alone);
    expect(alone.exitCode).toBe(exitCode);
    const pages = index.answered.filter(({ path }) => path.startsWith('/simple/'));
    expect(pages.map(({ path }) => path).sort()).toEqual(['/simple/fx-app/', '/simple/fx-base/']);
    const whole = index.answered.filter(
      ({ headers, path }) => !headers.range && path.endsWith('.whl'),
    );
    const chosen = JSON.stringify(alone.report);
    const inVain = whole.filter(({ path }) => !chosen.includes(path));
    const bytes = inVain.reduce((sum, { bytes }) => sum + bytes, 0);
    if (exitCode === 0) expect(bytes).toBeLessThan(0.05 * 4_000_000);
    index[Symbol.dispose]();
  });
});
