import { buckets } from '@varve/backend';
import { expect, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import type { ReadTxn, Store } from '../src/store.ts';
import { ALL, bytes, codeOf, list, open, put, remove, rows, show, showChange, text } from './support.ts';

/** Fixture S of the spec: foo, foo1 and foo2 at revisions 2, 3 and 4, with leases. */
async function fixtureS(): Promise<Store> {
  const { store } = await open();
  await put(store, 'foo', 'bar', 1n);
  await put(store, 'foo1', 'bar1', 2n);
  await put(store, 'foo2', 'bar2', 3n);
  return store;
}

test('M29: a new store', async () => {
  const { store } = await open();
  expect([store.rev(), store.finishedRev(), store.firstRev()]).toEqual([1, 1, 0]);
  expect(await store.range(...ALL)).toEqual({ kvs: [], count: 0, revision: 1 });
  expect(await codeOf(() => store.compact(2))).toBe('MVCC_FUTURE_REVISION');
});

test('M30: each put makes a revision', async () => {
  const { store } = await open();
  for (const want of [2, 3, 4]) {
    expect(await put(store, 'foo', 'bar')).toBe(want);
    expect(store.rev()).toBe(want);
  }
});

test('M31: create, mod and version of the table in 8.2', async () => {
  const { store } = await open();
  const foo = (): string | undefined => {
    const kv = store.get(bytes('foo'));
    return kv && show(kv);
  };
  await put(store, 'foo', 'bar');
  expect(foo()).toBe('foo=bar 2/2/1');
  await put(store, 'foo', 'baz');
  expect(foo()).toBe('foo=baz 2/3/2');
  await remove(store, 'foo');
  expect(foo()).toBeUndefined();
  await put(store, 'foo', 'qux');
  expect(foo()).toBe('foo=qux 5/5/1');
});

test('M32: three changes of one transaction', async () => {
  const { store, backend } = await open();
  const { revision } = store.write((txn) => {
    txn.put(bytes('a'), bytes('1'));
    txn.put(bytes('b'), bytes('2'));
    txn.deleteRange(bytes('a'));
  });
  await store.settled();
  expect([revision, store.rev()]).toEqual([2, 2]);
  expect(await rows(backend)).toEqual(['2.0', '2.1', '2.2t']);
  expect(await list(store)).toEqual(['b=2']);
});

test('M33: what changes nothing makes no revision', async () => {
  const { store } = await open();
  const { value, revision, changes } = store.write(() => 'x');
  expect([value, revision, changes]).toEqual(['x', 1, []]);
  expect(store.deleteRange(bytes('foo'))).toEqual({ deleted: 0, revision: 1 });
  expect(store.write((txn) => txn.range(...ALL)).value).toEqual({ kvs: [], count: 0, revision: 1 });
  await store.settled();
  expect([store.rev(), store.finishedRev()]).toEqual([1, 1]);
});

test.each([
  ['foo', undefined, 1, 5],
  ['foo', 'foo1', 1, 5],
  ['foo', 'foo2', 2, 5],
  ['foo', 'foo3', 3, 5],
  ['foo3', 'foo8', 0, 4],
  ['foo3', undefined, 0, 4],
  ['foo1', '', 2, 5],
  ['foo2', 'foo1', 0, 4],
])('M34: delete %s to %s on fixture S', async (key, end, deleted, revision) => {
  const store = await fixtureS();
  expect(await remove(store, key, end)).toEqual({ deleted, revision });
  expect(store.rev()).toBe(revision);
});

test('M34: a deletion writes its tombstones in order of keys', async () => {
  const { store, backend } = await open();
  for (const key of ['foo', 'foo1', 'foo2']) await put(store, key, 'x');
  const { changes } = store.write((txn) => txn.deleteRange(bytes('foo'), bytes('foo3')));
  expect(changes.map(showChange)).toEqual(['-foo @5', '-foo1 @5', '-foo2 @5']);
  await store.settled();
  expect((await rows(backend, true)).slice(3)).toEqual(['5.0t 0a03666f6f', '5.1t 0a04666f6f31', '5.2t 0a04666f6f32']);
});

test('M35: deleting what is deleted', async () => {
  const { store } = await open();
  await put(store, 'foo', 'bar');
  await remove(store, 'foo');
  for (let i = 0; i < 10; i++) expect(store.deleteRange(bytes('foo'))).toEqual({ deleted: 0, revision: 3 });
});

test('M36: a put, then a deletion over it', async () => {
  const store = await fixtureS();
  const { value, changes } = store.write((txn) => {
    txn.put(bytes('foo9'), bytes('x'));
    return txn.deleteRange(bytes('foo'), bytes('fop'));
  });
  await store.settled();
  expect(value).toEqual({ deleted: 4, revision: 5 });
  expect(changes.map(showChange)).toEqual(['foo9=x 5/5/1', '-foo @5', '-foo1 @5', '-foo2 @5', '-foo9 @5']);
  expect(await list(store, 5)).toEqual([]);
  expect(await list(store, 4)).toHaveLength(3);
});

test('M37: a deletion of nothing after a change', async () => {
  const store = await fixtureS();
  const { value } = store.write((txn) => {
    txn.put(bytes('x'), bytes('y'));
    return txn.deleteRange(bytes('missing'));
  });
  expect(value).toEqual({ deleted: 0, revision: 5 });
});

test('M38: what a write transaction sees', async () => {
  const store = await fixtureS();
  store.write((txn) => {
    const get = (revision: number): string => {
      try {
        const kv = txn.get(bytes('foo'), { revision });
        const { kvs, revision: current } = txn.range(bytes('foo'), undefined, { revision });
        expect(kvs).toEqual(kv === undefined ? [] : [kv]);
        return `${kv === undefined ? 'none' : show(kv)} at ${current}`;
      } catch (error) {
        return String((error as { readonly code?: string }).code);
      }
    };
    expect(get(5)).toBe('MVCC_FUTURE_REVISION');
    expect(txn.put(bytes('foo'), bytes('new'))).toBe(5);
    expect(get(0)).toBe('foo=new 2/5/2 at 5');
    expect(get(5)).toBe('foo=new 2/5/2 at 5');
    expect(get(4)).toBe('foo=bar 2/2/1 ~1 at 5');
    expect(get(6)).toBe('MVCC_FUTURE_REVISION');
    expect(txn.rev()).toBe(4);
  });
});

test('M39: put, read, delete, read in one transaction, ten times', async () => {
  const { store } = await open();
  for (let i = 0; i < 10; i++) {
    store.write((txn) => {
      const revision = txn.put(bytes('foo'), bytes('bar'));
      expect(revision).toBe(i + 2);
      const first = txn.range(bytes('foo'), undefined, { revision });
      expect(first.kvs.map(show)).toEqual([`foo=bar ${i + 2}/${i + 2}/1`]);
      expect(txn.deleteRange(bytes('foo'))).toEqual({ deleted: 1, revision: i + 2 });
      expect(txn.range(bytes('foo'), undefined, { revision })).toEqual({ kvs: [], count: 0, revision: i + 2 });
    });
  }
  await store.settled();
  expect(store.rev()).toBe(11);
});

test('M40: the changes of a transaction, in order', async () => {
  const { store } = await open();
  await put(store, 'b', '0');
  const { changes, value } = store.write((txn) => {
    txn.put(bytes('a'), bytes('1'), 7n);
    txn.deleteRange(bytes('b'));
    return txn.changes();
  });
  expect(changes).toEqual([
    {
      type: 'put',
      kv: { key: bytes('a'), value: bytes('1'), createRevision: 3, modRevision: 3, version: 1, lease: 7n },
    },
    {
      type: 'delete',
      kv: { key: bytes('b'), value: bytes(''), createRevision: 0, modRevision: 3, version: 0, lease: 0n },
    },
  ]);
  expect(value).toEqual(changes);
});

test('M41: readers see none or all of a transaction, and its revision with it', async () => {
  const { store } = await open();
  store.write((txn) => {
    for (let i = 0; i < 10; i++) txn.put(bytes(`k${i}`), bytes('v'));
    expect([store.rev(), store.get(bytes('k0'))]).toEqual([1, undefined]);
  });
  const seen = new Set<string>();
  const poll = async (): Promise<void> => {
    const { count, revision } = await store.range(...ALL);
    seen.add(`${count} at ${revision}`);
  };
  const settled = store.settled();
  for (let i = 0; i < 20; i++) await poll();
  await settled;
  await poll();
  expect([...seen]).toEqual(['0 at 1', '10 at 2']);
});

test('M42: a section inside a section is refused, and neither has happened', async () => {
  const { store } = await open();
  const nested = (): unknown =>
    store.write((txn) => {
      txn.put(bytes('a'), bytes('1'));
      return store.put(bytes('b'), bytes('2'));
    });
  expect(await codeOf(nested)).toBe('BACKEND_NESTED');
  expect([store.finishedRev(), await list(store)]).toEqual([1, []]);
  expect(await put(store, 'c', '3')).toBe(2);
});

test('M43: a read transaction keeps its revision', async () => {
  const { store } = await open();
  await put(store, 'foo', 'bar');
  using first = store.read();
  await put(store, 'foo', 'newBar');
  using second = store.read();
  const foo = (txn: ReadTxn): string => show(txn.get(bytes('foo'))!);
  expect(foo(second)).toBe('foo=newBar 2/3/2');
  expect(foo(first)).toBe('foo=bar 2/2/1');
  expect((await first.range(...ALL)).revision).toBe(2);
  expect(await codeOf(() => first.get(bytes('foo'), { revision: 3 }))).toBe('MVCC_FUTURE_REVISION');
});

test('M44: a hundred writers and a hundred readers', async () => {
  const { store } = await open();
  const committed = new Map<number, readonly string[]>([[1, []]]);
  const state = new Map<string, string>();
  const writer = async (n: number): Promise<void> => {
    for (let i = 0; i < n % 4; i++) await Promise.resolve();
    const { revision } = store.write((txn) => {
      for (let i = 0; i <= n % 10; i++) {
        txn.put(bytes(`k${(n * 7 + i) % 30}`), bytes(`${n}.${i}`));
        state.set(`k${(n * 7 + i) % 30}`, `${n}.${i}`);
      }
    });
    committed.set(
      revision,
      [...state].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`),
    );
    await store.settled();
  };
  const reader = async (n: number): Promise<void> => {
    for (let i = 0; i < n % 50; i++) await Promise.resolve();
    using txn = store.read();
    const { kvs, revision } = await txn.range(...ALL);
    expect(kvs.map((kv) => `${text(kv.key)}=${text(kv.value)}`)).toEqual(committed.get(revision));
  };
  const work: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) work.push(writer(i), reader(i));
  await Promise.all(work);
  expect(store.rev()).toBe(101);
});

test('M98: the store permits several changes of one key; that a transaction has only one is checked in kv', async () => {
  const { store, backend } = await open();
  const { changes } = store.write((txn) => {
    txn.put(bytes('a'), bytes('1'));
    txn.put(bytes('a'), bytes('2'));
    txn.deleteRange(bytes('a'), bytes(''));
    txn.put(bytes('a'), bytes('3'));
  });
  await store.settled();
  expect(changes.map(showChange)).toEqual(['a=1 2/2/1', 'a=2 2/2/2', '-a @2', 'a=3 2/2/1']);
  expect(await rows(backend)).toEqual(['2.0', '2.1', '2.2t', '2.3']);
  expect(store.history(bytes('a')).map(showChange)).toEqual(['a=3 2/2/1']);
});

test('R3: wrong arguments are refused before anything changes', async () => {
  const { store } = await open();
  const key = bytes('a');
  const notBytes = 'a' as unknown as Uint8Array;
  expect(await codeOf(() => store.put(bytes(''), key))).toBe('RangeError');
  expect(await codeOf(() => store.put(notBytes, key))).toBe('TypeError');
  expect(await codeOf(() => store.put(key, notBytes))).toBe('TypeError');
  expect(await codeOf(() => store.put(key, key, 1 as unknown as bigint))).toBe('TypeError');
  expect(await codeOf(() => store.put(key, key, 2n ** 63n))).toBe('RangeError');
  expect(await codeOf(() => store.get(notBytes))).toBe('TypeError');
  expect(await codeOf(() => store.range(key, notBytes))).toBe('TypeError');
  expect(await codeOf(() => store.range(key, key, { limit: 1.5 }))).toBe('RangeError');
  expect(await codeOf(() => store.deleteRange(key, notBytes))).toBe('TypeError');
  expect(() => store.write('put' as unknown as () => void)).toThrow(new TypeError('body must be a function'));
  for (const revision of [Number.NaN, 1.5]) {
    expect(await codeOf(() => store.get(key, { revision }))).toBe('RangeError');
    expect(await codeOf(() => store.read({ revision }))).toBe('RangeError');
  }
  expect(await codeOf(() => store.get(key, { revision: 2 ** 53 }))).toBe('MVCC_FUTURE_REVISION');
  for (const revision of [0, -1, 1.5, Number.NaN]) {
    expect(await codeOf(() => store.compact(revision))).toBe('RangeError');
  }
  expect(store.finishedRev()).toBe(1);
});

test('R3: null for options is a TypeError that names them', async () => {
  const { store, backend } = await open();
  const key = bytes('a');
  const none = null as unknown as object;
  const calls: readonly (() => unknown)[] = [
    () => openStore(backend, none),
    () => store.range(key, undefined, none),
    () => store.history(key, none),
    () => store.changes(1, 2, none),
    () => store.hashByRev(0, none),
    () => store.snapshot(none),
    () => store.read().range(key, undefined, none),
    () => store.write((txn) => txn.range(key, undefined, none)),
  ];
  for (const call of calls) {
    await expect(async () => call(), String(call)).rejects.toThrow(new TypeError('options must be an object'));
  }
});

test('R4: keys and values of every size come back as they were', async () => {
  const { store } = await open({ cacheBytes: 0 });
  for (const size of [0, 1, 16_000, 70_000, 1_500_000]) {
    const key = new Uint8Array(Math.max(1, Math.min(size, 1_000_000))).fill(size % 251);
    const value = new Uint8Array(size).map((_, i) => i % 255);
    store.put(key, value);
    await store.settled();
    const kv = store.get(key)!;
    expect(Buffer.compare(kv.key, key)).toBe(0);
    expect(Buffer.compare(kv.value, value)).toBe(0);
  }
});

test('R7: the store keeps its own bytes', async () => {
  const { store } = await open();
  const key = bytes('key');
  const value = bytes('value');
  const { changes } = store.write((txn) => txn.put(key, value));
  key.fill(0);
  value.fill(0);
  await store.settled();
  expect(showChange(changes[0]!)).toBe('key=value 2/2/1');
  expect(await list(store)).toEqual(['key=value']);
});

test('R10: everything after close is refused', async () => {
  const { store } = await open();
  await put(store, 'a', '1');
  const txn = store.read();
  await store.close();
  await store.close();
  const key = bytes('a');
  const calls: readonly (() => unknown)[] = [
    () => store.get(key),
    () => store.range(key, undefined),
    () => store.history(key),
    () => store.changes(1, 2),
    () => store.read(),
    () => store.write(() => 0),
    () => store.put(key, key),
    () => store.deleteRange(key),
    () => store.commit(),
    () => store.admit(),
    () => store.compact(2),
    () => store.compactionBarrier(),
    () => store.hash(),
    () => store.hashByRev(0),
    () => store.snapshot(),
    () => store.defrag(),
    () => txn.get(key),
    () => txn.range(key, undefined),
  ];
  for (const call of calls) expect(await codeOf(call)).toBe('MVCC_CLOSED');
  expect(await codeOf(() => store.settled())).toBe('ok');
});

test('R17: after the last revision writes are refused and reads go on', async () => {
  const { store, backend, medium } = await open();
  await put(store, 'a', '1');
  await store.close();
  const { revisionBytes } = await import('../src/revision-bytes.ts');
  backend.batchTx((tx) => {
    tx.put(buckets.meta, bytes('scheduledCompactRev'), revisionBytes(2 ** 53 - 2, 0));
  });
  await backend.close();
  const { reopen } = await import('./support.ts');
  const last = await reopen(medium);
  await last.store.compactionBarrier();
  expect(last.store.rev()).toBe(2 ** 53 - 2);
  expect(await put(last.store, 'b', '2')).toBe(2 ** 53 - 1);
  expect(await codeOf(() => last.store.put(bytes('c'), bytes('3')))).toBe('MVCC_EXHAUSTED');
  expect(await list(last.store)).toEqual(['a=1', 'b=2']);
});

test('R19: names of the prototype are ordinary keys', async () => {
  const { store } = await open();
  for (const key of ['__proto__', 'constructor']) await put(store, key, key);
  expect(await list(store)).toEqual(['__proto__=__proto__', 'constructor=constructor']);
});
