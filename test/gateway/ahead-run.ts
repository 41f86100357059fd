import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Interpreter } from '../../src/core/types.ts';
import { type Ahead, type AheadSettings, openAhead } from '../../src/gateway/cold/ahead/ahead.ts';
import { collect } from '../../src/obtain/cold/request.ts';
import type { HeaderFields } from '../../src/gateway/cold/exchange.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { parseRequirement } from '../../src/python/pep508.ts';
import { openStore, type Store } from '../../src/store/layout.ts';
import { openNetwork } from './plain-proxy.ts';

/** The headers with which pip 26.3 asks for a page, but for its own name. */
export const pageHeaders = {
  accept:
    'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01',
  'accept-encoding': 'gzip, deflate',
  'cache-control': 'max-age=0',
  'user-agent': 'pip/26.3',
};
export const fileHeaders = {
  accept: '*/*',
  'accept-encoding': 'identity',
  'user-agent': 'pip/26.3',
};

interface Got {
  readonly status: number;
  readonly headers: HeaderFields;
  readonly body: Buffer;
}

/** Waits for what happens by itself; a test that waits in vain ends by its time limit. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A run of pip of which the tests play pip's part. */
export class AheadRun {
  readonly ahead: Ahead;
  readonly #network = openNetwork();

  constructor(
    place: { readonly store: Store; readonly interpreter: Interpreter },
    indexes: readonly string[],
    others: Partial<AheadSettings> & { readonly pip?: string } = {},
  ) {
    const { store, interpreter } = place;
    const { pip = '26.3', ...settings } = others;
    this.ahead = openAhead({
      upstream: this.#network.respond,
      indexes,
      rules: {
        interpreter,
        pip,
        formats: { noBinary: new Set(), onlyBinary: new Set() },
        preferBinary: false,
        ignoreRequiresPython: false,
      },
      foresight: {
        prereleases: false,
        ignoreDependencies: false,
        upgrade: false,
        constraints: new Map(),
        installed: new Map(),
      },
      timeout: 15_000,
      showsOwnWheelsOnly: true,
      isTerse: () => false,
      wantsArchives: true,
      downloads: { store, maxRetries: 3, trustModTimes: false, emit: () => {}, patience: 5000 },
      lookup: {
        keyOptions: () => ({}),
        store,
        target: { interpreter, umask: 0o22, bytecode: true },
        builder: 'auto',
        trustModTimes: false,
        environment: {},
      },
      ...settings,
    });
  }

  begin(...lines: readonly string[]): void {
    this.ahead.begin(lines.flatMap((line) => parseRequirement(line) ?? []));
  }

  async page(url: URL, headers: HeaderFields = {}): Promise<Got> {
    return await this.get(url, { ...pageHeaders, ...headers });
  }

  async get(url: URL, headers: HeaderFields = fileHeaders): Promise<Got> {
    const { signal } = new AbortController();
    const answer = await this.ahead.respond({ method: 'GET', url, headers, body: null, signal });
    return { ...answer, body: await collect(answer.body, 1 << 30) };
  }

  async close(): Promise<void> {
    await this.ahead.close();
    await this.#network.close();
  }
}

/** A store of its own for each test, and the facts of the Python at hand. */
export class AheadPlace {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'pip-accel-ahead-')));
  readonly interpreter: Interpreter;
  #stores = 0;

  private constructor(interpreter: Interpreter) {
    this.interpreter = interpreter;
  }

  static async open(): Promise<AheadPlace> {
    const python = process.env['PYTHON'] ?? 'python3';
    const path = execFileSync(python, ['-c', 'import sys; print(sys.executable)'])
      .toString()
      .trim();
    const scratch = mkdtempSync(join(tmpdir(), 'pip-accel-ahead-'));
    const environment = { PATH: process.env['PATH'] ?? '', HOME: scratch };
    const interpreter = await askInterpreter(openStore(scratch), path, environment);
    rmSync(scratch, { recursive: true });
    return new AheadPlace(interpreter);
  }

  store(): Store {
    this.#stores += 1;
    return openStore(join(this.root, `store-${this.#stores}`));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
