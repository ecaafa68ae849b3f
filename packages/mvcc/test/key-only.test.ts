/**
 * What the index alone can tell of a key: the same numbers as its record has, at every revision, and no record is read for it.
 */
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import type { KeyValue, Store } from '../src/store.ts';
import { bytes } from './support.ts';

const KEY_ONLY = { keyOnly: true } as const;

/** A store that nothing can be read of, apart from what lies in memory. */
async function unreadable(): Promise<Store> {
  const inner = memoryEngine();
  const backend = await openBackend({
    get: (bucket, key) => {
      if (bucket.name === 'key') throw new Error('a record was read');
      return inner.get(bucket, key);
    },
    scan: (bucket, options) => inner.scan(bucket, options),
    buckets: () => inner.buckets(),
    pin: () => inner.pin(),
    commit: (changes) => inner.commit(changes),
    compact: () => inner.compact(),
    close: () => inner.close(),
    size: 0,
    sizeInUse: 0,
  });
  return openStore(backend, { cacheBytes: 0 });
}

function numbersOf(kv: KeyValue | undefined): KeyValue | undefined {
  return kv && { ...kv, value: new Uint8Array(0), lease: 0n };
}

test('law 2: keyOnly tells of a key what its record tells, at every revision and inside of sections', async () => {
  const change = fc.record({ key: fc.integer({ min: 0, max: 4 }), isDeletion: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 20 }), async (txns) => {
      const backend = await openBackend(memoryEngine());
      await using store = await openStore(backend);
      const names = ['a', 'b', 'c', 'd', 'e'].map(bytes);
      for (const changes of txns) {
        store.write((txn) => {
          for (const { key, isDeletion } of changes) {
            const name = names[key]!;
            expect(txn.get(name, KEY_ONLY)).toEqual(numbersOf(txn.get(name)));
            if (isDeletion) txn.deleteRange(name);
            else txn.put(name, bytes('value'), 7n);
            for (const one of names) expect(txn.get(one, KEY_ONLY)).toEqual(numbersOf(txn.get(one)));
          }
        });
      }
      await store.settled();
      for (let revision = 1; revision <= store.rev(); revision++) {
        const txn = store.read({ revision });
        for (const name of names) {
          const wanted = numbersOf(store.get(name, { revision }));
          expect(store.get(name, { revision, keyOnly: true })).toEqual(wanted);
          expect(txn.get(name, KEY_ONLY)).toEqual(wanted);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('S88 a comparison by keyOnly and the put behind it read no record', async () => {
  await using store = await unreadable();
  store.put(bytes('k'), bytes('v'));
  await store.settled();
  expect(() => store.get(bytes('k'))).toThrow('a record was read');
  expect(store.get(bytes('k'), KEY_ONLY)).toMatchObject({ modRevision: 2, version: 1 });
  store.write((txn) => {
    if (txn.get(bytes('k'), KEY_ONLY)?.modRevision === 2) txn.put(bytes('k'), bytes('w'));
  });
  await store.settled();
  expect(store.get(bytes('k'), KEY_ONLY)).toMatchObject({ createRevision: 2, modRevision: 3, version: 2 });
});

test('a section that compared and threw leaves nothing, and the next one finds the key as it was (law 3)', async () => {
  const backend = await openBackend(memoryEngine());
  await using store = await openStore(backend);
  store.put(bytes('k'), bytes('v'));
  const fails = (): unknown =>
    store.write((txn) => {
      expect(txn.get(bytes('new'), KEY_ONLY)).toBeUndefined();
      txn.put(bytes('new'), bytes('v'));
      expect(txn.get(bytes('k'), KEY_ONLY)?.version).toBe(1);
      txn.put(bytes('k'), bytes('w'));
      throw new Error('no');
    });
  expect(fails).toThrow('no');
  store.write((txn) => {
    expect(txn.get(bytes('new'), KEY_ONLY)).toBeUndefined();
    expect(txn.get(bytes('k'), KEY_ONLY)?.version).toBe(1);
  });
});

test('keyOnly must be a boolean', async () => {
  const backend = await openBackend(memoryEngine());
  await using store = await openStore(backend);
  // @ts-expect-error what is given where types are not looked at
  expect(() => store.get(bytes('k'), { keyOnly: 1 })).toThrow(TypeError);
});
