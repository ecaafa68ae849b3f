/** What a store makes once and shares: records of a range read in one call, changes as the same objects for all. */
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import type { Change, Store } from '../src/store.ts';
import type { FinishedTransaction } from '../src/observer.ts';
import { bytes } from './support.ts';

const END = new Uint8Array(0);

async function opened(seen: FinishedTransaction[] = []): Promise<{ store: Store; asked: number[] }> {
  const engine = memoryEngine();
  const asked: number[] = [];
  const find = engine.find!.bind(engine);
  Object.assign(engine, {
    find: (...[bucket, search]: Parameters<typeof find>) => (asked.push(search.length), find(bucket, search)),
  });
  const backend = await openBackend(engine);
  const observer = { finished: (transaction: FinishedTransaction) => void seen.push(transaction) };
  const store = await openStore(backend, { cacheBytes: 0, observers: [() => observer] });
  onTestFinished(async () => {
    await store.close();
    await backend.close();
  });
  return { store, asked };
}

test('law 2 the records of a range that no cache has are read in one call, in the order of the keys', async () => {
  const { store, asked } = await opened();
  for (let n = 0; n < 100; n += 1) store.put(bytes(`k${(n * 37) % 100}`), bytes(`v${n}`));
  await store.settled();
  const { kvs } = await store.range(bytes('k'), END);
  expect(asked).toEqual([100]);
  expect(kvs.map(({ modRevision }) => modRevision)).toEqual(kvs.map(({ key }) => store.get(key)!.modRevision));
  asked.length = 0;
  // In a section its own changes come between them.
  store.write((txn) => {
    txn.put(bytes('k5'), bytes('own'));
    txn.deleteRange(bytes('k50'));
    const inside = txn.range(bytes('k'), END).kvs;
    expect(inside.length).toBe(99);
    for (const kv of inside) expect(txn.get(kv.key)).toEqual(kv);
  });
  expect(asked.reduce((sum, n) => sum + n, 0)).toBe(98);
});

test('TCH1 TCH2 whoever looks at the changes of a transaction gets the same frozen objects, in order', async () => {
  const seen: FinishedTransaction[] = [];
  const { store } = await opened(seen);
  store.put(bytes('gone'), bytes('1'));
  let inside: readonly Change[] = [];
  const { changes, revision } = store.write((txn) => {
    txn.put(bytes('a'), bytes('x'.repeat(100)), 7n);
    inside = txn.changes();
    txn.deleteRange(bytes('gone'));
    txn.put(bytes('b'), bytes(''));
  });
  expect(inside.length).toBe(1);
  expect(inside[0]).toBe(changes[0]);
  expect(seen[1]!.changes).toBe(changes);
  const shown = changes.map(({ type, kv }) => [type, Buffer.from(kv.key).toString(), kv.value.length, kv.modRevision]);
  expect(shown).toEqual([
    ['put', 'a', 100, revision],
    ['delete', 'gone', 0, revision],
    ['put', 'b', 0, revision],
  ]);
  expect(changes[0]!.kv.lease).toBe(7n);
  for (const change of changes) expect(Object.isFrozen(change)).toBe(true);
});
