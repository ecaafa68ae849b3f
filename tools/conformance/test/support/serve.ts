/** A server over a store in memory, for one test. */
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { createServer } from '@varve/server';
import { openWatchableStore } from '@varve/watch';
import { onTestFinished } from 'vitest';
import { TestLessor } from '../../../../packages/server/test/support/lessor.ts';

/** Its address, as `host:port`. */
export async function serve(): Promise<string> {
  const backend = await openBackend(memoryEngine());
  const lessor = new TestLessor();
  const store = await openWatchableStore(backend, { observers: [lessor.observe] });
  const server = await createServer({ store, backend, lessor });
  onTestFinished(async () => {
    await server.close();
    lessor.close();
    await store.close();
    await backend.close();
  });
  return `${server.host}:${server.port}`;
}
