import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeClock } from '@varve/base/node/clock';
import { compareBytes } from '@varve/base/order';
import { Random } from '../src/conformance/random.ts';
import { floorKeys, lastKey } from '../src/read/floor-keys.ts';
import { type Bucket, buckets, type Change, openBackend } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b, byHand } from './helpers.ts';

const bucket: Bucket = { id: 300, name: 'own', appendOnly: false };

async function filled(keys: readonly Uint8Array[], into: Bucket = bucket): Promise<ReturnType<typeof memoryEngine>> {
  const engine = memoryEngine();
  const rows = keys.map((key): Change => ({ type: 'put', bucket: into, key, value: b('') }));
  await engine.commit([{ type: 'createBucket', bucket: into }, ...rows]);
  return engine;
}

test('the greatest key is found, whatever the keys are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 6 }), { maxLength: 30 }), async (keys) => {
      const greatest = keys.toSorted(compareBytes).at(-1);
      expect(await lastKey(await filled(keys), bucket)).toEqual(greatest);
    }),
    { numRuns: 300 },
  );
});

test('revision keys need few questions, whatever the number of rows', async () => {
  const random = new Random(1);
  const keys: Uint8Array[] = [];
  for (let n = 0; n < 5_000; n += 1) {
    const key = new Uint8Array(17).fill(0x5f);
    new DataView(key.buffer).setBigUint64(0, BigInt(n * 1_000_003 + random.below(1_000)));
    new DataView(key.buffer).setBigUint64(9, BigInt(random.below(3)));
    keys.push(key);
  }
  const engine = await filled(keys);
  let scans = 0;
  const counting = {
    get: engine.get.bind(engine),
    buckets: engine.buckets.bind(engine),
    scan: (...args: Parameters<typeof engine.scan>) => ((scans += 1), engine.scan(...args)),
  };
  expect(await lastKey(counting, bucket)).toEqual(keys.at(-1));
  expect(scans).toBeLessThan(90);
  const known: Bucket[] = [buckets.meta, buckets.lease];
  expect(
    (
      await floorKeys(
        counting,
        known.map(({ name }) => name),
        nodeClock,
      )
    ).size,
  ).toBe(0);
});

test('B26 the order of keys is checked against what was there at open', async () => {
  const engine = await filled([b('a'), b('m')], buckets.key);
  await using backend = await openBackend(engine, byHand);
  const put = (key: string): void => backend.batchTx((tx) => tx.put(buckets.key, b(key), b('')));
  for (const key of ['a', 'b', 'm']) {
    expect(() => put(key)).toThrow(expect.objectContaining({ code: 'BACKEND_KEY_ORDER' }));
  }
  put('n');
});
