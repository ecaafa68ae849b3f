/** A transaction in steps: others get their turns in between, nobody sees a part of it (law 10, BL1, BL2). */
import { afterAll, expect, test } from 'vitest';
import { openBolt } from '../src/index.ts';
import type { Bolt, WriteBucket, WriteTransaction } from '../src/index.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

function* puts(tx: WriteTransaction, rows: number): Generator<void, string> {
  const bucket = tx.createBucketIfMissing('b');
  for (let i = 0; i < rows; i++) {
    bucket.put(`${(i * 7919) % rows}`.padStart(8, '0'), 'x'.repeat(200));
    yield;
  }
  return 'done';
}

function count(bolt: Bolt): number {
  using tx = bolt.read();
  return [...(tx.bucket('b')?.entries() ?? [])].length;
}

test('law 10: the event loop turns meanwhile, and readers see nothing of it before it is durable', async () => {
  await using bolt = await openBolt(scratch.file());
  await bolt.write((tx) => tx.createBucket('b').put('first', '1'));
  let going = true;
  const seen = new Set<number>();
  const look = (): void => {
    seen.add(count(bolt));
    if (going) setImmediate(look);
  };
  setImmediate(look);
  const waiting = bolt.writeInSteps((tx) => puts(tx, 20_000));
  const after = bolt.write((tx) => tx.bucket('b')?.get('00000001')?.length);
  expect(await waiting).toBe('done');
  expect(await after).toBe(200);
  expect(count(bolt)).toBe(20_001);
  going = false;
  expect([...seen].filter((rows) => rows !== 20_001)).toEqual([1]);
  expect((await bolt.check()).problems).toEqual([]);
});

test('a body that throws between its steps leaves nothing; others go on', async () => {
  await using bolt = await openBolt(scratch.file());
  const mine = new Error('mine');
  const failing = bolt.writeInSteps(function* (tx) {
    yield* puts(tx, 3000);
    throw mine;
  });
  await expect(failing).rejects.toBe(mine);
  expect(count(bolt)).toBe(0);
  await bolt.write((tx) => tx.createBucket('b').put('a', '1'));
  expect(count(bolt)).toBe(1);
  expect((await bolt.check()).problems).toEqual([]);
});

test('a write inside of a step is refused, one between steps waits, and closing waits for the last step', async () => {
  const bolt = await openBolt(scratch.file());
  let nested: Promise<unknown> | undefined;
  const going = bolt.writeInSteps(function* (tx) {
    nested ??= bolt.write(() => 1).catch((error: unknown) => error);
    yield* puts(tx, 5000);
  });
  const closed = bolt.close();
  await going;
  await closed;
  expect(await nested).toMatchObject({ code: 'BOLT_NESTED' });
  await using again = await openBolt(bolt.path);
  expect(count(again)).toBe(5000);
});

test('BOLT_ENDED: what a body left behind cannot be written to between its steps', async () => {
  await using bolt = await openBolt(scratch.file());
  const errors: unknown[] = [];
  let left: WriteBucket | undefined;
  const going = bolt.writeInSteps(function* (tx) {
    left = tx.createBucket('left');
    yield* puts(tx, 5000);
    left.put('inside', '1');
  });
  const meddle = setInterval(() => {
    try {
      left?.put('outside', '1');
    } catch (error) {
      errors.push(error);
    }
  });
  await going;
  clearInterval(meddle);
  expect(errors.length).toBeGreaterThan(0);
  for (const error of errors) expect(error).toMatchObject({ code: 'BOLT_ENDED' });
  using tx = bolt.read();
  expect([...(tx.bucket('left')?.entries() ?? [])].map(({ key }) => Buffer.from(key).toString())).toEqual(['inside']);
});

test('law 10: dropping a large bucket turns the event loop; the pages are free afterwards', async () => {
  await using bolt = await openBolt(scratch.file(), { cacheBytes: 0 });
  await bolt.writeInSteps((tx) => puts(tx, 40_000));
  let turns = 0;
  let going = true;
  const turn = (): void => {
    turns++;
    if (going) setImmediate(turn);
  };
  const dropped = bolt.write((tx) => tx.deleteBucket('b'));
  setImmediate(turn);
  expect(await dropped).toBe(true);
  going = false;
  expect(turns).toBeGreaterThan(3);
  expect(bolt.sizeInUse).toBeLessThan(bolt.size / 10);
  expect((await bolt.check()).problems).toEqual([]);
});

test('a body in steps must not be asynchronous, and one that fails before its first step is told', async () => {
  await using bolt = await openBolt(scratch.file());
  const promise = 'the body of a write must not return a promise';
  const steps = async function* (tx: WriteTransaction): AsyncGenerator<void> {
    tx.createBucket('a');
    yield await Promise.resolve();
  };
  await expect(bolt.writeInSteps(steps as never)).rejects.toThrow(promise);
  await expect(
    bolt.writeInSteps(function* (tx) {
      tx.createBucket('b');
      yield;
      return Promise.reject(new Error('unseen'));
    }),
  ).rejects.toThrow(promise);
  await expect(
    bolt.writeInSteps(() => {
      throw new RangeError('early');
    }),
  ).rejects.toThrow('early');
  expect(bolt.txid).toBe(1);
});
