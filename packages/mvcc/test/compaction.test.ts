import { buckets } from '@varve/backend';
import { expect, test } from 'vitest';
import type { Store } from '../src/store.ts';
import {
  ALL,
  bytes,
  codeOf,
  compact,
  list,
  meta,
  open,
  put,
  remove,
  restart,
  rows,
  show,
  showChange,
} from './support.ts';

function mark(revision: number): string {
  return `${revision.toString(16).padStart(16, '0')}5f0000000000000000`;
}

async function history(store: Store, from: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const chunk of store.changes(from, store.rev() + 1)) seen.push(...chunk.map(showChange));
  return seen;
}

test('M58, D5: what Compact accepts', async () => {
  const { store } = await open();
  for (const value of ['1', '2', '3']) await put(store, 'foo', value);
  expect(await codeOf(() => store.compact(0))).toBe('RangeError');
  expect(await codeOf(() => store.compact(1))).toBe('ok');
  await expect(store.compact(1)).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 1 });
  expect(await codeOf(() => store.compact(4))).toBe('ok');
  await expect(store.compact(5)).rejects.toMatchObject({ code: 'MVCC_FUTURE_REVISION', currentRevision: 4 });
  expect(await codeOf(() => store.compact(100))).toBe('MVCC_FUTURE_REVISION');
  await store.compactionBarrier();
  expect(store.firstRev()).toBe(4);
});

test('M59: what remains readable, compaction by compaction', async () => {
  const { store } = await open();
  await put(store, 'foo', 'bar0', 1n);
  await put(store, 'foo', 'bar1', 2n);
  await remove(store, 'foo');
  await put(store, 'foo', 'bar2', 3n);
  const seen: (string | undefined)[] = [];
  for (const revision of [1, 2, 3, 4]) {
    await compact(store, revision);
    const kv = store.get(bytes('foo'), { revision: revision + 1 });
    seen.push(kv && show(kv));
  }
  expect(seen).toEqual(['foo=bar0 2/2/1 ~1', 'foo=bar1 2/3/2 ~2', undefined, 'foo=bar2 5/5/1 ~3']);
});

test('M60: below the compacted revision nothing answers, removed or not', async () => {
  const { store, backend } = await open({ compactionBatchLimit: 1, compactionPauseMs: 60_000 });
  for (let revision = 2; revision <= 11; revision++) await put(store, 'foo', `${revision}`);
  const compaction = await store.compact(8);
  expect(await codeOf(() => store.get(bytes('foo'), { revision: 7 }))).toBe('MVCC_COMPACTED');
  expect(await list(store, 8)).toEqual(['foo=8']);
  expect(await list(store, 11)).toEqual(['foo=11']);
  expect((await rows(backend)).length).toBeGreaterThanOrEqual(9);
  await store.close();
  expect(await codeOf(() => compaction.finished())).toBe('MVCC_CLOSED');
});

test('M61: when compact resolves, the decision is durable', async () => {
  const opened = await open({ compactionBatchLimit: 1, compactionPauseMs: 60_000 });
  for (let i = 0; i < 4; i++) await put(opened.store, 'foo', `${i}`);
  await opened.store.compact(5);
  const { reopen } = await import('./support.ts');
  const { backend, store } = await reopen(opened.medium);
  expect(meta(backend, 'scheduledCompactRev')).toBe(mark(5));
  expect([store.rev(), store.firstRev()]).toEqual([5, 5]);
});

test.each([
  [999, 1],
  [1000, 2],
  [1001, 2],
])('M62: %d records make %d batches of 1000', async (records, batches) => {
  const { store, backend } = await open({ compactionBatchLimit: 1000 });
  store.write((txn) => {
    for (let i = 1; i < records; i++) txn.put(bytes('foo'), bytes(`${i}`));
  });
  await put(store, 'foo', 'last');
  const compaction = await store.compact(3);
  await compaction.finished();
  expect(compaction.progress).toEqual({ scanned: records, removed: records - 1 });
  expect(store.metrics).toMatchObject({
    db_compaction_pause_duration_milliseconds_count: batches,
    db_compaction_total_duration_milliseconds_count: 1,
    db_compaction_keys_total: records - 1,
    compact_revision: 3,
  });
  expect(meta(backend, 'finishedCompactRev')).toBe(mark(3));
  expect(await rows(backend)).toEqual(['3.0']);
});

test('law 10: large records are hashed and removed in slices', async () => {
  const { store } = await open();
  const value = new Uint8Array(1 << 20).fill(1);
  for (let i = 0; i < 9; i++) store.put(bytes(`k${i % 2}`), value);
  await store.settled();
  const before = await store.hashByRev(9);
  const compaction = await store.compact(9);
  await compaction.finished();
  expect(compaction.progress).toEqual({ scanned: 8, removed: 6 });
  expect((await store.hashByRev(9)).hash).toBe(before.hash);
  expect(store.metrics['db_compaction_pause_duration_milliseconds_count']).toBe(1);
});

test('M63: the records that remain', async () => {
  const { store, backend } = await open();
  await put(store, 'foo', 'bar');
  await put(store, 'foo', 'baz');
  await put(store, 'a', '1');
  await remove(store, 'foo');
  const foo3 = '3.0 0a03666f6f1002180320022a0362617a';
  const a4 = '4.0 0a01611004180420012a0131';
  await compact(store, 4);
  expect(await rows(backend, true)).toEqual([foo3, a4, '5.0t 0a03666f6f']);
  await compact(store, 5);
  expect(await rows(backend, true)).toEqual([a4, '5.0t 0a03666f6f']);
  await put(store, 'b', '2');
  await compact(store, 6);
  expect(await rows(backend, true)).toEqual([a4, '6.0 0a01621006180620012a0132']);
});

test('M64: history from the compacted revision has its deletion', async () => {
  const { store, backend } = await open();
  for (const value of ['1', '2', '3']) await put(store, 'foo', value);
  await remove(store, 'foo');
  await put(store, 'foo', '4');
  await compact(store, 5);
  expect(await history(store, 5)).toEqual(['-foo @5', 'foo=4 6/6/1']);
  expect(store.history(bytes('foo'), { from: 5 }).map(showChange)).toEqual(['-foo @5', 'foo=4 6/6/1']);
  await compact(store, 6);
  expect(await rows(backend)).toEqual(['6.0']);
  expect(await codeOf(() => history(store, 5))).toBe('MVCC_COMPACTED');
});

test('M65, D1: deleted and made again in one transaction', async () => {
  const opened = await open();
  const { store, backend } = opened;
  await put(store, 'foo', '1');
  store.write((txn) => {
    txn.deleteRange(bytes('foo'));
    txn.put(bytes('foo'), bytes('x'));
  });
  await store.settled();
  await compact(store, 3);
  expect(show(store.get(bytes('foo'))!)).toBe('foo=x 3/3/1');
  expect(await rows(backend)).toContain('3.1');
  const again = await restart(opened);
  expect(show(again.store.get(bytes('foo'))!)).toBe('foo=x 3/3/1');
});

test('law 5, decisions/0035: of a section that changes a key twice, compaction at its revision keeps the last change', async () => {
  const { store } = await open();
  const { revision } = store.write((txn) => {
    txn.put(bytes('a'), bytes('1'));
    txn.put(bytes('b'), bytes('1'));
    txn.put(bytes('a'), bytes('2'));
  });
  await store.settled();
  expect((await history(store, revision)).length).toBe(3);
  const before = show(store.get(bytes('a'), { revision })!);
  const { hash } = await store.hashByRev(revision);
  await compact(store, revision - 1);
  expect((await history(store, revision)).length).toBe(3);
  await compact(store, revision);
  expect(await history(store, revision)).toEqual(['b=1 2/2/1', 'a=2 2/2/2']);
  expect(show(store.get(bytes('a'), { revision })!)).toBe(before);
  expect((await store.hashByRev(revision)).hash).toBe(hash);
});

test('M66: compactions run in order; one that comes too late has a barrier', async () => {
  const { store } = await open({ compactionBatchLimit: 1, compactionPauseMs: 0 });
  for (let i = 0; i < 10; i++) await put(store, 'foo', `${i}`);
  const ended: string[] = [];
  const third = await store.compact(3);
  const seventh = await store.compact(7);
  expect(await codeOf(() => store.compact(5))).toBe('MVCC_COMPACTED');
  const barrier = store.compactionBarrier().then(() => ended.push('barrier'));
  await Promise.all([
    third.finished().then(() => ended.push('3')),
    seventh.finished().then(() => ended.push('7')),
    barrier,
  ]);
  expect(ended).toEqual(['3', '7', 'barrier']);
  expect(third.progress).toEqual({ scanned: 2, removed: 1 });
});

test('M66: compactions accepted in one go run in the order of their acceptance', async () => {
  const { store, backend } = await open();
  for (let i = 0; i < 10; i++) await put(store, 'foo', `${i}`);
  const runs = await Promise.all([store.compact(3), store.compact(7), store.compact(9)]);
  expect(store.firstRev()).toBe(9);
  await store.compactionBarrier();
  for (const run of runs) await run.finished();
  expect(await rows(backend)).toEqual(['9.0', '10.0', '11.0']);
});

test('M67: writers wait for one batch at the most, and a pause follows each batch', async () => {
  const { store, backend } = await open({ compactionBatchLimit: 100, compactionPauseMs: 20 });
  store.write((txn) => {
    for (let i = 0; i < 1000; i++) txn.put(bytes('foo'), bytes(`${i}`));
  });
  await put(store, 'foo', 'last');
  const compaction = await store.compact(3);
  let done = false;
  const finished = compaction.finished().then(() => {
    done = true;
  });
  const seen: number[] = [0];
  const commitsBefore = backend.commits;
  while (!done) {
    await put(store, 'other', 'x');
    seen.push(compaction.progress.removed);
  }
  await finished;
  expect(seen.at(-1)).toBe(1000);
  // The batch that ran when the put came, and no more than one that began meanwhile.
  for (const [i, removed] of seen.entries()) expect(removed - (seen[i - 1] ?? 0)).toBeLessThanOrEqual(200);
  expect(backend.commits - commitsBefore).toBeGreaterThanOrEqual(10);
});

test.each(['commit', 'interval'] as const)(
  'law 10: %s: a commit carries a few thousand removals at the most',
  async (durability) => {
    const { store, backend } = await open({ durability, compactionBatchLimit: 256 });
    for (let revision = 2; revision <= 12; revision++) {
      store.write((txn) => {
        for (let i = 0; i < 1000; i++) txn.put(bytes('foo'), bytes(`${revision}.${i}`));
      });
    }
    await store.commit();
    const commitsBefore = backend.commits;
    await compact(store, 12);
    expect(await rows(backend)).toHaveLength(1);
    // Ten of removals, if no commit took longer than the thousand behind it.
    expect(backend.commits - commitsBefore).toBeGreaterThanOrEqual(5);
  },
);

test('M68, D7: close ends compactions; reopening finishes them', async () => {
  const opened = await open({ compactionBatchLimit: 2, compactionPauseMs: 60_000 });
  const { store, backend } = opened;
  for (let i = 0; i < 8; i++) await put(store, 'foo', `${i}`);
  const running = await store.compact(5);
  const queued = await store.compact(8);
  const barrier = store.compactionBarrier();
  while (running.progress.removed === 0) await new Promise(setImmediate);
  const [first, second, third] = await Promise.all([
    codeOf(() => running.finished()),
    codeOf(() => queued.finished()),
    codeOf(() => barrier),
    store.close(),
  ]);
  expect([first, second, third]).toEqual(['MVCC_CLOSED', 'MVCC_CLOSED', 'MVCC_CLOSED']);
  expect(meta(backend, 'finishedCompactRev')).toBeUndefined();
  const again = await restart(opened);
  await again.store.compactionBarrier();
  expect(meta(again.backend, 'finishedCompactRev')).toBe(mark(8));
  expect(await rows(again.backend)).toEqual(['8.0', '9.0']);
});

test('R15, R16: a compaction that nobody waits for fails without a noise', async () => {
  const { store, backend } = await open();
  for (let i = 0; i < 5; i++) await put(store, 'foo', `${i}`);
  backend.batchTx((tx) => {
    tx.deleteBucket(buckets.key);
    tx.createBucket(buckets.key);
    tx.put(buckets.key, new Uint8Array(9), bytes('x'));
  });
  const broken = await store.compact(4);
  await store.compactionBarrier();
  await expect(broken.finished()).rejects.toMatchObject({ code: 'MVCC_CORRUPT' });
  expect(store.firstRev()).toBe(4);
});

test('law 5: every answer at or above the compacted revision stays, while it runs and after', async () => {
  const { store } = await open({ compactionBatchLimit: 3 });
  for (let i = 0; i < 60; i++) {
    if (i % 7 === 3) await remove(store, `k${(i * 3) % 10}`);
    else await put(store, `k${(i * 3) % 10}`, `${i}`);
  }
  const before = new Map<number, readonly string[]>();
  for (let revision = 30; revision <= store.rev(); revision++) before.set(revision, await list(store, revision));
  const compaction = await store.compact(30);
  let done = false;
  const finished = compaction.finished().then(() => {
    done = true;
  });
  for (let round = 0; !done || round < 2; round++) {
    for (const [revision, want] of before) expect(await list(store, revision)).toEqual(want);
    // Small ranges take no turn of the event loop, and the compaction needs some.
    await new Promise(setImmediate);
  }
  await finished;
  expect((await store.range(...ALL, { revision: 30 })).kvs.map(show)).toHaveLength(before.get(30)!.length);
});

test('law 9: chunks of large changes hold fewer of them, still in whole revisions', async () => {
  const { store } = await open();
  const large = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 10; i++) {
    store.write((txn) => {
      txn.put(bytes(`a${i}`), large);
      txn.put(bytes(`b${i}`), large);
    });
  }
  await store.settled();
  const sizes: number[] = [];
  for await (const chunk of store.changes(1, 100)) sizes.push(chunk.length);
  expect(sizes).toEqual([4, 4, 4, 4, 4]);
});

test('changes: whole revisions, in order, and compacted when overtaken', async () => {
  const { store } = await open();
  for (let i = 0; i < 5; i++) {
    store.write((txn) => {
      for (let n = 0; n < 3; n++) txn.put(bytes(`k${n}`), bytes(`${i}`));
    });
  }
  await store.settled();
  const sizes: number[] = [];
  for await (const chunk of store.changes(1, 100, { chunkSize: 4 })) sizes.push(chunk.length);
  expect(sizes).toEqual([6, 6, 3]);
  const reader = store.changes(2, 7, { chunkSize: 1 })[Symbol.asyncIterator]();
  expect((await reader.next()).value).toHaveLength(3);
  await compact(store, 6);
  await expect(reader.next()).rejects.toMatchObject({ code: 'MVCC_COMPACTED', compactRevision: 6 });
  for await (const chunk of store.changes(6, 7)) expect(chunk.map(showChange)).toHaveLength(3);
  expect(await codeOf(() => store.changes(-1, 3))).toBe('RangeError');
  expect(store.backend.openReadTxN).toBe(0);
});

test('R14: a reader of changes that leaves early holds nothing', async () => {
  const { store } = await open({ cacheBytes: 0 });
  for (let i = 0; i < 5; i++) await put(store, 'k', `${i}`);
  for await (const chunk of store.changes(1, 7, { chunkSize: 1 })) {
    expect(store.backend.openReadTxN).toBe(1);
    expect(chunk.map(showChange)).toEqual(['k=0 2/2/1']);
    break;
  }
  expect(store.backend.openReadTxN).toBe(0);
});

test('history of a key: one change a revision, as of the visible one', async () => {
  const { store } = await open();
  await put(store, 'k', '1');
  await remove(store, 'k');
  store.write((txn) => {
    txn.put(bytes('k'), bytes('2'));
    txn.put(bytes('k'), bytes('3'));
  });
  await store.settled();
  store.put(bytes('k'), bytes('4'));
  const shown = (from?: number): readonly string[] => store.history(bytes('k'), { from }).map(showChange);
  expect(shown()).toEqual(['k=1 2/2/1', '-k @3', 'k=3 4/4/2']);
  await store.settled();
  expect(shown(3)).toEqual(['-k @3', 'k=3 4/4/2', 'k=4 4/5/3']);
  const compaction = await store.compact(4);
  expect(shown()).toEqual(['k=3 4/4/2', 'k=4 4/5/3']);
  await compaction.finished();
  expect(shown()).toEqual(['k=3 4/4/2', 'k=4 4/5/3']);
  expect(store.history(bytes('none'))).toEqual([]);
});

test('law 10: the history of a key in parts', async () => {
  const { store } = await open();
  for (let i = 0; i < 10; i++) {
    store.write((txn) => {
      txn.put(bytes('k'), bytes('first'));
      if (i === 5) txn.deleteRange(bytes('k'));
      else txn.put(bytes('k'), bytes(`${i}`));
    });
  }
  await store.settled();
  const whole = store.history(bytes('k')).map(showChange);
  expect(whole).toHaveLength(10);
  for (const limit of [1, 3, 10, 11]) {
    const parts: string[] = [];
    for (let from = 0; ;) {
      const part = store.history(bytes('k'), { from, limit });
      parts.push(...part.map(showChange));
      if (part.length < limit) break;
      from = part.at(-1)!.kv.modRevision + 1;
    }
    expect(parts).toEqual(whole);
  }
  expect(store.history(bytes('k'), { limit: 0 })).toHaveLength(10);
  await store.compact(6);
  expect(store.history(bytes('k'), { limit: 1 }).map(showChange)).toEqual(whole.slice(4, 5));
  expect(await codeOf(() => store.history(bytes('k'), { limit: -1 }))).toBe('RangeError');
});

test('XF1: history below the compacted revision is MVCC_COMPACTED, as a range and changes are', async () => {
  const { store } = await open();
  for (let i = 0; i < 6; i++) await put(store, 'k', `${i}`); // 2 to 7
  await compact(store, 5);
  for (const from of [1, 4]) {
    await expect(codeOf(() => store.history(bytes('k'), { from }))).resolves.toBe('MVCC_COMPACTED');
    await expect(codeOf(() => store.range(bytes('k'), undefined, { revision: from }))).resolves.toBe('MVCC_COMPACTED');
  }
  const revisions = (from?: number): number[] => store.history(bytes('k'), { from }).map(({ kv }) => kv.modRevision);
  expect([revisions(), revisions(0), revisions(5), revisions(6)]).toEqual([
    [5, 6, 7],
    [5, 6, 7],
    [5, 6, 7],
    [6, 7],
  ]);
});
