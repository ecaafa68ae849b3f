/** A sparse store: a part of another one's history, under that one's revisions. RO3, SCN3, FIL1 to FIL3. */
import { openBackend, type Backend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { hostWorld } from '@varve/base/host';
import { expect, onTestFinished, test } from 'vitest';
import { emptyBackend, fillState } from '../src/fill-state.ts';
import { openStore } from '../src/open-store.ts';
import type { KeyValue, Store, StoreOptions } from '../src/store.ts';
import { ALL, bytes, Medium, text } from './support.ts';

const row = { bucket: { id: 0, name: 'note', appendOnly: false }, key: bytes('n'), value: bytes('whole') };

async function backendOn(medium: Medium): Promise<Backend> {
  const backend = await openBackend(medium.attach());
  onTestFinished(() => backend.close());
  return backend;
}

async function opened(backend: Backend, options: StoreOptions = { sparse: true }): Promise<Store> {
  const store = await openStore(backend, options);
  onTestFinished(() => store.close());
  return store;
}

async function shown(store: Store, revision = 0): Promise<string[]> {
  const { kvs } = await store.range(...ALL, { revision });
  return kvs.map((kv) => `${text(kv.key)}=${text(kv.value)} v${kv.version} c${kv.createRevision} m${kv.modRevision}`);
}

async function told(store: Store, from: number): Promise<string[]> {
  const all: string[] = [];
  for await (const chunk of store.changes(from, store.rev() + 1, { chunkSize: 2 })) {
    for (const { type, kv } of chunk) all.push(`${kv.modRevision} ${type} ${text(kv.key)}`);
  }
  return all;
}

const record = (key: string, version: number, createRevision: number, modRevision: number): KeyValue => ({
  ...{ key: bytes(key), value: bytes(`of ${key}`), version, createRevision, modRevision, lease: 0n },
});

test('SCN3, RO3: sections have the revisions they are given, reads and changes do not mind what is missing, nor does an opening', async () => {
  const medium = new Medium(memoryEngine());
  const first = await openStore(await backendOn(medium), { sparse: true });
  first.writeAt(5, (txn) => txn.put(bytes('a'), bytes('1')));
  first.writeAt(9, (txn) => {
    txn.put(bytes('a'), bytes('2'));
    txn.put(bytes('b'), bytes('1'));
  });
  first.advance(12);
  first.writeAt(20, (txn) => txn.deleteRange(bytes('a')));
  await first.settled();
  await first.close();
  const store = await opened(await backendOn(medium));
  expect(store.rev()).toBe(20);
  store.advance(30);
  await store.settled();
  expect([store.rev(), store.finishedRev()]).toEqual([30, 30]);
  expect(await shown(store)).toEqual(['b=1 v1 c9 m9']);
  for (const revision of [9, 10, 12, 19])
    expect(await shown(store, revision)).toEqual(['a=2 v2 c5 m9', 'b=1 v1 c9 m9']);
  expect(await shown(store, 5)).toEqual(['a=1 v1 c5 m5']);
  expect(await told(store, 1)).toEqual(['5 put a', '9 put a', '9 put b', '20 delete a']);
  expect(await told(store, 10)).toEqual(['20 delete a']);
  expect(await told(store, 21)).toEqual([]);
});

test('SCN3: a section that throws, or changes nothing, leaves no record; revisions only go up, and only in a sparse store', async () => {
  const store = await opened(await backendOn(new Medium(memoryEngine())));
  const failed = new Error('no');
  expect(() =>
    store.writeAt(7, (txn) => {
      txn.put(bytes('a'), bytes('1'));
      throw failed;
    }),
  ).toThrow(failed);
  expect([store.finishedRev(), await shown(store)]).toEqual([1, []]);
  store.writeAt(7, () => undefined);
  await store.settled();
  expect([store.rev(), await told(store, 1)]).toEqual([7, []]);
  for (const revision of [7, 3, 7.5]) {
    expect(() => store.writeAt(revision, () => undefined)).toThrow(RangeError);
    expect(() => store.advance(revision)).toThrow(RangeError);
  }
  expect(() => store.writeAt(8, () => store.advance(9))).toThrow();
  const dense = await opened(await backendOn(new Medium(memoryEngine())), {});
  expect(() => dense.writeAt(2, () => undefined)).toThrow(TypeError);
  expect(() => dense.advance(2)).toThrow(TypeError);
});

test('RO3: what is sparse is damaged for a store that is not', async () => {
  const medium = new Medium(memoryEngine());
  const store = await openStore(await backendOn(medium), { sparse: true });
  store.writeAt(2, (txn) => txn.put(bytes('a'), bytes('1')));
  store.writeAt(5, (txn) => txn.put(bytes('a'), bytes('2')));
  await store.settled();
  await store.close();
  await expect(openStore(await backendOn(medium))).rejects.toMatchObject({ code: 'MVCC_CORRUPT' });
});

test('FIL2: a state that is filled in reads as the store it was taken from, and goes on with its versions', async () => {
  const backend = await backendOn(new Medium(memoryEngine()));
  const records = [record('b', 3, 2, 6), record('a', 1, 8, 8), record('c', 2, 5, 8)];
  await fillState(backend, { revision: 10, records, row }, hostWorld.clock);
  const store = await opened(backend);
  expect([store.rev(), store.firstRev()]).toEqual([10, 10]);
  expect(await shown(store)).toEqual(['a=of a v1 c8 m8', 'b=of b v3 c2 m6', 'c=of c v2 c5 m8']);
  await expect(shown(store, 9)).rejects.toMatchObject({ code: 'MVCC_COMPACTED' });
  store.writeAt(11, (txn) => txn.put(bytes('b'), bytes('x')));
  await store.settled();
  expect((await shown(store))[1]).toBe('b=x v4 c2 m11');
  expect(text(backend.readTx((tx) => tx.get(row.bucket, row.key))!)).toBe('whole');
});

test('FIL3: deletions that are named are told to whoever goes on from that revision', async () => {
  const backend = await backendOn(new Medium(memoryEngine()));
  await fillState(
    backend,
    { revision: 8, records: [record('a', 1, 8, 8)], gone: [bytes('z'), bytes('b')], row },
    hostWorld.clock,
  );
  const store = await opened(backend);
  expect(await told(store, 8)).toEqual(['8 put a', '8 delete z', '8 delete b']);
  store.writeAt(9, (txn) => txn.put(bytes('z'), bytes('again')));
  await store.settled();
  expect((await shown(store))[1]).toBe('z=again v1 c9 m9');
});

test('FIL1: what was there is taken out, and of revision 1 nothing is compacted', async () => {
  const backend = await backendOn(new Medium(memoryEngine()));
  const before = await openStore(backend);
  for (let i = 0; i < 5; i++) before.put(bytes('a'), bytes(`${i}`));
  await before.close();
  await emptyBackend(backend);
  expect(backend.buckets()).toEqual([]);
  await fillState(backend, { revision: 1, records: [], row }, hostWorld.clock);
  const store = await opened(backend);
  expect([store.rev(), store.firstRev(), await shown(store)]).toEqual([1, 0, []]);
  store.writeAt(2, (txn) => txn.put(bytes('a'), bytes('new')));
  await store.settled();
  expect(await shown(store)).toEqual(['a=new v1 c2 m2']);
});
