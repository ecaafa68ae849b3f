import { buckets } from '@varve/backend';
import { expect, test } from 'vitest';
import type { WriteTxn } from '../src/store.ts';
import { bytes, codeOf, list, open, put, restart, rows, showChange } from './support.ts';

test('M80, D3, law 3, R1: a body that throws leaves no trace', async () => {
  const opened = await open();
  const { store, backend } = opened;
  await put(store, 'b', '1');
  await put(store, 'c', '1');
  const failure = new Error('mine');
  const metrics = store.metrics;
  const failing = (): unknown =>
    store.write((txn) => {
      txn.put(bytes('a'), bytes('2'), 1n);
      txn.put(bytes('c'), bytes('2'));
      txn.put(bytes('c'), bytes('3'));
      txn.deleteRange(bytes('b'));
      txn.put(bytes('b'), bytes('4'));
      txn.rows.createBucket(buckets.lease);
      txn.rows.put(buckets.lease, bytes('lease'), bytes('row'));
      txn.setAppliedIndex(7n, 1n);
      throw failure;
    });
  expect(failing).toThrow(failure);
  expect([store.finishedRev(), store.rev(), store.appliedIndex().index]).toEqual([3, 3, 0n]);
  expect(store.metrics).toEqual(metrics);
  expect(await list(store)).toEqual(['b=1', 'c=1']);
  expect(store.history(bytes('b')).map(showChange)).toEqual(['b=1 2/2/1']);
  expect(backend.readTx((tx) => tx.get(buckets.lease, bytes('lease')))).toBeUndefined();
  expect(await rows(backend)).toEqual(['2.0', '3.0']);
  expect(await put(store, 'b', '5')).toBe(4);
  const again = await restart(opened);
  expect([again.store.rev(), await list(again.store)]).toEqual([4, ['b=5', 'c=1']]);
  expect(again.store.get(bytes('b'))).toMatchObject({ createRevision: 2, version: 2 });
  expect(again.store.appliedIndex().index).toBe(0n);
});

test('M80: an argument that is refused in the middle undoes the whole', async () => {
  const { store } = await open();
  const body = (txn: WriteTxn): number => {
    txn.put(bytes('a'), bytes('1'));
    return txn.put(bytes(''), bytes('1'));
  };
  expect(await codeOf(() => store.write(body))).toBe('RangeError');
  const caught = store.write((txn) => {
    try {
      body(txn);
    } catch {
      // The transaction goes on with what was accepted.
    }
  });
  expect(caught.changes.map(showChange)).toEqual(['a=1 2/2/1']);
});

test('R2: a body that returns a promise is refused, whatever it does later', async () => {
  const { store } = await open();
  const body = async (txn: WriteTxn): Promise<void> => {
    txn.put(bytes('a'), bytes('1'));
    await Promise.resolve();
    txn.put(bytes('b'), bytes('2'));
  };
  expect(await codeOf(() => store.write(body))).toBe('TypeError');
  await new Promise(setImmediate);
  expect([store.finishedRev(), await list(store)]).toEqual([1, []]);
});

test('a transaction is dead when its section has ended', async () => {
  const { store } = await open();
  const { value: txn } = store.write((txn) => txn);
  const { rows } = txn;
  const key = bytes('k');
  for (const call of [
    () => txn.get(key),
    () => txn.range(key, undefined),
    () => txn.put(key, key),
    () => txn.deleteRange(key),
    () => txn.setAppliedIndex(1n, 1n),
    () => rows.get(buckets.lease, key),
    () => rows.put(buckets.lease, key, key),
    () => rows.delete(buckets.lease, key),
    () => rows.createBucket(buckets.lease),
  ]) {
    expect(await codeOf(call)).toBe('MVCC_CLOSED');
  }
});

test('rows: other buckets in the same commit; those of the store are refused', async () => {
  const opened = await open();
  const key = bytes('id');
  const { value, revision } = opened.store.write(({ rows }) => {
    rows.createBucket(buckets.lease);
    rows.put(buckets.lease, key, bytes('1'));
    rows.put(buckets.lease, bytes('other'), bytes('2'));
    rows.delete(buckets.lease, bytes('other'));
    return rows.get(buckets.lease, key);
  });
  expect([Buffer.from(value!).toString(), revision]).toEqual(['1', 1]);
  // No revision, and yet something to settle.
  await opened.store.settled();
  opened.medium.crash();
  const { reopen } = await import('./support.ts');
  const { backend, store } = await reopen(opened.medium);
  expect(Buffer.from(backend.readTx((tx) => tx.get(buckets.lease, key))!).toString()).toBe('1');
  for (const bucket of [buckets.key, buckets.meta]) {
    expect(await codeOf(() => store.write(({ rows }) => rows.put(bucket, key, key)))).toBe('TypeError');
  }
});
