/** Many keys at once: through all layers, and as `get` has each, whether the engine can do it or not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deferred } from '../src/conformance/index.ts';
import { buckets, openBackend, RowSearch, type Backend, type Bucket, type Engine, type ReadTx } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b, byHand, create, turns } from './helpers.ts';

const { key: k, test: t } = buckets;

/** The same engine, which reads one by one. */
function single(inner: Engine): Engine {
  return {
    get: (bucket, key) => inner.get(bucket, key),
    scan: (bucket, options) => inner.scan(bucket, options),
    buckets: () => inner.buckets(),
    pin: () => {
      const pin = inner.pin();
      return {
        get: (bucket, key) => pin.get(bucket, key),
        scan: (bucket, options) => pin.scan(bucket, options),
        buckets: () => pin.buckets(),
        [Symbol.dispose]: () => pin[Symbol.dispose](),
      };
    },
    commit: (changes) => inner.commit(changes),
    compact: () => inner.compact(),
    close: () => inner.close(),
    size: 0,
    sizeInUse: 0,
  };
}

/** What a search says of these keys. */
function found(tx: ReadTx, bucket: Bucket, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
  const search = new RowSearch();
  for (const key of keys) search.addKey(key);
  tx.find(bucket, search);
  return keys.map((_, i) => search.value(i));
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('put' as const), n: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), n: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('commit' as const, 'turn' as const, 'clear' as const) }) },
);

test.each([
  ['at once', memoryEngine],
  ['one by one', () => single(memoryEngine())],
] as const)('OPN1 BD7 a search finds of each key what get says: an engine that reads %s', async (_, engine) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.array(fc.nat(45), { maxLength: 30 }),
      async (steps, asked) => {
        const backend: Backend = await openBackend(deferred(engine()), byHand);
        create(backend, t);
        create(backend, k);
        let appended = 100;
        const keys = asked.map((n) => b(`k${n}`));
        const logged = asked.map((n) => b(String(100 + n)));
        const check = (tx: ReadTx): void => {
          expect(found(tx, t, keys)).toEqual(keys.map((key) => tx.get(t, key)));
          expect(found(tx, k, logged)).toEqual(logged.map((key) => tx.get(k, key)));
        };
        for (const [i, one] of steps.entries()) {
          if (one.type === 'commit') void backend.forceCommit();
          else if (one.type === 'turn') await turns();
          else {
            backend.batchTx((tx) => {
              if (one.type === 'clear') {
                tx.deleteBucket(t);
                tx.createBucket(t);
              } else if (one.type === 'put') {
                tx.put(t, b(`k${one.n}`), b(String(i)));
                tx.put(k, b(String(appended++)), b(String(i)));
              } else if (one.type === 'delete') {
                tx.delete(t, b(`k${one.n}`));
                tx.delete(k, b(String(100 + one.n)));
              }
              check(tx);
            });
          }
          backend.readTx(check);
        }
        const pinned = backend.concurrentReadTx();
        check(pinned);
        pinned[Symbol.dispose]();
        await backend.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('a search is the object that the package makes', async () => {
  await using backend = await openBackend(memoryEngine(), byHand);
  backend.readTx((tx) => {
    expect(() => tx.find(t, [b('a')] as never)).toThrow(TypeError);
    expect(() => tx.find(t, undefined as never)).toThrow(TypeError);
  });
});

test('RSR1 RSR2 a search serves again once it is cleared, whatever it held before', async () => {
  await using backend = await openBackend(memoryEngine(), byHand);
  create(backend, t);
  const long = 'x'.repeat(3000);
  backend.batchTx((tx) => {
    for (const key of ['a', 'bb', long]) tx.put(t, b(key), b(`value of ${key.length}`));
  });
  const search = new RowSearch();
  for (const keys of [
    ['a', long, 'none'],
    [],
    ['bb'],
    Array.from({ length: 200 }, (_, n) => (n % 3 === 0 ? 'bb' : `n${n}`)),
  ]) {
    search.clear();
    for (const key of keys) search.addKey(b(key));
    backend.readTx((tx) => {
      tx.find(t, search);
      expect(keys.map((_, i) => search.value(i))).toEqual(keys.map((key) => tx.get(t, b(key))));
    });
    expect([search.length, search.blocks.length]).toEqual([keys.length, keys.length]);
    expect(keys.map((_, i) => search.key(i))).toEqual(keys.map((key) => b(key)));
  }
});
