/** A store that is served in this process, on a port that stays the same when it is served again. */
import { memory } from '@varve/kv';
import { openLayers, type Layers } from '@varve/kv/layers';
import { createServer, type EtcdServer } from '@varve/server';
import { onTestFinished } from 'vitest';

export class Served {
  readonly #layers: Layers;
  #server: EtcdServer | undefined;
  #port: number;

  private constructor(layers: Layers, port: number) {
    this.#layers = layers;
    this.#port = port;
  }

  static async open(port = 0): Promise<Served> {
    const served = new Served(await openLayers(memory()), port);
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
    this.#port = this.#server.port;
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
