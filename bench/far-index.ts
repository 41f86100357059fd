import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fetch } from 'undici';

/** What an index was asked since the last time. */
export interface Traffic {
  readonly count: number;
  readonly bytes: number;
  /** Bytes of each file that was asked for, by its name: archives, and metadata beside them. */
  readonly files: Readonly<Record<string, number>>;
}

/** See `copied-index.ts`. */
export type IndexKind = 'simple' | 'bare' | 'brief';

/** What the tools are measured before. */
export interface MeasuredIndex extends Disposable {
  url(kind: IndexKind): string;
  /** null where nobody counts. */
  takeTraffic(): Promise<Traffic | null>;
}

/** The index that has the files, as far away as it is. */
export class IndexItself implements MeasuredIndex {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  url(): string {
    return this.#url;
  }

  takeTraffic(): Promise<null> {
    return Promise.resolve(null);
  }

  [Symbol.dispose](): void {}
}

/** The copied index in a process of its own, so that who measures does not serve meanwhile. */
export class FarIndex implements MeasuredIndex {
  readonly #process: ChildProcess;
  readonly #near: string;
  readonly #far: string;

  private constructor(child: ChildProcess, near: string, far: string) {
    this.#process = child;
    this.#near = `http://127.0.0.1:${near}`;
    this.#far = `http://127.0.0.1:${far}`;
  }

  /** @param folder keeps what the other index has, for later runs. */
  static async start(upstream: string, folder: string): Promise<FarIndex> {
    const repository = dirname(import.meta.dirname);
    const words = ['run.mjs', 'bench/copied-index.ts', upstream, folder];
    const child = spawn(process.execPath, words, {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const [near = '', far = ''] = line.split(' ');
    return new FarIndex(child, near, far);
  }

  url(kind: IndexKind, where: 'near' | 'far' = 'far'): string {
    return join(where === 'far' ? this.#far : this.#near, kind, '/').replace(':/', '://');
  }

  async takeTraffic(): Promise<Traffic> {
    return (await (await fetch(`${this.#near}/statistics`)).json()) as Traffic;
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}
