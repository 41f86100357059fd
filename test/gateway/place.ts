import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server on loopback that answers by path, with the fixtures for an index where nothing else is said. */
export class Place {
  readonly asked: Asked[] = [];
  readonly answers = new Map<string, Answer>();
  /** Asked first; true where it has answered. */
  guard: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  readonly server: Server;
  readonly #scheme: string;

  private constructor(folder: string, tls: ServerOptions | null) {
    const answer: Answer = (request, response) => {
      const { method = '', url: path = '', headers } = request;
      this.asked.push({ method, path, headers });
      if (this.guard(request, response)) return;
      (this.answers.get(path) ?? this.answers.get('*') ?? indexOver(folder))(request, response);
    };
    this.#scheme = tls ? 'https' : 'http';
    this.server = tls ? createTlsServer(tls, answer) : createPlainServer(answer);
  }

  static async start(folder: string, tls: ServerOptions | null = null): Promise<Place> {
    const place = new Place(folder, tls);
    place.server.listen(0, '127.0.0.1');
    await once(place.server, 'listening');
    return place;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  [Symbol.dispose](): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** `/simple/NAME/` with hashes, Requires-Python and yanked files, `/json/NAME/`, and the archives. */
function indexOver(folder: string): Answer {
  return (request, response) => {
    const [, place, name = ''] = (request.url ?? '').split('/');
    const file = place === 'simple' ? join('simple', name, 'index.html') : join('index', name);
    const path = join(folder, decodeURIComponent(file));
    if (place === 'json') {
      const body = jsonPage(join(folder, 'index'), name);
      const type = 'application/vnd.pypi.simple.v1+json';
      response.writeHead(body === null ? 404 : 200, { 'content-type': type }).end(body ?? '');
    } else if (name !== '' && existsSync(path)) {
      const type = place === 'simple' ? 'text/html' : 'application/octet-stream';
      const bytes = readFileSync(path);
      response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes);
    } else response.writeHead(404, { 'content-type': 'text/plain' }).end('no such page');
  };
}

function jsonPage(folder: string, project: string): string | null {
  const normal = (name: string) => name.replace(/-[^-]*(?:-py.*|\.tar\.gz)$/, '').toLowerCase();
  const files = readdirSync(folder)
    .filter((name) => normal(name).replaceAll(/[-_.]+/g, '-') === project)
    .map((filename) => {
      const sha256 = createHash('sha256')
        .update(readFileSync(join(folder, filename)))
        .digest('hex');
      return { filename, url: `/index/${encodeURIComponent(filename)}`, hashes: { sha256 } };
    });
  const page = { meta: { 'api-version': '1.0' }, name: project, files };
  return files.length > 0 ? JSON.stringify(page) : null;
}
