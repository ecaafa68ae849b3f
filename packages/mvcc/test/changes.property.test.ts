/** Changes read back: those that lie in memory, those in the bucket, and the border between. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store } from '../src/store.ts';
import { bytes, codeOf, compact, open, put, restart, showChange } from './support.ts';

async function changes(store: Store, from: number, to: number, chunkSize?: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const chunk of store.changes(from, to, { chunkSize })) seen.push(...chunk.map(showChange));
  return seen;
}

const operation = fc.record({ key: fc.nat(5), size: fc.constantFrom(0, 3, 400, 30_000), isPut: fc.boolean() });
const transaction = fc.oneof(
  fc.array(
    operation.map((one) => ({ ...one, isPut: true })),
    { minLength: 1, maxLength: 1 },
  ),
  fc.array(operation, { minLength: 1, maxLength: 4 }),
);

test('law 4, W21: changes are the same from memory, from the bucket and from both', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(transaction, { maxLength: 60 }),
      fc.constantFrom(0, 200_000, 400_000, 1 << 26),
      fc.nat(62),
      fc.nat(62),
      fc.integer({ min: 1, max: 9 }),
      async (transactions, cacheBytes, from, to, chunkSize) => {
        const opened = await open({ cacheBytes });
        for (const operations of transactions) {
          opened.store.write((txn) => {
            for (const { key, size, isPut } of operations) {
              if (isPut) txn.put(bytes(`k${key}`), bytes('v'.repeat(size)));
              else txn.deleteRange(bytes(`k${key}`));
            }
          });
        }
        await opened.store.settled();
        const written = await changes(opened.store, from, to, chunkSize);
        const { store } = await restart(opened, { cacheBytes: 0 });
        expect(await changes(store, from, to)).toEqual(written);
      },
    ),
    { numRuns: 60 },
  );
});

test('law 4: what leaves memory while it is read comes from the bucket', async () => {
  const { store } = await open({ cacheBytes: 400_000 });
  const value = 'v'.repeat(10_000);
  for (let i = 0; i < 10; i++) await put(store, `k${i}`, value);
  const seen: string[] = [];
  for await (const chunk of store.changes(2, 12, { chunkSize: 2 })) {
    seen.push(...chunk.map(({ kv }) => `${kv.modRevision}`));
    if (seen.length === 2) for (let i = 0; i < 60; i++) await put(store, `n${i}`, value);
  }
  expect(seen).toEqual(['2', '3', '4', '5', '6', '7', '8', '9', '10', '11']);
});

test('R11, M71: a reader in memory ends when it is compacted, or its signal is aborted', async () => {
  const { store } = await open();
  for (let i = 0; i < 9; i++) await put(store, 'k', `${i}`);
  const reader = store.changes(2, 11, { chunkSize: 2 })[Symbol.asyncIterator]();
  expect((await reader.next()).value).toHaveLength(2);
  await compact(store, 7);
  await expect(reader.next()).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 7 });
  expect(await changes(store, 7, 9)).toEqual(['k=5 2/7/6', 'k=6 2/8/7']);
  expect(await codeOf(() => changes(store, 6, 9))).toBe('MVCC_COMPACTED');

  const stop = new AbortController();
  const stopped = store.changes(7, 11, { chunkSize: 1, signal: stop.signal })[Symbol.asyncIterator]();
  await stopped.next();
  stop.abort('enough');
  await expect(stopped.next()).rejects.toBe('enough');
});
