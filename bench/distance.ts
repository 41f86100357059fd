import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** How far away a server seems. */
export interface Distance {
  /** Milliseconds there and back. */
  readonly roundTrip: number;
  /** Round trips until the first request can be sent: two with TLS 1.3. */
  readonly handshake: number;
  /** Bytes in a second on each connection. */
  readonly bandwidth: number;
}

/** What may be on its way in one direction of a connection; more is not read. */
const windowBytes = 4 << 20;

/** A relay on loopback behind which a server seems to be far away. */
export class FarAway {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(target: number, distance: Distance): Promise<FarAway> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const relay = new FarAway(server);
    server.on('connection', (near) => relay.#open(near, target, distance));
    return relay;
  }

  #open(near: Socket, target: number, distance: Distance): void {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const open = performance.now() + distance.roundTrip * distance.handshake;
    carry(near, far, { ...distance, open, bandwidth: Number.POSITIVE_INFINITY });
    carry(far, near, { ...distance, open });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {
        near.destroy();
        far.destroy();
      });
      socket.on('close', () => this.#sockets.delete(socket));
    }
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

interface Parcel {
  /** null: the end. */
  readonly chunk: Buffer | null;
  /** Milliseconds on the clock of this process. */
  readonly due: number;
}

function carry(from: Socket, to: Socket, way: Distance & { readonly open: number }): void {
  const parcels: Parcel[] = [];
  let free = way.open;
  let underWay = 0;
  let isWaiting = false;
  const deliver = () => {
    isWaiting = false;
    // One timer at a time: two may end in another order than they began.
    for (let next = parcels[0]; next; next = parcels[0]) {
      const wait = next.due - performance.now();
      if (wait > 0.5) {
        isWaiting = true;
        setTimeout(deliver, wait);
        return;
      }
      parcels.shift();
      underWay -= next.chunk?.length ?? 0;
      if (next.chunk === null) to.end();
      else if (to.writable) to.write(next.chunk);
    }
    if (underWay <= windowBytes) from.resume();
  };
  const send = (chunk: Buffer | null) => {
    const length = chunk?.length ?? 0;
    free = Math.max(free, performance.now()) + (length / way.bandwidth) * 1000;
    parcels.push({ chunk, due: free + way.roundTrip / 2 });
    underWay += length;
    if (underWay > windowBytes) from.pause();
    if (!isWaiting) deliver();
  };
  from.on('data', send);
  from.on('end', () => send(null));
}
