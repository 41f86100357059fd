import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Finished, Sandbox } from '../cli/sandbox.ts';
import { essence } from '../cli/set-up.ts';
import { accel, pip } from '../gateway/run.ts';
import { readTree, type Tree } from '../install/site.ts';
import { type Case, laterWorld } from './case.ts';
import { Outside } from './outside.ts';

/** What a run comes to, without the names that another run would have otherwise. */
interface Outcome extends Finished {
  /** What is in the folder of modules beside what was there at first. */
  readonly installed: Readonly<Record<string, Tree | string>>;
  /** The file of `--report`, where the case writes one to `{root}/report.json`. */
  readonly report: unknown;
}

/**
 * One test for each case: pip alone, then pip-accel with an empty store, with what that left, and
 * with what it left where another index is behind the same names.
 */
export function compareWithPip(topic: string, cases: readonly Case[]): void {
  describe(topic, () => {
    let place: Place;
    beforeAll(() => {
      place = new Place();
    });
    afterEach(() => place.clear());
    afterAll(() => place[Symbol.dispose]());
    test.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
      const { world, later = laterWorld(world), isPinned = false } = one;
      await place.outside.show(one, world, 'first');
      await place.prepare(one);
      const expected = await place.run(pip, one);
      const cold = await place.run(accel, one);
      const warm = await place.run(accel, one);
      if (isPinned) place.outside.move();
      await place.outside.show(one, later, 'later');
      const expectedLater = await place.run(pip, one);
      const afterwards = await place.run(accel, one);
      expect({ cold, warm, later: afterwards }).toEqual({
        cold: expected,
        warm: expected,
        later: expectedLater,
      });
    });
  });
}

/**
 * What tells how long a decision takes: the searches that memory saves, and the downloads, of which
 * pip tells after it has decided since 24.1, and then leaves a line empty.
 */
const progress =
  /^(?:Downloading .*|INFO: (?:pip is (?:still )?looking at|This is taking longer) .*)?\n/gm;

/** An environment and a store, with the world outside: for one case at a time. */
class Place {
  readonly outside: Outside;
  readonly #sandbox = new Sandbox();
  readonly #modules: string;
  /** What is in the folder of modules before anything is installed. */
  readonly #first: ReadonlySet<string>;

  constructor() {
    const library = join(this.#sandbox.venv, 'lib');
    const [python = ''] = readdirSync(library);
    this.#modules = join(library, python, 'site-packages');
    this.#first = new Set(readdirSync(this.#modules));
    this.outside = new Outside(this.#sandbox.root);
  }

  /** Makes the environment that each run of a case begins with. */
  async prepare({ before }: Case): Promise<void> {
    if (before) {
      const words = ['install', ...before.map((word) => this.outside.fill(word))];
      const { exitCode, stderr } = await pip(this.#sandbox, words, this.#variables({}));
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    }
    this.#sandbox.keepEnvironment();
  }

  async run(installer: typeof pip, one: Case): Promise<Outcome> {
    const { outside } = this;
    this.#sandbox.resetEnvironment();
    for (const [name, text] of Object.entries(one.files ?? {})) this.#write(name, text);
    if (one.configuration !== undefined) this.#write('pip.conf', one.configuration);
    const report = join(this.#sandbox.root, 'report.json');
    rmSync(report, { force: true });
    const words = ['install', ...one.words.map((word) => outside.fill(word))];
    const finished = essence(await installer(this.#sandbox, words, this.#variables(one)));
    return {
      exitCode: finished.exitCode,
      stdout: outside.lasting(finished.stdout.replaceAll(progress, '')),
      stderr: outside.lasting(finished.stderr),
      installed: this.#installed(),
      report: existsSync(report) ? JSON.parse(outside.lasting(readFileSync(report, 'utf8'))) : null,
    };
  }

  /** Leaves nothing of a case but the environment as it was at first. */
  clear(): void {
    this.outside.clear();
    for (const name of this.#added()) rmSync(join(this.#modules, name), { recursive: true });
    const { root } = this.#sandbox;
    for (const name of readdirSync(root)) {
      if (name !== 'venv') rmSync(join(root, name), { recursive: true });
    }
  }

  #variables(one: Partial<Case>): Readonly<Record<string, string>> {
    const own = Object.entries(one.variables ?? {}).map(
      ([name, text]) => [name, this.outside.fill(text)] as const,
    );
    const usual: Readonly<Record<string, string>> =
      one.configuration === undefined
        ? { PIP_INDEX_URL: this.outside.fill('{main}') }
        : { PIP_CONFIG_FILE: join(this.#sandbox.root, 'pip.conf') };
    return { ...usual, ...Object.fromEntries(own) };
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#sandbox.root, name), this.outside.fill(text));
  }

  #installed(): Outcome['installed'] {
    const entries = this.#added().map((name) => {
      const path = join(this.#modules, name);
      return [name, name.endsWith('.py') ? readFileSync(path, 'utf8') : readTree(path)] as const;
    });
    return Object.fromEntries(entries);
  }

  #added(): readonly string[] {
    return readdirSync(this.#modules)
      .filter((name) => !this.#first.has(name))
      .sort();
  }

  [Symbol.dispose](): void {
    this.outside[Symbol.dispose]();
    this.#sandbox[Symbol.dispose]();
  }
}
