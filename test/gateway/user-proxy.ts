import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

const expected = `Basic ${Buffer.from('somebody:secret').toString('base64')}`;

/** A proxy such as companies have: it wants a password, which is `somebody:secret`. */
export class UserProxy {
  /** What it was asked for: `GET http://…`, `CONNECT host:port`. */
  readonly lines: string[] = [];
  readonly #server: Server;

  private constructor() {
    const admits = ({ method, url, headers }: IncomingMessage) => {
      this.lines.push(`${method} ${url}`);
      return headers['proxy-authorization'] === expected;
    };
    this.#server = createServer((request, response) => {
      if (!admits(request)) {
        response.writeHead(407, { 'proxy-authenticate': 'Basic realm="x"' }).end();
        return;
      }
      const { hostname, host, port, pathname: path } = new URL(request.url ?? '');
      ask({ host: hostname, port, path, headers: { host } }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      }).end();
    });
    this.#server.on('connect', (request, client) => {
      if (!admits(request)) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      const [host = '', port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      for (const socket of [upstream, client]) {
        socket.on('error', () => [upstream, client].forEach((each) => each.destroy()));
      }
    });
  }

  static async start(): Promise<UserProxy> {
    const proxy = new UserProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  address(credentials = 'somebody:secret'): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${credentials}@127.0.0.1:${port}`;
  }

  [Symbol.dispose](): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
