import { channel } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { bytes, compact, open, put, remove } from './support.ts';

test('M95: what a transaction counts', async () => {
  const { store } = await open();
  await put(store, 'key', 'value');
  expect(store.metrics).toMatchObject({ txn_total: 0, put_total: 1, range_total: 0, total_put_size_in_bytes: 8 });
  store.write((txn) => {
    txn.put(bytes('a'), bytes('1'));
    txn.put(bytes('b'), bytes('22'));
    txn.range(bytes(''), bytes(''));
  });
  await store.settled();
  expect(store.metrics).toMatchObject({ txn_total: 1, put_total: 3, range_total: 1, total_put_size_in_bytes: 13 });
  await remove(store, 'none');
  expect(store.metrics).toMatchObject({ txn_total: 1, delete_total: 1 });
});

test('the gauges of a store', async () => {
  const { store } = await open();
  await put(store, 'a', '1');
  await put(store, 'a', '2');
  await put(store, 'b', '1');
  await remove(store, 'b');
  await compact(store, 3);
  await store.hashByRev(0);
  await store.hash();
  expect(store.metrics).toMatchObject({
    keys_total: 1,
    current_revision: 5,
    compact_revision: 3,
    db_compaction_keys_total: 1,
    db_compaction_pause_duration_milliseconds_count: 1,
    db_compaction_total_duration_milliseconds_count: 1,
    index_compaction_pause_duration_milliseconds_count: 1,
    hash_duration_seconds_count: 1,
    hash_rev_duration_seconds_count: 1,
    db_open_read_transactions: 0,
  });
  expect(store.metrics['db_compaction_last']).toBeGreaterThan(1.6e9);
  expect(store.metrics['record_cache_bytes']).toBeGreaterThan(0);
});

test('R15, law 10: slow sections and long work are told to whoever listens', async () => {
  const heard: string[] = [];
  const slow = channel('varve.mvcc.slow-section');
  const onSlow = (message: unknown): void => {
    heard.push(`slow ${JSON.stringify(Object.keys(message as object))}`);
  };
  slow.subscribe(onSlow);
  const compaction = channel('tracing:varve.mvcc.compaction:start');
  const onCompaction = (message: unknown): void => {
    heard.push(`compaction ${(message as { readonly revision: number }).revision}`);
  };
  compaction.subscribe(onCompaction);
  try {
    const { store } = await open();
    await put(store, 'a', '1');
    store.write((txn) => {
      const until = performance.now() + 6;
      while (performance.now() < until) txn.get(bytes('a'));
    });
    await compact(store, 2);
  } finally {
    slow.unsubscribe(onSlow);
    compaction.unsubscribe(onCompaction);
  }
  expect(heard).toEqual(['slow ["milliseconds","changes","revision"]', 'compaction 2']);
});
