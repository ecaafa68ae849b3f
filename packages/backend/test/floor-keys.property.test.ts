import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeClock } from '@varve/base/node/clock';
import { compareBytes } from '@varve/base/order';
import { floorKeys } from '../src/read/floor-keys.ts';
import { type Bucket, buckets, type Change, type Engine, openBackend } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b, byHand } from './helpers.ts';

const bucket: Bucket = { id: 300, name: 'own', appendOnly: false };

async function filled(keys: readonly Uint8Array[], into: Bucket = bucket): Promise<Engine> {
  const engine = memoryEngine();
  const rows = keys.map((key): Change => ({ type: 'put', bucket: into, key, value: b('') }));
  await engine.commit([{ type: 'createBucket', bucket: into }, ...rows]);
  return engine;
}

type Asked = Pick<Engine, 'scan' | 'last'>;

/** The same engine, which tells something else, or nothing. */
function telling(engine: Engine, last: Engine['last']): Asked {
  return { scan: (of, options) => engine.scan(of, options), last };
}

const floorOf = async (engine: Asked): Promise<Uint8Array | undefined> =>
  (await floorKeys(engine, ['own'], nodeClock)).get('own');

test('the greatest key is found, whatever the keys are and whether the engine tells it or not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 6 }), { maxLength: 30 }), async (keys) => {
      const greatest = keys.toSorted(compareBytes).at(-1);
      const engine = await filled(keys);
      expect(await floorOf(engine)).toEqual(greatest);
      expect(await floorOf(telling(engine, undefined))).toEqual(greatest);
    }),
    { numRuns: 300 },
  );
});

test('FK2 a last key with another one behind it is damage', async () => {
  const engine = await filled([b('a'), b('m')]);
  for (const told of [b('a'), undefined]) {
    await expect(floorOf(telling(engine, async () => told))).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  }
  // One that was there and was deleted is what an append-only bucket may tell.
  expect(await floorOf(telling(engine, async () => b('z')))).toEqual(b('z'));
});

test('buckets that are known to be written in any order are not asked for', async () => {
  const asked: string[] = [];
  const engine = telling(await filled([b('a')]), async ({ name }) => void asked.push(name));
  const known: Bucket[] = [buckets.meta, buckets.lease];
  const names = known.map(({ name }) => name);
  expect((await floorKeys(engine, names, nodeClock)).size).toBe(0);
  expect(asked).toEqual([]);
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
