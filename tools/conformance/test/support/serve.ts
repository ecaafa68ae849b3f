/** A server over a store in memory, or another one, for one test. */
import { openBackend, type Engine } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { prepareLessor, type LessorOptions } from '@varve/lease';
import { createServer, type ServerOptions } from '@varve/server';
import { openWatchableStore, type WatchableStore } from '@varve/watch';
import { onTestFinished } from 'vitest';

interface Served {
  /** `host:port` */
  readonly endpoint: string;
  readonly store: WatchableStore;
}

/** Its address, as `host:port`. */
export async function serve(options?: ServerOptions, engine?: Engine): Promise<string> {
  return (await serveStore(options, engine)).endpoint;
}

/** @param times of its leases, such as those of a clock that stands still */
export async function serveStore(
  options: ServerOptions = {},
  engine: Engine = memoryEngine(),
  times: LessorOptions = {},
): Promise<Served> {
  const backend = await openBackend(engine);
  const leases = prepareLessor({ minTtl: 2, expiryRate: 1000, ...times });
  const store = await openWatchableStore(backend, {
    observers: [leases.observe],
    maxDeletes: Number.MAX_SAFE_INTEGER,
  });
  const lessor = await leases.open();
  const server = await createServer({ store, backend, lessor }, options);
  onTestFinished(async () => {
    await server.close();
    await lessor.close();
    await store.close();
    await backend.close();
  });
  return { endpoint: `${server.host}:${server.port}`, store };
}
