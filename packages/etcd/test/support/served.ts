/** A store that is served in this process, on a port that stays the same when it is served again. */
import { openBackend, type Backend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { freePort } from '@varve/base/node/free-ports';
import { prepareLessor, type Lessor } from '@varve/lease';
import { createServer, type EtcdServer } from '@varve/server';
import { openWatchableStore, type WatchableStore } from '@varve/watch';

export class Served {
  readonly #backend: Backend;
  readonly #store: WatchableStore;
  readonly #lessor: Lessor;
  #server: EtcdServer | undefined;
  readonly #path: string | undefined;
  readonly #port: number;

  private constructor(backend: Backend, store: WatchableStore, lessor: Lessor, port: number, path: string | undefined) {
    this.#port = port;
    this.#path = path;
    this.#backend = backend;
    this.#store = store;
    this.#lessor = lessor;
  }

  /** @param path of a Unix socket, instead of a port */
  static async open(path?: string): Promise<Served> {
    const backend = await openBackend(memoryEngine());
    const leases = prepareLessor({ minTtl: 1 });
    const store = await openWatchableStore(backend, {
      observers: [leases.observe],
      maxDeletes: Number.MAX_SAFE_INTEGER,
    });
    const served = new Served(backend, store, await leases.open(), await freePort(), path);
    await served.serve();
    return served;
  }

  get port(): number {
    return this.#port;
  }

  /** Watchers that clients have on it now. */
  get watchers(): number {
    return this.#store.watchStats.watchers;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async serve(): Promise<void> {
    const layers = { store: this.#store, backend: this.#backend, lessor: this.#lessor };
    const place = this.#path === undefined ? { port: this.#port } : { path: this.#path };
    this.#server = await createServer(layers, { ...place, graceMs: 50 });
  }

  /** Nobody is answered until it is served again; the store is there all the same. */
  async withhold(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async close(): Promise<void> {
    await this.withhold();
    await this.#lessor.close();
    await this.#store.close();
    await this.#backend.close();
  }
}
