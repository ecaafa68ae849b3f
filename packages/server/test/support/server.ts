/** A server over a store in memory, and a client of it, for one test. */
import { openBackend, type Backend, type Engine } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { prepareLessor, type Lessor } from '@varve/lease';
import { openWatchableStore, type WatchableStore } from '@varve/watch';
import { createServer, type EtcdServer, type ServerOptions } from '../../src/index.ts';
import { TestClient, type Duplex } from './client.ts';
import type { Plain } from './messages.ts';

export class Running implements AsyncDisposable {
  readonly backend: Backend;
  readonly store: WatchableStore;
  readonly lessor: Lessor;
  readonly server: EtcdServer;
  readonly client: TestClient;

  constructor(backend: Backend, store: WatchableStore, lessor: Lessor, server: EtcdServer, client: TestClient) {
    this.backend = backend;
    this.store = store;
    this.lessor = lessor;
    this.server = server;
    this.client = client;
  }

  call(name: string, request?: Plain): Promise<Plain | string> {
    return this.client.call(name, request);
  }

  /** Puts each as `key=value`, one revision each. */
  async put(...pairs: readonly string[]): Promise<void> {
    for (const pair of pairs) {
      const [key, value = ''] = pair.split('=', 2);
      await this.call('put', { key, value });
    }
  }

  watch(): Duplex {
    return this.client.duplex('watch');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.close();
    await this.lessor.close();
    await this.store.close();
    await this.backend.close();
  }
}

export interface StartOptions extends ServerOptions {
  readonly engine?: Engine | undefined;
  /** Of the store. */
  readonly maxDeletes?: number | undefined;
}

export async function start({ engine = memoryEngine(), maxDeletes, ...options }: StartOptions = {}): Promise<Running> {
  const backend = await openBackend(engine);
  const leases = prepareLessor({ minTtl: 2, expiryRate: 1000 });
  const store = await openWatchableStore(backend, { observers: [leases.observe], maxDeletes });
  const lessor = await leases.open();
  const server = await createServer({ store, backend, lessor }, options);
  const address = server.path === undefined ? `${server.host}:${server.port}` : `unix:${server.path}`;
  return new Running(backend, store, lessor, server, new TestClient(address));
}

/** Failures by their texts, as clients compare them. */
export const fails = {
  emptyKey: 'INVALID_ARGUMENT etcdserver: key is not provided',
  keyNotFound: 'INVALID_ARGUMENT etcdserver: key not found',
  valueProvided: 'INVALID_ARGUMENT etcdserver: value is provided',
  leaseProvided: 'INVALID_ARGUMENT etcdserver: lease is provided',
  duplicate: 'INVALID_ARGUMENT etcdserver: duplicate key given in txn request',
  tooManyOps: 'INVALID_ARGUMENT etcdserver: too many operations in txn request',
  sort: 'INVALID_ARGUMENT etcdserver: invalid sort option',
  tooLarge: 'INVALID_ARGUMENT etcdserver: request is too large',
  compacted: 'OUT_OF_RANGE etcdserver: mvcc: required revision has been compacted',
  future: 'OUT_OF_RANGE etcdserver: mvcc: required revision is a future revision',
  noSpace: 'RESOURCE_EXHAUSTED etcdserver: mvcc: database space exceeded',
  corrupt: 'DATA_LOSS etcdserver: corrupt cluster',
  leaseNotFound: 'NOT_FOUND etcdserver: requested lease not found',
} as const;
