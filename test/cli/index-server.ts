import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Fixtures } from './fixtures.ts';

/** An index over the fixtures on loopback, in a process of its own: tests wait for their commands. */
export class IndexServer {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #log: string;
  readonly #delays: string;

  private constructor(port: string, child: ChildProcess, { root }: Pick<Fixtures, 'root'>) {
    this.url = `http://127.0.0.1:${port}`;
    this.#process = child;
    this.#log = join(root, 'requests.txt');
    this.#delays = join(root, 'delays.json');
  }

  static async start(fixtures: Fixtures): Promise<IndexServer> {
    const log = join(fixtures.root, 'requests.txt');
    writeFileSync(log, '');
    const script = join(import.meta.dirname, 'index_server.py');
    const words = [script, fixtures.root, log];
    const child = spawn(process.env['PYTHON'] ?? 'python3', words, {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
    return new IndexServer(port, child, fixtures);
  }

  /** The paths that were asked for since the last time, sorted. */
  takeRequests(): readonly string[] {
    const requests = readFileSync(this.#log, 'utf8').split('\n').filter(Boolean);
    writeFileSync(this.#log, '');
    return requests.sort();
  }

  /** @param seconds for which answers wait, by what their path ends in. */
  delay(seconds: Readonly<Record<string, number>>): void {
    writeFileSync(this.#delays, JSON.stringify(seconds));
  }

  [Symbol.dispose](): void {
    rmSync(this.#delays, { force: true });
    this.#process.kill();
  }
}
