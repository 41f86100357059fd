import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/argv.ts';
import { showsOwnWheelsOnly } from '../../src/commands/cold/ahead.ts';
import { effectiveOptions } from '../../src/config/pip-config.ts';
import { normalizeName } from '../../src/python/names.ts';
import { parseSpecifiers } from '../../src/python/pep440.ts';
import { AheadPlace, AheadRun, fileHeaders, pageHeaders, until } from './ahead-run.ts';
import { makeWheel, WheelIndex } from './wheel-index.ts';

let place: AheadPlace;
let index: WheelIndex;
let run: AheadRun;
beforeAll(async () => {
  place = await AheadPlace.open();
});
afterAll(() => place[Symbol.dispose]());
beforeEach(async () => {
  index = await WheelIndex.start();
});
afterEach(async () => {
  await run.close();
  index[Symbol.dispose]();
});

function open(indexes: readonly string[] = [index.url], others = {}): void {
  run = new AheadRun({ store: place.store(), interpreter: place.interpreter }, indexes, others);
}

/** Until the index has answered so many requests. */
async function answered(count: number): Promise<void> {
  await until(() => index.answered.length >= count);
}

const root = makeWheel('fx-root', '2.0', {
  requires: ['fx-leaf<2', 'fx-extra; extra == "more"', 'fx-never; python_version < "3"'],
});
const leaf = makeWheel('fx-leaf', '1.5');
const others = [
  makeWheel('fx-root', '1.0'),
  makeWheel('fx-leaf', '2.0'),
  makeWheel('fx-leaf', '1.0'),
];
const extra = makeWheel('fx-extra', '1.0');

describe('pages', () => {
  test('of all that is required are there when pip asks, and what they lead to', async () => {
    index.wheels.push(root, leaf, ...others, extra);
    open();
    run.begin('fx-root', 'fx-absent');
    await answered(5);
    expect(index.take()).toEqual([
      `/files/${leaf.filename}.metadata`,
      `/files/${root.filename}.metadata`,
      '/simple/fx-absent/',
      '/simple/fx-leaf/',
      '/simple/fx-root/',
    ]);
    const page = await run.page(index.page('fx-root'));
    expect(JSON.parse(page.body.toString())).toMatchObject({ name: 'fx-root' });
    expect((await run.get(index.file(root, '.metadata'))).body.toString()).toBe(root.metadata);
    expect((await run.page(index.page('fx-leaf'))).status).toBe(200);
    expect((await run.page(index.page('fx-absent'))).status).toBe(404);
    // The archive that pip is going to want.
    expect(index.take().filter((path) => !path.endsWith('.whl'))).toEqual([]);
  });

  test('an extra that somebody asks for is followed, too', async () => {
    index.wheels.push(root, leaf, extra);
    open();
    run.begin('fx-root[more]');
    await answered(6);
    expect(index.take()).toContain(`/files/${extra.filename}.metadata`);
  });

  test('constraints, and what is installed, are obeyed', async () => {
    const old = makeWheel('fx-root', '1.0', { requires: ['fx-leaf', 'fx-extra'] });
    index.wheels.push(root, old, leaf, extra);
    open([index.url], {
      foresight: {
        prereleases: false,
        ignoreDependencies: false,
        upgrade: false,
        constraints: new Map([[normalizeName('fx-root'), parseSpecifiers('<2') ?? []]]),
        installed: new Map([[normalizeName('fx-leaf'), '1.0']]),
      },
    });
    run.begin('fx-root');
    await answered(4);
    expect(index.take()).toEqual([
      `/files/${extra.filename}.metadata`,
      `/files/${old.filename}.metadata`,
      '/simple/fx-extra/',
      '/simple/fx-root/',
    ]);
  });

  test('are given once: who asks again gets what the index says then', async () => {
    index.wheels.push(leaf);
    open();
    run.begin('fx-leaf');
    const first = await run.page(index.page('fx-leaf'));
    index.wheels.push(makeWheel('fx-leaf', '3.0'));
    const second = await run.page(index.page('fx-leaf'));
    expect(first.body.toString()).not.toContain('fx_leaf-3.0');
    expect(second.body.toString()).toContain('fx_leaf-3.0');
    expect(index.take().filter((path) => path === '/simple/fx-leaf/')).toHaveLength(2);
  });

  test('that pip has already are answered in short, and no other', async () => {
    index.wheels.push(leaf);
    open();
    const { headers } = await run.page(index.page('fx-leaf'));
    const etag = String(headers['etag']);
    const same = await run.page(index.page('fx-leaf'), { 'if-none-match': etag });
    expect(same).toMatchObject({ status: 304, headers: { etag }, body: Buffer.alloc(0) });
    const another = await run.page(index.page('fx-leaf'), { 'if-none-match': '"another"' });
    expect(another).toMatchObject({ status: 200, headers: { etag } });
    expect(index.answered.map(({ headers: asked }) => asked['if-none-match'])).not.toContain(etag);
  });

  test('packed ones stay packed for pip, and are read', async () => {
    index.manners.compressed = true;
    index.wheels.push(root, leaf);
    open();
    run.begin('fx-root');
    const { headers } = await run.page(index.page('fx-root'));
    expect(headers).toMatchObject({ 'content-encoding': 'gzip' });
    await answered(4);
    expect(index.take()).toContain(`/files/${leaf.filename}.metadata`);
    // Who does not understand it gets another.
    index.manners.compressed = false;
    const plain = await run.page(index.page('fx-leaf'), { 'accept-encoding': 'identity' });
    expect(plain.headers['content-encoding']).toBeUndefined();
  });

  test('in another form than pip asks for are not what it gets', async () => {
    index.wheels.push(leaf);
    open();
    run.begin('fx-leaf');
    await answered(1);
    await run.page(index.page('fx-leaf'), { accept: 'text/html' });
    const asked = index.answered.filter(({ path }) => path === '/simple/fx-leaf/');
    expect(asked.map(({ headers }) => headers.accept)).toEqual([pageHeaders.accept, 'text/html']);
  });

  test('a password that pip shows is shown to the index, and to no other server', async () => {
    const other = await WheelIndex.start([extra]);
    index.manners.authorization = 'Basic bWU6c2VjcmV0';
    index.wheels.push(root, leaf);
    open([index.url, other.url]);
    run.begin('fx-root', 'fx-extra');
    expect((await run.page(index.page('fx-root'))).status).toBe(401);
    const { authorization } = index.manners;
    const page = await run.page(index.page('fx-root'), { authorization });
    expect(page.status).toBe(200);
    await until(() => index.answered.some(({ path }) => path.includes(leaf.filename)));
    expect(other.answered.length).toBeGreaterThan(0);
    expect(other.answered.filter(({ headers }) => headers.authorization)).toEqual([]);
    other[Symbol.dispose]();
  });

  test('of several indexes one after the other has, all are looked at', async () => {
    const other = await WheelIndex.start([makeWheel('fx-leaf', '9.0'), root]);
    index.wheels.push(leaf);
    open([index.url, other.url]);
    run.begin('fx-leaf');
    expect((await run.page(index.page('fx-leaf'))).status).toBe(200);
    expect((await run.page(other.page('fx-leaf'))).status).toBe(200);
    expect((await run.page(index.page('fx-absent'))).status).toBe(404);
    const newest = '/files/fx_leaf-9.0-py3-none-any.whl.metadata';
    await until(() => other.answered.some(({ path }) => path === newest));
    expect(index.take()).not.toContain(`/files/${leaf.filename}.metadata`);
    const consulted = run.ahead.consulted();
    expect(consulted.map(({ url, status }) => [url, status])).toEqual([
      [index.page('fx-leaf').href, 200],
      [other.page('fx-leaf').href, 200],
      [index.page('fx-absent').href, 404],
    ]);
    expect(consulted[0]).toMatchObject({
      etag: expect.stringMatching(/^"/),
      freshSeconds: 600,
    });
    other[Symbol.dispose]();
  });

  test('a page of links is no project of its name', async () => {
    index.wheels.push(root, leaf);
    open();
    run.begin('fx-leaf');
    const links = await run.page(new URL('/links/fx-root/', index.origin));
    expect(links.status).toBe(404);
    await run.page(index.page('fx-leaf'));
    await run.get(index.file(leaf, '.metadata'));
    expect(index.take().filter((path) => path.includes('root'))).toEqual(['/links/fx-root/']);
  });

  test('an error that may pass is pip’s to meet', async () => {
    index.wheels.push(leaf);
    const state = { broken: true };
    index.manners.instead = (_request, response) => {
      if (state.broken) response.writeHead(503).end('busy');
      return state.broken;
    };
    open();
    run.begin('fx-leaf');
    await answered(1);
    state.broken = false;
    expect((await run.page(index.page('fx-leaf'))).status).toBe(200);
  });

  test('an answer of another length than it says is asked for again', async () => {
    index.wheels.push(leaf);
    const state = { cut: true };
    index.manners.instead = (_request, response) => {
      if (!state.cut) return false;
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': 100 });
      response.write('<a');
      setImmediate(() => response.destroy());
      return true;
    };
    open();
    run.begin('fx-leaf');
    await answered(1);
    state.cut = false;
    expect((await run.page(index.page('fx-leaf'))).status).toBe(200);
  });

  test('where an index leads elsewhere, pip is led there, and finds it ready', async () => {
    const other = await WheelIndex.start([root, leaf]);
    index.manners.instead = (request, response) => {
      response.writeHead(302, { location: new URL(request.url ?? '', other.origin).href }).end();
      return true;
    };
    open();
    run.begin('fx-root');
    const moved = await run.page(index.page('fx-root'));
    expect(moved).toMatchObject({ status: 302, headers: { location: other.page('fx-root').href } });
    expect((await run.page(other.page('fx-root'))).status).toBe(200);
    expect(other.take().filter((path) => path === '/simple/fx-root/')).toHaveLength(1);
    other[Symbol.dispose]();
  });
});

describe('wheels of other systems', () => {
  const tagged = (stem: string, tag: string) => {
    const wheel = makeWheel('fx-leaf', stem);
    return { ...wheel, filename: `fx_leaf-${stem}-${tag}.whl` };
  };
  const foreign = [tagged('1.0', 'cp27-cp27mu-win32'), tagged('1.5', 'py3-none-macosx_9_0_x86_64')];
  const kept = [
    tagged('1.0', 'py2.py3-none-any'),
    // Of such a name some pips say that they will not take it for long.
    tagged('1.5_1', 'cp27-cp27mu-win32'),
    { ...leaf, filename: 'fx_leaf-1.0.tar.gz' },
  ];
  const filenames = (wheels: readonly { readonly filename: string }[]) =>
    wheels.map(({ filename }) => filename);
  const asThisPip = () => {
    const { version } = place.interpreter;
    const python = { implementation: { name: 'CPython', version }, python: version };
    return { 'user-agent': `pip/26.3 ${JSON.stringify({ ci: null, cpu: 'x', ...python })}` };
  };
  const shownIn = (body: Buffer) =>
    filenames([...foreign, ...kept]).filter((name) => body.includes(`/${name}`));

  beforeEach(() => {
    index.wheels.push(...kept.slice(0, 2), ...foreign, ...kept.slice(2));
  });

  test.each(['json', 'html'] as const)(
    'are left out of pages in %s, which nobody keeps',
    async (form) => {
      index.manners.form = form;
      open();
      run.begin('fx-leaf');
      for (let time = 0; time < 2; time += 1) {
        const { headers, body } = await run.page(index.page('fx-leaf'), asThisPip());
        expect(shownIn(body)).toEqual(filenames(kept));
        expect(headers).toMatchObject({ vary: '*', 'content-length': String(body.length) });
        expect(Object.keys(headers)).not.toContain('etag');
        expect(Object.keys(headers)).not.toContain('cache-control');
      }
      const [page] = run.ahead.consulted();
      // What the decision rests on is the whole page.
      expect(page?.etag).toMatch(/^"/);
    },
  );

  test('are shown to other Pythons’ pips, and where pip speaks of them', async () => {
    open();
    const other = JSON.stringify({ python: '2.7.18', implementation: { name: 'CPython' } });
    const all = filenames([...foreign, ...kept]);
    for (const agent of [`pip/26.3 ${other}`, 'pip/26.3', asThisPip()['user-agent'].slice(1)]) {
      const { body } = await run.page(index.page('fx-leaf'), { 'user-agent': agent });
      expect(shownIn(body)).toEqual(all);
    }
    await run.close();
    open([index.url], { showsOwnWheelsOnly: false });
    const { body } = await run.page(index.page('fx-leaf'), asThisPip());
    expect(shownIn(body)).toEqual(all);
  });

  test.each([
    ['24.3.1', [undefined, '<3', '>=3.x']],
    ['25.0', ['>=2', '<3', '>=3.x']],
  ] as const)(
    'are not alone: of what files require of Python pip %s is shown %j',
    async (pip, shown) => {
      index.wheels.length = 0;
      for (const [at, requiresPython] of ['>=2', '<3', '>=3.x'].entries()) {
        index.wheels.push({ ...makeWheel('fx-leaf', `1.${at}`), requiresPython });
      }
      const agent = asThisPip()['user-agent'].replace('26.3', pip);
      for (const isTerse of [true, false]) {
        open([index.url], { pip, isTerse: () => isTerse });
        const { body } = await run.page(index.page('fx-leaf'), { 'user-agent': agent });
        const { files } = JSON.parse(body.toString()) as { files: Record<string, unknown>[] };
        const required = files.map((file) => file['requires-python']);
        expect(required).toEqual(isTerse ? shown : ['>=2', '<3', '>=3.x']);
        const { body: whole } = await run.page(index.page('fx-leaf'));
        expect(whole.toString()).toContain('"requires-python":">=2"');
        await run.close();
      }
    },
  );

  test.each([
    ['beside a wheel of its version', {}, {}, false],
    ['beside one that was yanked', { yanked: '' }, {}, true],
    ['that was yanked, beside one that was not', {}, { yanked: '' }, true],
    ['that requires another Python', { requiresPython: '>=2' }, {}, true],
    ['beside one of another system', { filename: 'fx_leaf-1.0-cp27-cp27m-win32.whl' }, {}, true],
    ['beside a wheel of another version', { filename: 'fx_leaf-1.1-py3-none-any.whl' }, {}, true],
    ['whose version is spelled otherwise', {}, { filename: 'fx_leaf-1.0.0.tar.gz' }, true],
  ] as const)('an sdist %s: %j, %j: shown %s', async (_name, ofWheel, ofSdist, isShown) => {
    const wheel = makeWheel('fx-leaf', '1.0');
    const sdist = { ...wheel, filename: 'fx_leaf-1.0.tar.gz', ...ofSdist };
    index.wheels.length = 0;
    index.wheels.push({ ...wheel, ...ofWheel }, sdist);
    open([index.url], { isTerse: () => true });
    const { body } = await run.page(index.page('fx-leaf'), asThisPip());
    expect(body.includes(sdist.filename)).toBe(isShown);
    expect((await run.page(index.page('fx-leaf'))).body.includes(sdist.filename)).toBe(true);
  });

  test.each(['json', 'html'] as const)('a terse page in %s has less of all', async (form) => {
    index.manners.form = form;
    const sdist = { ...leaf, filename: 'fx_leaf-1.0.tar.gz' };
    index.wheels.push(sdist);
    open([index.url], { isTerse: () => true });
    const { body } = await run.page(index.page('fx-leaf'), asThisPip());
    expect(shownIn(body)).toEqual(filenames(kept.slice(0, 2)));
    const whole = await run.page(index.page('fx-leaf'));
    expect(body.length).toBeLessThan(whole.body.length / 2);
  });

  test('an sdist is shown where the wheel’s metadata is not beside it', async () => {
    index.wheels.length = 0;
    index.wheels.push(...kept);
    index.manners.metadata = false;
    open([index.url], { isTerse: () => true });
    const { body } = await run.page(index.page('fx-leaf'), asThisPip());
    expect(shownIn(body)).toEqual(filenames(kept));
  });

  test.each([
    [['install', 'fx-leaf'], '', true],
    [['install', '-v', 'fx-leaf'], '', false],
    [['install', '--log', 'log', 'fx-leaf'], '', false],
    [['install', 'fx-leaf'], 'log', false],
    [['download', '--platform', 'win32', 'fx-leaf'], '', false],
    [['download', '--python-version', '3.9', 'fx-leaf'], '', false],
    [['download', '--abi=cp39', 'fx-leaf'], '', false],
    [['download', '--implementation=pp', 'fx-leaf'], '', false],
  ] as const)('are left out for %j with %j: %s', (line, log, isSo) => {
    const configured = new Map(log === '' ? [] : [['log', log] as const]);
    const given = parseArguments(line)?.options;
    expect(given).toBeDefined();
    expect(showsOwnWheelsOnly(effectiveOptions(configured, given ?? []))).toBe(isSo);
  });

  test('do not keep metadata from being offered for others', async () => {
    index.manners.metadata = false;
    open();
    run.begin('fx-leaf');
    const { headers, body } = await run.page(index.page('fx-leaf'), asThisPip());
    const { files } = JSON.parse(body.toString()) as { files: Record<string, unknown>[] };
    expect(files.map((file) => [file['filename'], file['core-metadata']])).toEqual(
      filenames(kept).map((name) => [name, name.includes('py2.py3') ? true : undefined]),
    );
    expect(headers).toMatchObject({ 'cache-control': 'no-store' });
  });
});

test('what is neither page nor file of one goes through as it is', async () => {
  index.manners.instead = (_request, response) => {
    response.writeHead(200, { 'x-kind': 'other' }).end('as it is');
    return true;
  };
  open();
  const got = await run.get(new URL('/anything.whl', index.origin), fileHeaders);
  expect(got).toMatchObject({ status: 200, headers: { 'x-kind': 'other' } });
  expect(got.body.toString()).toBe('as it is');
});
