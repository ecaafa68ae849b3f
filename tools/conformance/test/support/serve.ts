/** A server over a store in memory, or another one, for one test. */
import { openBackend, type Engine } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { prepareLessor } from '@varve/lease';
import { createServer, type ServerOptions } from '@varve/server';
import { openWatchableStore } from '@varve/watch';
import { onTestFinished } from 'vitest';

/** Its address, as `host:port`. */
export async function serve(options: ServerOptions = {}, engine: Engine = memoryEngine()): Promise<string> {
  const backend = await openBackend(engine);
  const leases = prepareLessor({ minTtl: 2, expiryRate: 1000 });
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
  return `${server.host}:${server.port}`;
}
