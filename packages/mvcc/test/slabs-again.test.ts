/** Slabs are written again when nobody can have a view of them: whatever was given out stays as it was. */
import { openBackend, type Backend, type Engine } from '@varve/backend';
import { deferred } from '@varve/backend/conformance';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import type { FinishedTransaction, ObserverFactory } from '../src/observer.ts';
import { openStore } from '../src/open-store.ts';
import { RecordCache } from '../src/record-cache.ts';
import { RecordSlab, type Slab } from '../src/record-slab.ts';
import type { Change, Finished, KeyValue } from '../src/store.ts';
import { TransactionChanges } from '../src/transaction-changes.ts';
import { bytes } from './support.ts';

const VALUE_BYTES = 700;
const SLAB_RECORDS = Math.floor((64 << 10) / 760);

/** Room for some nine slabs of what was written. */
const CACHE_BYTES = 1_200_000;

test('decisions/0051: puts go round in the slabs that the cache lets go of', () => {
  const cache = new RecordCache(CACHE_BYTES);
  const slab = new RecordSlab({ before: 16, after: 0 }, () => cache.takeSpare());
  const seen = new Set<Uint8Array>();
  for (let main = 2; main < 2000; main++) {
    seen.add(put(cache, slab, main).bytes);
    if (main % 20 === 0) cache.peek(main, 0);
  }
  // `peek` gives views, so each slab is lent: none was written again.
  expect(seen.size).toBeGreaterThanOrEqual(Math.floor(1998 / SLAB_RECORDS));
  seen.clear();
  for (let main = 2000; main < 5000; main++) seen.add(put(cache, slab, main).bytes);
  expect(seen.size).toBeLessThanOrEqual(CACHE_BYTES / 2 / (64 << 10) + 3);
  check(cache.peek(4999, 0)!);
});

test.each<readonly [string, (cache: RecordCache, main: number, changed: TransactionChanges) => unknown]>([
  ['get', (cache, main) => cache.get(main, 0)],
  ['peek', (cache, main) => cache.peek(main, 0)],
  ['wholeRecent', (cache, main) => cache.wholeRecent(main)],
  ['eachWholeRecent', (cache, main) => cache.eachWholeRecent(main, main + 1, () => true)],
  ['changes', (_, __, changed) => changed.changes],
  ['keyValue', (_, __, changed) => changed.keyValue(0)],
  ['lend', (_, __, changed) => changed.lend()],
])('decisions/0051: a slab that was lent by %s is not among those', (_, lend) => {
  const cache = new RecordCache(CACHE_BYTES);
  const slab = new RecordSlab({ before: 0, after: 0 });
  const lent = new Set<Uint8Array>();
  let spares = 0;
  for (let main = 2; main < 2400; main++) {
    const changed = new TransactionChanges(main);
    const { bytes: block } = put(cache, slab, main, changed);
    if (main % 200 === 0) {
      lend(cache, main, changed);
      lent.add(block);
    }
    for (let spare = cache.takeSpare(); spare !== undefined; spare = cache.takeSpare()) {
      expect(lent.has(spare.bytes)).toBe(false);
      spares++;
    }
  }
  expect(spares).toBeGreaterThan(5);
});

test.each(
  (['commit', 'interval'] as const).flatMap((durability) =>
    [memoryEngine, (): Engine => deferred(memoryEngine(), 3)].map((make) => [durability, make] as const),
  ),
)('decisions/0051 law 3: what a store of durability %s gave out stays as it was', async (durability, make) => {
  let again = 0;
  const backend = counted(await openBackend(make(), { batchLimit: 100 }), () => again++);
  const told: Change[] = [];
  const store = await openStore(backend, { durability, cacheBytes: CACHE_BYTES, observers: [listener(told)] });
  const given: KeyValue[] = [];
  const finished: Finished<number>[] = [];
  const pins: [pin: ReturnType<Backend['concurrentReadTx']>, upTo: number][] = [];
  for (let round = 0; round < 5000; round++) {
    const next = store.finishedRev() + 1;
    if (round % 401 === 0) {
      expect(() =>
        store.write((txn) => {
          txn.put(keyOf(next), valueOf(next));
          given.push(txn.get(keyOf(next))!);
          throw new Error('own');
        }),
      ).toThrow('own');
      given.pop(); // its revision is another's
    }
    if (round % 997 === 0) finished.push(store.write((txn) => txn.put(keyOf(next), valueOf(next))));
    else store.put(keyOf(next), valueOf(next));
    if (round % 509 === 0) {
      const got = store.get(keyOf(next));
      if (got !== undefined) given.push(got);
    }
    if (round % 1511 === 0) pins.push([backend.concurrentReadTx(), next]);
    if (round % 1733 === 0)
      for await (const some of store.changes(Math.max(1, next - 50), next)) given.push(...some.map(({ kv }) => kv));
    if (!backend.admitting) await backend.admit();
  }
  await store.commit();
  expect(again).toBeGreaterThan(4);
  expect(finished.map(({ changes }) => changes[0]!.kv.modRevision)).toEqual(finished.map(({ value }) => value));
  given.push(...finished.map(({ changes }) => changes[0]!.kv), ...told.map(({ kv }) => kv));
  expect(told.length).toBeGreaterThan(10);
  for (const kv of given) check(kv);
  for (const [pin, upTo] of pins) {
    let rowN = 0;
    for await (const chunk of pin.scan({ id: 1, name: 'key', appendOnly: true })) rowN += chunk.length;
    expect(rowN).toBe(upTo - 1);
    pin[Symbol.dispose]();
  }
  for (let main = 2; main <= store.rev(); main += 97) check(store.get(keyOf(main), { revision: main })!);
  await store.close();
  await backend.close();
});

function put(cache: RecordCache, slab: RecordSlab, main: number, changed = new TransactionChanges(main)): Slab {
  slab.put(main, 0, keyOf(main), valueOf(main), main, 1, 0n);
  changed.add(slab.slab, slab.start, slab.end, false);
  cache.addWritten(changed);
  return slab.slab;
}

function keyOf(main: number): Uint8Array {
  return bytes(`k${main % 50}`);
}

function valueOf(main: number): Uint8Array {
  return new Uint8Array(VALUE_BYTES).fill(main % 251);
}

function check({ key, value, modRevision }: KeyValue): void {
  // Looking at seven hundred bytes one by one takes longer than all the rest.
  expect([Buffer.compare(key, keyOf(modRevision)), Buffer.compare(value, valueOf(modRevision))]).toEqual([0, 0]);
}

/** Keeps what finished until it is visible, and looks at some of it then. */
function listener(told: Change[]): ObserverFactory {
  let waiting: FinishedTransaction[] = [];
  return () => ({
    finished: (transaction) => void waiting.push(transaction),
    visible: (revision) => {
      for (const transaction of waiting) {
        if (transaction.revision <= revision && transaction.revision % 307 === 0) told.push(...transaction.changes);
      }
      waiting = waiting.filter((transaction) => transaction.revision > revision);
    },
  });
}

/** @param freed is told of each slab that may be written again */
function counted(backend: Backend, freed: () => void): Backend {
  return new Proxy(backend, {
    get(target, member) {
      const found: unknown = Reflect.get(target, member, target);
      if (member === 'holds') {
        return (block: Uint8Array) => {
          const isHeld = target.holds(block);
          if (!isHeld) freed();
          return isHeld;
        };
      }
      return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
    },
  });
}
