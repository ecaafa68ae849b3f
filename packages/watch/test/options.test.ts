/** B6: what is wrong is refused by a typed error before anything changes, where stores with watchers and streams are opened. */
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { openWatchableStore } from '../src/index.ts';

const key = Buffer.from('a');
const notOptions = [{ nonsense: 1 }, [], new Map(), new AbortController().signal, null, 5] as never[];

test('XB6: openWatchableStore', async () => {
  await using backend = await openBackend(memoryEngine());
  for (const options of [...notOptions, { queuecapacity: 5 }, { batchLimit: 5 }] as never[]) {
    await expect(openWatchableStore(backend, options)).rejects.toThrow(TypeError);
  }
  const store = await openWatchableStore(backend, { queueCapacity: 5, cacheBytes: 0 });
  await store.close();
});

test('XB6: the options of a watcher', async () => {
  await using backend = await openBackend(memoryEngine());
  const store = await openWatchableStore(backend);
  const stream = store.newWatchStream();
  for (const options of [...notOptions, { startRevision: 5 }] as never[]) {
    expect(() => stream.watch(key, undefined, options)).toThrow(TypeError);
  }
  expect(store.watchStats.watchers).toBe(0);
  await store.close();
});

test('XB6: a pull takes the signal of another realm, and nothing that is none', async () => {
  await using backend = await openBackend(memoryEngine());
  const store = await openWatchableStore(backend);
  const stream = store.newWatchStream();
  stream.watch(key, undefined);
  for (const signal of [{}, null, 'x', { aborted: false }] as never[]) {
    await expect(stream.next({ signal })).rejects.toThrow(TypeError);
  }
  const nothing = (): void => undefined;
  const foreign = { aborted: false, throwIfAborted: nothing, addEventListener: nothing, removeEventListener: nothing };
  const response = stream.next({ signal: foreign as unknown as AbortSignal });
  store.put(key, key);
  expect(await response).toMatchObject({ type: 'events' });
  await store.close();
});
