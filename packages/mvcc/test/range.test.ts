import { buckets } from '@varve/backend';
import { expect, test } from 'vitest';
import { revisionBytes } from '../src/revision-bytes.ts';
import type { Store } from '../src/store.ts';
import { ALL, bytes, codeOf, compact, open, put, show, text, type Opened } from './support.ts';

async function fixtureS(): Promise<Store> {
  const { store } = await open();
  await put(store, 'foo', 'bar', 1n);
  await put(store, 'foo1', 'bar1', 2n);
  await put(store, 'foo2', 'bar2', 3n);
  return store;
}

async function keys(store: Store, key: string, end: string | undefined, revision = 0): Promise<string> {
  const result = await store.range(bytes(key), end === undefined ? undefined : bytes(end), { revision });
  expect(result.revision).toBe(store.rev());
  expect(result.count).toBe(result.kvs.length);
  return result.kvs.map((kv) => text(kv.key)).join(' ');
}

test.each([
  ['doo', 'foo', ''],
  ['foo', 'foo', ''],
  ['doo', undefined, ''],
  ['foo', 'foo3', 'foo foo1 foo2'],
  ['foo', 'foo1', 'foo'],
  ['foo', undefined, 'foo'],
  ['', '', 'foo foo1 foo2'],
  ['foo1', '', 'foo1 foo2'],
  ['foo2', 'foo', ''],
])('M45: range %s to %s', async (key, end, want) => {
  expect(await keys(await fixtureS(), key, end)).toBe(want);
});

test('M46, M47: ranges at revisions before and after a compaction', async () => {
  const store = await fixtureS();
  for (const revision of [-1, 0, 4]) expect(await keys(store, 'foo', 'foo3', revision)).toBe('foo foo1 foo2');
  expect(await keys(store, 'foo', 'foo3', 2)).toBe('foo');
  expect(await keys(store, 'foo', 'foo3', 3)).toBe('foo foo1');
  for (const revision of [5, 100]) {
    await expect(store.range(...ALL, { revision })).rejects.toMatchObject({
      code: 'MVCC_FUTURE_REVISION',
      currentRevision: 4,
    });
  }
  await store.compact(4);
  for (const revision of [-1, 0, 4]) expect(await keys(store, 'foo', 'foo3', revision)).toBe('foo foo1 foo2');
  for (const revision of [1, 2, 3]) {
    await expect(store.range(...ALL, { revision })).rejects.toMatchObject({
      code: 'MVCC_COMPACTED',
      compactRevision: 4,
    });
    expect(await codeOf(() => store.get(bytes('foo'), { revision }))).toBe('MVCC_COMPACTED');
    expect(await codeOf(() => store.read({ revision }))).toBe('MVCC_COMPACTED');
  }
  await expect(store.range(...ALL, { revision: 5 })).rejects.toMatchObject({ code: 'MVCC_FUTURE_REVISION' });
});

test.each([
  [-1, 3],
  [0, 3],
  [1, 1],
  [2, 2],
  [3, 3],
  [100, 3],
])('M48: limit %d', async (limit, entries) => {
  const store = await fixtureS();
  const range = [bytes('foo'), bytes('foo3')] as const;
  const total = await store.range(...range, { limit, withTotal: true });
  expect([total.kvs.length, total.count]).toEqual([entries, 3]);
  const plain = await store.range(...range, { limit });
  expect([plain.kvs.length, plain.count]).toEqual([entries, entries]);
});

test('M49: counting ignores the limit', async () => {
  const store = await fixtureS();
  expect(await store.range(bytes('foo'), bytes('foo3'), { countOnly: true, limit: 1 })).toEqual({
    kvs: [],
    count: 3,
    revision: 4,
  });
});

test('M50: keys only', async () => {
  const store = await fixtureS();
  const { kvs } = await store.range(bytes('foo'), bytes('foo3'), { keysOnly: true });
  expect(kvs.map(show)).toEqual(['foo= 2/2/1', 'foo1= 3/3/1', 'foo2= 4/4/1']);
  const first = await store.range(bytes('foo'), bytes('foo3'), { keysOnly: true, limit: 1, withTotal: true });
  expect([first.kvs.map(show), first.count]).toEqual([['foo= 2/2/1'], 3]);
  const none = await store.range(bytes('foo3'), bytes('foo9'), { keysOnly: true });
  expect([none.kvs, none.count]).toEqual([[], 0]);
});

async function thousand(size = 1000): Promise<Opened> {
  const opened = await open({ cacheBytes: 0 });
  opened.store.write((txn) => {
    for (let i = 0; i < size; i++) txn.put(bytes(`k${String(i).padStart(5, '0')}`), bytes(`${i}`));
  });
  await opened.store.settled();
  return opened;
}

test('M51: a range that is aborted half-way', async () => {
  const { store } = await thousand();
  const reason = new Error('enough');
  const abort = new AbortController();
  const range = store.range(...ALL, { signal: abort.signal });
  setImmediate(() => {
    abort.abort(reason);
  });
  await expect(range).rejects.toBe(reason);
  await expect(store.range(...ALL, { signal: abort.signal })).rejects.toBe(reason);
  expect(await put(store, 'a', '1')).toBe(3);
});

test('M52: a record that is missing is corruption, not a shorter answer', async () => {
  const { store, backend } = await open({ cacheBytes: 0 });
  await put(store, 'a', '1');
  await put(store, 'b', '2');
  await put(store, 'c', '3');
  backend.batchTx((tx) => {
    tx.delete(buckets.key, revisionBytes(3, 0));
  });
  for (const read of [
    () => store.get(bytes('b')),
    () => store.range(...ALL),
    () => store.write((txn) => txn.get(bytes('b'))),
  ]) {
    expect(await codeOf(read)).toBe('MVCC_CORRUPT');
  }
  expect(show(store.get(bytes('a'))!)).toBe('a=1 2/2/1');
});

test.each([255, 256, 257, 512, 1000])('law 10: %d keys, in slices, are the same range', async (size) => {
  const { store } = await thousand(size);
  const all = await store.range(...ALL);
  expect([all.count, all.kvs.length]).toEqual([size, size]);
  expect(all.kvs.map((kv) => text(kv.value))).toEqual(Array.from({ length: size }, (_, i) => `${i}`));
  const keysOnly = await store.range(...ALL, { keysOnly: true });
  expect(keysOnly.kvs.map((kv) => text(kv.key))).toEqual(all.kvs.map((kv) => text(kv.key)));
  const page = await store.range(bytes('k00100'), bytes('k00200'), { limit: 7, withTotal: true });
  expect([page.kvs.length, page.count]).toEqual([7, 100]);
  const limited = await store.range(...ALL, { limit: size - 1, withTotal: true });
  expect([limited.kvs.length, limited.count]).toEqual([size - 1, size]);
});

test.each([3, 256, 257, 1000])(
  'law 2: %d keys from the last to the first, whatever has changed since',
  async (size) => {
    const { store } = await open();
    store.write((txn) => {
      for (let i = 0; i < size; i++) txn.put(bytes(`k${String(i).padStart(4, '0')}`), bytes('x'));
    });
    await store.settled();
    const revision = store.rev();
    store.write((txn) => txn.deleteRange(bytes('k0001')));
    store.write((txn) => txn.put(bytes('k0002'), bytes('later')));
    await store.settled();
    const ranges = [
      ALL,
      [bytes('k0001'), bytes('k0400')],
      [bytes('k0002'), undefined],
      [bytes('k9'), bytes('k')],
    ] as const;
    for (const at of [revision, 0]) {
      for (const [key, end] of ranges) {
        for (const options of [{}, { limit: 2 }, { limit: 300 }, { keysOnly: true }, { limit: 2, withTotal: true }]) {
          const { limit, ...rest } = options as { limit?: number };
          const all = (await store.range(key, end, { ...rest, revision: at })).kvs.toReversed();
          const wanted = limit === undefined || end === undefined ? all : all.slice(0, limit);
          const { kvs, count } = await store.range(key, end, { ...options, revision: at, reverse: true });
          expect(kvs).toEqual(wanted);
          expect(count).toBe('withTotal' in options ? all.length : wanted.length);
          store.write((txn) => {
            expect(txn.range(key, end, { ...options, revision: at, reverse: true }).kvs).toEqual(wanted);
          });
        }
      }
    }
  },
);

test('law 10: large counts are taken in slices', async () => {
  const { store } = await thousand(10_000);
  let turns = 0;
  const tick = setInterval(() => turns++, 0);
  const counted = await store.range(...ALL, { countOnly: true });
  const page = await store.range(...ALL, { limit: 10, withTotal: true });
  clearInterval(tick);
  expect([counted.count, page.count, page.kvs.length]).toEqual([10_000, 10_000, 10]);
});

test('law 5: compaction that overtakes a range ends it', async () => {
  const { store } = await thousand();
  await put(store, 'z', '1');
  const range = store.range(...ALL, { revision: 2 });
  const counted = store.range(...ALL, { revision: 2, limit: 999, withTotal: true });
  const now = store.range(...ALL);
  await store.compact(3);
  await expect(range).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 3 });
  await expect(counted).rejects.toMatchObject({ code: 'MVCC_COMPACTED' });
  expect((await now).count).toBe(1001);
});

test('R7: a range does not look at its arguments again', async () => {
  const { store } = await thousand();
  const key = bytes('k');
  const end = bytes('l');
  const range = store.range(key, end);
  key.fill(0x7a);
  end.fill(0x30);
  expect((await range).count).toBe(1000);
});

test('decisions/0020: a read transaction holds no compaction back', async () => {
  const { store } = await open();
  await put(store, 'a', '1');
  await put(store, 'a', '2');
  using txn = store.read({ revision: 2 });
  await compact(store, 3);
  expect([txn.rev(), txn.firstRev()]).toEqual([2, 0]);
  expect(await codeOf(() => txn.get(bytes('a')))).toBe('MVCC_COMPACTED');
  expect(await codeOf(() => txn.range(...ALL))).toBe('MVCC_COMPACTED');
  txn.end();
  expect(await codeOf(() => txn.get(bytes('a')))).toBe('MVCC_CLOSED');
});
