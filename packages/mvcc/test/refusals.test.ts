/** What a store refuses, and whom it lets go of when it closes. */
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import { bytes, codeOf, put } from './support.ts';

test('XA9: whoever waits for admission when the store closes is rejected with MVCC_CLOSED', async () => {
  const backend = await openBackend(memoryEngine(), { batchLimit: 10 });
  const store = await openStore(backend);
  for (let i = 0; i < 600; i++) store.put(bytes(`k${i}`), bytes('v'));
  const waiting = [store.admit(), store.admit()].map(codeOfPromise);
  const settled = store.settled();
  await store.close();
  await settled;
  expect(await Promise.all(waiting)).toEqual(['MVCC_CLOSED', 'MVCC_CLOSED']);
  expect(store.rev()).toBe(601);
  await backend.close();
});

async function codeOfPromise(promise: Promise<unknown>): Promise<string> {
  return codeOf(() => promise);
}

const notOptions = [5, 'x', null] as never[];

test('XB6: every entry refuses what it does not know before anything changes', async () => {
  await using backend = await openBackend(memoryEngine());
  const wrong = [undefined, null, 5, {}] as never[];
  for (const other of wrong) expect(await codeOf(() => openStore(other))).toBe('TypeError');
  for (const value of [Number.NaN, -1, '7', 1.5, Infinity] as number[]) {
    for (const name of ['cacheBytes', 'compactionBatchLimit', 'compactionPauseMs', 'restoreChunkLimit', 'maxDeletes']) {
      expect([name, value, await codeOf(() => openStore(backend, { [name]: value }))]).toEqual([
        name,
        value,
        typeof value === 'number' ? 'RangeError' : 'TypeError',
      ]);
    }
  }
  expect(await codeOf(() => openStore(backend, { compactionPauseMs: 2 ** 31 }))).toBe('RangeError');
  expect(await codeOf(() => openStore(backend, { onRestoreProgress: 'x' as never }))).toBe('TypeError');
  for (const options of [{ cachebytes: 5 }, { batchLimit: 5 }, [], new AbortController().signal] as never[]) {
    expect(await codeOf(() => openStore(backend, options))).toBe('TypeError');
  }
  const store = await openStore(backend);
  await put(store, 'a', '1');
  const a = bytes('a');
  const signal = {} as AbortSignal;
  const flags = ['countOnly', 'keysOnly', 'withTotal'] as const;
  const calls: (() => unknown)[] = [
    ...flags.map((flag) => () => store.range(a, undefined, { [flag]: 'no' })),
    ...flags.map((flag) => () => store.write((txn) => txn.range(a, undefined, { [flag]: 1 as never }))),
    ...flags.map((flag) => () => store.read().range(a, undefined, { [flag]: null as never })),
    () => store.range(a, undefined, { signal }),
    () => store.read().range(a, undefined, { signal }),
    () => store.changes(1, 2, { signal }),
    () => store.hashByRev(0, { signal }),
    () => store.snapshot({ signal }),
    ...notOptions.flatMap((options) => [
      () => store.get(a, options),
      () => store.range(a, undefined, options),
      () => store.read(options),
      () => store.read().get(a, options),
      () => store.history(a, options),
      () => store.changes(1, 2, options),
      () => store.hashByRev(0, options),
      () => store.snapshot(options),
      () => store.write((txn) => txn.get(a, options)),
      () => store.write((txn) => txn.deleteRange(a, undefined, options)),
    ]),
    () => store.restore({} as never),
  ];
  for (const call of calls) expect([String(call), await codeOf(call)]).toEqual([String(call), 'TypeError']);
  for (const revision of [Number.NaN, '1', 1.5] as number[]) {
    expect(await codeOf(() => store.get(a, { revision }))).toBe('RangeError');
    expect(await codeOf(() => store.compact(revision))).toBe('RangeError');
    expect(await codeOf(() => store.hashByRev(revision))).toBe('RangeError');
    expect(await codeOf(() => store.range(a, undefined, { limit: revision }))).toBe('RangeError');
  }
  expect([store.finishedRev(), store.firstRev()]).toEqual([2, 0]);
  await store.close();
});
