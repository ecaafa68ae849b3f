/** A store that is served in this process, on a port that stays the same when it is served again, and an address that may lead to another one. */
import { once } from 'node:events';
import { connect, createServer as listen, type AddressInfo, type Server, type Socket } from 'node:net';
import { freePort } from '@varve/base/node/free-ports';
import { memory } from '@varve/kv';
import { openLayers, type Layers } from '@varve/kv/layers';
import { createServer, type EtcdServer } from '@varve/server';
import { onTestFinished } from 'vitest';

export class Served {
  readonly #layers: Layers;
  #server: EtcdServer | undefined;
  readonly #port: number;

  private constructor(layers: Layers, port: number) {
    this.#layers = layers;
    this.#port = port;
  }

  static async open(port?: number): Promise<Served> {
    const served = new Served(await openLayers(memory()), port ?? (await freePort()));
    onTestFinished(() => served.close());
    await served.serve();
    return served;
  }

  get port(): number {
    return this.#port;
  }

  /** What is served, also while it is not. */
  get store(): Layers['store'] {
    return this.#layers.store;
  }

  get name(): `etcd://${string}` {
    return `etcd://127.0.0.1:${this.#port}`;
  }

  async serve(): Promise<void> {
    this.#server = await createServer(this.#layers, { port: this.#port, graceMs: 20 });
  }

  /** Nobody is answered until it is served again; the store is there all the same. */
  async withhold(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async close(): Promise<void> {
    await this.withhold();
    await this.#layers.close();
  }
}

export class Address {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.#server = listen((near) => this.#take(near));
  }

  /** Leads to this port of this machine. */
  static async of(port: number): Promise<Address> {
    const address = new Address(port);
    onTestFinished(() => address.#close());
    address.#server.listen(0, '127.0.0.1');
    await once(address.#server, 'listening');
    return address;
  }

  get name(): `etcd://${string}` {
    return `etcd://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections; those that are made from now on lead there. */
  turn(port: number): void {
    this.#port = port;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async #close(): Promise<void> {
    this.turn(0);
    await once(this.#server.close(), 'close');
  }

  #take(near: Socket): void {
    const far = connect(this.#port, '127.0.0.1');
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.pipe(far);
    far.pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }
}
