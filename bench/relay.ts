import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EnvHttpProxyAgent, fetch } from 'undici';

/** What PyPI says of its pages and its archives; some networks take it out of the answers. */
const pageLifetime = 'max-age=600, public';
const archiveLifetime = 'max-age=365000000, immutable, public';

interface Answer {
  readonly type: string;
  readonly body: Buffer;
}

/**
 * An index on loopback: the packages of another index below `/simple/`, answers kept for the run,
 * so that no contestant waits for the network more than another, and the wheels of a folder below
 * `/generated/`. pip keeps nothing of an index whose answers do not say for how long they hold.
 */
export class Relay {
  readonly #server: Server;
  readonly #upstream: string;
  readonly #folder: string;
  readonly #kept = new Map<string, Promise<Answer>>();
  readonly #agent = new EnvHttpProxyAgent();

  private constructor(upstream: string, folder: string) {
    this.#upstream = upstream.replace(/\/?$/, '/');
    this.#folder = folder;
    this.#server = createServer((request, response) => {
      void this.#serve(request.url ?? '/', response);
    });
  }

  /** @param folder of the wheels that are served below `/generated/`. */
  static async start(upstream: string, folder: string): Promise<Relay> {
    const relay = new Relay(upstream, folder);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  /** The address of an index: the packages of the other one, or what was generated. */
  index(kind: 'simple' | 'generated'): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${kind}/`;
  }

  async #serve(path: string, response: ServerResponse): Promise<void> {
    try {
      const { type, body } = await this.#answer(path);
      const lifetime = type === 'text/html' ? pageLifetime : archiveLifetime;
      response.writeHead(200, { 'content-type': type, 'cache-control': lifetime }).end(body);
    } catch (error) {
      response.writeHead(404).end(String(error));
    }
  }

  #answer(path: string): Promise<Answer> {
    const [, kind = '', name = ''] = path.split('/');
    if (kind === 'generated') return Promise.resolve(this.#generated(decodeURIComponent(name)));
    const address =
      kind === 'simple' ? `${this.#upstream}${name}/` : Buffer.from(name, 'base64url').toString();
    const known = this.#kept.get(address);
    if (known) return known;
    const answer = this.#fetch(address, kind === 'simple');
    this.#kept.set(address, answer);
    return answer;
  }

  async #fetch(address: string, isPage: boolean): Promise<Answer> {
    const headers = isPage ? { accept: 'text/html' } : {};
    const response = await fetch(address, { headers, dispatcher: this.#agent });
    if (!response.ok) throw new Error(`${address}: ${response.status}`);
    const body = Buffer.from(await response.arrayBuffer());
    if (!isPage) return { type: 'application/octet-stream', body };
    return { type: 'text/html', body: Buffer.from(throughHere(body.toString(), address)) };
  }

  #generated(name: string): Answer {
    if (name.endsWith('.whl')) {
      const body = readFileSync(join(this.#folder, name));
      return { type: 'application/octet-stream', body };
    }
    const prefix = `${name.replaceAll('-', '_')}-`;
    const links = readdirSync(this.#folder)
      .filter((file) => file.startsWith(prefix))
      .map((file) => {
        const sha256 = createHash('sha256').update(readFileSync(join(this.#folder, file)));
        return `<a href="/generated/${file}#sha256=${sha256.digest('hex')}">${file}</a>`;
      });
    return { type: 'text/html', body: Buffer.from(links.join('\n')) };
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** The links of a page, leading here; metadata beside a wheel is not offered. */
function throughHere(page: string, address: string): string {
  return page
    .replaceAll(/ data-(core-metadata|dist-info-metadata)="[^"]*"/g, '')
    .replaceAll(/href="([^"#]*)(#[^"]*)?"/g, (_, link: string, hash = '') => {
      const target = new URL(link, address).href;
      const filename = target.slice(target.lastIndexOf('/') + 1);
      return `href="/file/${Buffer.from(target).toString('base64url')}/${filename}${hash}"`;
    });
}
