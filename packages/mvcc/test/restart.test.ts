import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { buckets, openBackend, type Backend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { encodeKeyValue } from '../src/key-value.ts';
import { openStore } from '../src/open-store.ts';
import { revisionBytes, tombstoneBytes } from '../src/revision-bytes.ts';
import type { RestoreProgress, Store } from '../src/store.ts';
import {
  ALL,
  bytes,
  codeOf,
  compact,
  engines,
  list,
  makeMedium,
  meta,
  open,
  put,
  remove,
  reopen,
  restart,
  rows,
  show,
  showChange,
  text,
} from './support.ts';

type Row = readonly [key: Uint8Array, value: Uint8Array];

function record(main: number, key: string, create = main, version = 1, sub = 0, mod = main): Row {
  return [
    revisionBytes(main, sub),
    encodeKeyValue({
      key: bytes(key),
      value: bytes('v'),
      createRevision: create,
      modRevision: mod,
      version,
      lease: 0n,
    }),
  ];
}

function tombstone(main: number, key: string, sub = 0): Row {
  return [tombstoneBytes(main, sub), bytes(`\n${String.fromCodePoint(key.length)}${key}`)];
}

interface Marks {
  readonly scheduled?: number;
  readonly finished?: number;
}

/** A backend with these rows and marks. */
async function written(records: readonly Row[], marks: Marks = {}): Promise<Backend> {
  const backend = await openBackend(memoryEngine());
  backend.batchTx((tx) => {
    tx.createBucket(buckets.key);
    tx.createBucket(buckets.meta);
    for (const [key, value] of records) tx.put(buckets.key, key, value);
    if (marks.scheduled !== undefined) {
      tx.put(buckets.meta, bytes('scheduledCompactRev'), revisionBytes(marks.scheduled, 0));
    }
    if (marks.finished !== undefined) {
      tx.put(buckets.meta, bytes('finishedCompactRev'), revisionBytes(marks.finished, 0));
    }
  });
  return backend;
}

async function answers(store: Store, upTo: number): Promise<readonly string[]> {
  const all: string[] = [];
  for (let revision = 0; revision <= upTo; revision++) {
    try {
      const { kvs, count } = await store.range(...ALL, { revision });
      all.push(`${revision}: ${kvs.map(show).join(', ')} (${count})`);
    } catch (error) {
      all.push(`${revision}: ${(error as { readonly code: string }).code}`);
    }
  }
  return all;
}

test('M69: a compaction that was only scheduled', async () => {
  const rewritten = async (scheduled: number): Promise<readonly [Store, Backend]> => {
    const backend = await written([record(2, 'foo'), record(3, 'foo', 2, 2), record(4, 'foo', 2, 3)], { scheduled });
    return [await openStore(backend), backend];
  };
  const [second, secondBackend] = await rewritten(2);
  expect(await codeOf(() => second.get(bytes('foo'), { revision: 1 }))).toBe('MVCC_COMPACTED');
  await second.compactionBarrier();
  expect(await rows(secondBackend)).toEqual(['2.0', '3.0', '4.0']);
  expect(meta(secondBackend, 'finishedCompactRev')).toBe('00000000000000025f0000000000000000');
  const [third, thirdBackend] = await rewritten(3);
  await third.compactionBarrier();
  expect(await rows(thirdBackend)).toEqual(['3.0', '4.0']);
});

test.each(engines)('M70: a crash in the middle of a compaction changes nothing (%s)', async (engine) => {
  const medium = await makeMedium(engine);
  const first = await reopen(medium, { compactionBatchLimit: 5, compactionPauseMs: 0 });
  const { store } = first;
  for (let i = 0; i < 150; i++) {
    if (i % 4 === 3) await remove(store, `k${(i * 7) % 50}`);
    else await put(store, `k${(i * 7) % 50}`, `${i}`);
  }
  const newest = store.rev();
  const compaction = await store.compact(100);
  while (compaction.progress.scanned < 20) await new Promise(setImmediate);
  medium.crash();
  const second = await reopen(medium);
  const want = (await answers(second.store, newest)).slice(100);
  await second.store.compactionBarrier();
  expect((await answers(second.store, newest)).slice(100)).toEqual(want);
  const undisturbed = await open();
  for (let i = 0; i < 150; i++) {
    if (i % 4 === 3) await remove(undisturbed.store, `k${(i * 7) % 50}`);
    else await put(undisturbed.store, `k${(i * 7) % 50}`, `${i}`);
  }
  await compact(undisturbed.store, 100);
  expect(await rows(second.backend, true)).toEqual(await rows(undisturbed.backend, true));
  expect((await answers(undisturbed.store, newest)).slice(100)).toEqual(want);
});

test('M69, R35: over a backend for reading only an unfinished compaction waits, and what it compacted stays so', async () => {
  const medium = await makeMedium();
  const first = await reopen(medium, { compactionBatchLimit: 5, compactionPauseMs: 0 });
  for (let i = 0; i < 100; i++) await put(first.store, `k${i % 7}`, `${i}`);
  const newest = first.store.rev();
  const want = await answers(first.store, newest);
  const compaction = await first.store.compact(60);
  while (compaction.progress.scanned < 20) await new Promise(setImmediate);
  medium.crash();

  const writes: unknown[] = [];
  const commit = (changes: unknown): Promise<void> => Promise.resolve(void writes.push(changes));
  const backend = await openBackend({ ...medium.attach(), readOnly: true, commit });
  const before = await rows(backend, true);
  const compactions: unknown[] = [];
  const begun = (message: unknown): void => void compactions.push(message);
  subscribe('tracing:varve.mvcc.compaction:start', begun);
  const store = await openStore(backend);
  await store.compactionBarrier();
  unsubscribe('tracing:varve.mvcc.compaction:start', begun);
  expect(compactions).toEqual([]);
  expect(await answers(store, newest)).toEqual(
    want.map((answer, revision) => (revision > 0 && revision < 60 ? `${revision}: MVCC_COMPACTED` : answer)),
  );
  const refusal = expect.objectContaining({ code: 'BACKEND_READ_ONLY' }) as Error;
  expect(() => store.put(bytes('a'), bytes('b'))).toThrow(refusal);
  expect(() => store.deleteRange(bytes('a'))).toThrow(refusal);
  expect(() => store.write((txn) => txn.setAppliedIndex(9n, 1n))).toThrow(refusal);
  await expect(store.compact(70)).rejects.toEqual(refusal);
  await expect(store.defrag()).rejects.toEqual(refusal);
  await expect(store.admit()).rejects.toEqual(refusal);
  expect((await store.hash()).hash).toBe(await backend.hash((bucket) => bucket === 'none'));
  expect([store.rev(), store.finishedRev(), store.appliedIndex().index]).toEqual([newest, newest, 0n]);
  await store.close();
  expect(await rows(backend, true)).toEqual(before);
  await backend.close();
  expect(writes).toEqual([]);
  const second = await reopen(medium);
  await second.store.compactionBarrier();
  expect((await rows(second.backend)).length).toBeLessThan(before.length);
});

test('M71: a compaction scheduled beyond the newest record', async () => {
  const backend = await written([record(2, 'foo'), record(3, 'foo', 2, 2), record(4, 'foo', 2, 3)], { scheduled: 5 });
  const store = await openStore(backend);
  expect(store.rev()).toBe(5);
  await store.compactionBarrier();
  expect(await rows(backend)).toEqual(['4.0']);
  await store.close();
  const again = await openStore(backend);
  expect([again.rev(), again.firstRev()]).toEqual([5, 5]);
  expect(await put(again, 'foo', 'x')).toBe(6);
});

test('M72: the newest record is a deletion that was compacted', async () => {
  const opened = await open();
  for (const value of ['1', '2', '3']) await put(opened.store, 'foo', value);
  await remove(opened.store, 'foo');
  await compact(opened.store, 5);
  const { store } = await restart(opened);
  expect([store.rev(), store.get(bytes('foo'))]).toEqual([5, undefined]);
  expect(await put(store, 'foo', 'x')).toBe(6);
});

test('M73: a deletion at the compacted revision survives a restart', async () => {
  const opened = await open({ compactionBatchLimit: 5 });
  for (let i = 1; i <= 5; i++) await put(opened.store, `foo${i}`, 'x');
  await remove(opened.store, 'foo1');
  await compact(opened.store, 7);
  expect(opened.store.metrics['keys_total']).toBe(4);
  const { store } = await restart(opened);
  expect(store.metrics['keys_total']).toBe(4);
  const seen: string[] = [];
  for await (const chunk of store.changes(7, 8)) seen.push(...chunk.map(showChange));
  expect(seen).toEqual(['-foo1 @7']);
});

test('M74: resuming keeps the tombstone of the very revision', async () => {
  const backend = await written([record(2, 'b'), tombstone(6, 'a')], { scheduled: 6 });
  const store = await openStore(backend);
  await store.compactionBarrier();
  expect(await rows(backend)).toEqual(['2.0', '6.0t']);
});

test.each([
  [
    'overwrites',
    async (store: Store) => {
      for (const value of ['1', '2', '3']) await put(store, 'foo', value);
      await put(store, 'other', 'x');
    },
  ],
  [
    'deleted and made again',
    async (store: Store) => {
      await put(store, 'foo', '1');
      await remove(store, 'foo');
      await put(store, 'foo', '2');
    },
  ],
  [
    'compacted at 1',
    async (store: Store) => {
      await put(store, 'foo', '1');
      await put(store, 'foo', '2');
      await compact(store, 1);
    },
  ],
])('M75: every answer is the same after a restart: %s', async (_, history) => {
  const opened = await open();
  await history(opened.store);
  const before = await answers(opened.store, 9);
  const liveKeys = opened.store.metrics['keys_total'];
  const { store } = await restart(opened);
  expect(await answers(store, 9)).toEqual(before);
  expect(store.metrics['keys_total']).toBe(liveKeys);
});

test.each([2, 3, 4])('M76: restored in chunks of %d', async (restoreChunkLimit) => {
  const opened = await open();
  const { store } = opened;
  for (let i = 0; i < 20; i++) await put(store, `k${i}`, `${i}`);
  for (let i = 0; i < 40; i++) {
    if (i % 5 === 0) await remove(store, `k${(i * 11) % 20}`);
    else await put(store, `k${(i * 11) % 20}`, `again ${i}`);
  }
  const before = await answers(store, store.rev());
  const seen: RestoreProgress[] = [];
  const again = await restart(opened, { restoreChunkLimit, onRestoreProgress: (progress) => seen.push(progress) });
  expect(await answers(again.store, store.rev())).toEqual(before);
  const records = (await rows(again.backend)).length;
  expect(seen.at(-1)).toEqual({ records, revision: store.rev() });
  expect(seen).toHaveLength(Math.ceil(records / restoreChunkLimit));
  const key = text((await again.store.range(...ALL, { limit: 1 })).kvs[0]!.key);
  const { version } = again.store.get(bytes(key))!;
  await put(again.store, key, 'once more');
  expect(again.store.get(bytes(key))!.version).toBe(version + 1);
});

test('M78, D6: restore moves the store to another backend', async () => {
  const other = await open();
  for (const value of ['1', '2', '3', '4']) await put(other.store, 'theirs', value);
  await compact(other.store, 3);
  await other.store.close();
  const { store } = await open({ compactionBatchLimit: 3, compactionPauseMs: 60_000 });
  for (let i = 0; i < 8; i++) await put(store, 'ours', `${i}`);
  await compact(store, 2);
  expect(await codeOf(() => store.hashByRev(2))).toBe('ok');
  using txn = store.read();
  const compaction = await store.compact(7);
  const late = store.put(bytes('ours'), bytes('last'));
  const range = store.range(...ALL);
  const barrier = codeOf(() => store.compactionBarrier());
  await store.restore(other.backend);
  expect(late).toBe(10);
  expect((await range).revision).toBe(9);
  expect(await codeOf(() => compaction.finished())).toBe('MVCC_CLOSED');
  expect(await barrier).toBe('MVCC_CLOSED');
  expect([store.rev(), store.finishedRev(), store.firstRev()]).toEqual([5, 5, 3]);
  expect(await list(store)).toEqual(['theirs=4']);
  expect(await codeOf(() => store.hashByRev(2))).toBe('MVCC_COMPACTED');
  expect(await codeOf(() => txn.get(bytes('ours')))).toBe('MVCC_CLOSED');
  expect(await put(store, 'theirs', '5')).toBe(6);
  expect(await list(store)).toEqual(['theirs=5']);
});

test('M78: reads and writes go on while the other backend is read', async () => {
  const other = await open();
  for (let i = 0; i < 3000; i++) other.store.put(bytes(`t${i}`), bytes('x'));
  await other.store.settled();
  await other.store.close();
  const { store, backend } = await open();
  const restored = store.restore(other.backend);
  let last = 0;
  for (let i = 0; i < 3; i++) last = await put(store, 'ours', `${i}`);
  expect(await list(store)).toEqual(['ours=2']);
  await restored;
  expect(last).toBe(4);
  expect(store.rev()).toBe(3001);
  const again = await openStore(backend);
  expect(await list(again)).toEqual(['ours=2']);
});

test('B49: a restore and a defrag called together run to their ends, in either order, and the newest state is whole', async () => {
  for (const restoresFirst of [true, false]) {
    const first = await open();
    const second = await open();
    for (let i = 0; i < 40; i++) await put(first.store, `a${i % 9}`, `${i}`);
    for (let i = 0; i < 30; i++) await put(second.store, `b${i % 7}`, `${i}`);
    const want = await second.store.hashByRev(0);
    const before = await rows(second.backend, true);
    await second.store.close();
    const { store } = first;
    const calls = [(): Promise<void> => store.restore(second.backend), (): Promise<void> => store.defrag()];
    await Promise.all((restoresFirst ? calls : calls.toReversed()).map((call) => call()));
    await store.defrag();
    expect(await store.hashByRev(0)).toEqual(want);
    expect(await rows(second.backend, true)).toEqual(before);
    await put(store, 'after', '1');
    expect(text(store.get(bytes('after'))!.value)).toBe('1');
    expect(first.backend.durable).toBe(true);
  }
});

test('R9: close in the middle of a restore', async () => {
  const other = await open();
  for (let i = 0; i < 5000; i++) other.store.put(bytes(`t${i}`), bytes('x'));
  await other.store.settled();
  await other.store.close();
  const { store } = await open();
  const restored = codeOf(() => store.restore(other.backend));
  await store.close();
  expect(await restored).toBe('MVCC_CLOSED');
});

/** A backend whose scan of records yields what it is told, in that order. */
function scanning(backend: Backend, records: readonly Row[]): Backend {
  const entries = records.map(([key, value]) => ({ key, value }));
  return new Proxy(backend, {
    get(target, property): unknown {
      if (property === 'concurrentReadTx') {
        return () => ({
          get: () => undefined,
          async *scan() {
            yield entries;
          },
          [Symbol.dispose]: () => undefined,
        });
      }
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

test.each([
  ['descending', [record(2, 'a'), record(3, 'foo'), record(4, 'foo'), record(5, 'foo'), record(4, 'foo')], ['4', '5']],
  ['doubled', [record(2, 'a'), record(2, 'a')], ['2', '2']],
  ['doubled as a tombstone', [record(2, 'a'), tombstone(2, 'a')], ['2', '2']],
  ['a gap', [record(2, 'a'), record(4, 'b')], ['2', '4']],
  ['a gap at the start', [record(3, 'b')], ['0', '3']],
  ['a first change missing', [record(2, 'a', 2, 1, 1)], ['0', '2.1']],
  ['a later change missing', [record(2, 'a'), record(2, 'b', 2, 1, 2)], ['2', '2.2']],
] as const)('M79, R46: %s is corruption that names the revisions', async (_, records, named) => {
  const backend = scanning(await written([]), records);
  await expect(openStore(backend)).rejects.toMatchObject({
    code: 'MVCC_CORRUPT',
    message: expect.stringMatching(new RegExp(named.map((name) => `\\b${name.replace('.', '\\.')}\\b`).join('.*'))),
  });
});

test('R46: below the compacted revision gaps are what compaction leaves', async () => {
  const backend = await written([record(3, 'a', 2, 2), record(7, 'b', 7, 1, 4), record(9, 'c')], { finished: 8 });
  const store = await openStore(backend);
  expect([store.rev(), store.firstRev(), await list(store)]).toEqual([9, 8, ['a=v', 'b=v', 'c=v']]);
  const gap = await written([record(3, 'a', 2, 2), record(10, 'c')], { finished: 8 });
  expect(await codeOf(() => openStore(gap))).toBe('MVCC_CORRUPT');
});

test('R45: a record that contradicts its place fails alone', async () => {
  const backend = await written([
    record(2, 'a'),
    record(3, 'mod', 3, 1, 0, 2),
    record(4, 'version', 2, 0),
    record(5, 'created', 9, 2),
    record(6, 'z'),
  ]);
  const store = await openStore(backend);
  for (const key of ['mod', 'version', 'created']) {
    expect(await codeOf(() => store.get(bytes(key)))).toBe('MVCC_CORRUPT');
    expect(await codeOf(() => store.range(bytes(key), undefined, { keysOnly: true }))).toBe('MVCC_CORRUPT');
  }
  await expect(store.range(...ALL)).rejects.toThrow(/revision 5, key "created"/);
  expect([show(store.get(bytes('a'))!), show(store.get(bytes('z'))!)]).toEqual(['a=v 2/2/1', 'z=v 6/6/1']);
  const undecodable = await written([[revisionBytes(2, 0), bytes('?')]]);
  await expect(openStore(undecodable)).rejects.toMatchObject({
    code: 'MVCC_CORRUPT',
    message: expect.stringContaining('revision 2'),
  });
});

test('R45: a record of another key, swapped in later, is not an answer', async () => {
  const { store, backend } = await open({ cacheBytes: 0 });
  await put(store, 'a', '1');
  await put(store, 'b', '2');
  backend.batchTx((tx) => {
    tx.deleteBucket(buckets.key);
    tx.createBucket(buckets.key);
    tx.put(buckets.key, ...record(2, 'b'));
    tx.put(buckets.key, ...record(3, 'b', 2, 2));
  });
  expect(await codeOf(() => store.get(bytes('a')))).toBe('MVCC_CORRUPT');
  expect(await codeOf(() => store.get(bytes('b')))).toBe('MVCC_CORRUPT');
});

test('a record of no bytes is how etcd raises the revision of a restored snapshot', async () => {
  const backend = await written([record(2, 'a'), [revisionBytes(1_000_000, 0), bytes('')]], { scheduled: 1_000_000 });
  const store = await openStore(backend);
  await store.compactionBarrier();
  expect([store.rev(), await list(store)]).toEqual([1_000_000, ['a=v']]);
  expect(await put(store, 'b', 'x')).toBe(1_000_001);
});

test('malformed rows are corruption', async () => {
  const inKeys = await written([[bytes('zzzz'), bytes('x')]]);
  expect(await codeOf(() => openStore(inKeys))).toBe('MVCC_CORRUPT');
  const inMeta = await written([]);
  inMeta.batchTx((tx) => {
    tx.put(buckets.meta, bytes('finishedCompactRev'), bytes('7'));
  });
  expect(await codeOf(() => openStore(inMeta))).toBe('MVCC_CORRUPT');
});

test('R3: options out of range', async () => {
  const backend = await openBackend(memoryEngine());
  for (const options of [
    { cacheBytes: -1 },
    { compactionBatchLimit: 0 },
    { compactionPauseMs: -1 },
    { restoreChunkLimit: 0 },
  ]) {
    expect(await codeOf(() => openStore(backend, options))).toBe('RangeError');
  }
  const durability = 'sometimes' as 'commit';
  expect(await codeOf(() => openStore(backend, { durability }))).toBe('TypeError');
});

test('law 10: a restore lets others run between its chunks', async () => {
  const opened = await open();
  for (let i = 0; i < 6000; i++) opened.store.put(bytes(`k${i}`), bytes('x'));
  await opened.store.settled();
  await opened.store.close();
  await opened.backend.close();
  let turns = 0;
  const tick = (): void => {
    turns++;
    timer = setImmediate(tick);
  };
  let timer = setImmediate(tick);
  await reopen(opened.medium);
  clearImmediate(timer);
  expect(turns).toBeGreaterThanOrEqual(6);
});
