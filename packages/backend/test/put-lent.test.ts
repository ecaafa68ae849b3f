/** Rows that are lent: taken where they lie, with the room around them that the engine asks for. */
import { describe, expect, test } from 'vitest';
import { buckets, openBackend, packChanges, type Backend, type Changes, type Engine, type Room } from '../src/index.ts';
import { PackedChanges } from '../src/contract/packed-changes.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { deferred, failing } from '../src/conformance/wrappers.ts';
import { b, byHand, create, turns } from './helpers.ts';

const { key: k, test: t } = buckets;

/** An engine that scribbles into its room, and keeps what it was given. */
function scribbling(room: Room | undefined): { engine: Engine; commits: Changes[] } {
  const inner = memoryEngine();
  const commits: Changes[] = [];
  const engine = new Proxy(inner, {
    get(target, member) {
      if (member === 'room') return room;
      if (member === 'commit') {
        return async (changes: Changes) => {
          commits.push(changes);
          const rows = packChanges(changes, room);
          for (let i = 0; i < rows.length; i += 1) {
            if (rows.type(i) !== 'put' && rows.type(i) !== 'delete') continue;
            const { before, after } = room ?? { before: 0, after: 0 };
            rows.block(i).fill(238, rows.start(i) - before, rows.start(i));
            rows.block(i).fill(238, rows.end(i), rows.end(i) + after);
          }
          await target.commit(rows);
        };
      }
      const found: unknown = Reflect.get(target, member, target);
      return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
    },
  });
  return { engine, commits };
}

test.each([undefined, { before: 16, after: 0 }, { before: 3, after: 64 }])(
  'ENG4 G9 rows of all kinds are read back as they were put, whatever the engine writes into its room: %o',
  async (room) => {
    const { engine, commits } = scribbling(room);
    await using backend = await openBackend(engine, byHand);
    create(backend, k);
    create(backend, t);
    const { before, after } = backend.room;
    expect({ before, after }).toEqual(room ?? { before: 0, after: 0 });
    const block = new Uint8Array(4000);
    const wanted: [string, string][] = [];
    let at = 0;
    for (let n = 0; n < 10; n += 1) {
      const key = `key${n}`;
      const value = 'v'.repeat(n * 20);
      at += before;
      block.set(b(key + value), at);
      const [start, keyEnd] = [at, at + key.length];
      at = keyEnd + value.length;
      backend.batchTx((tx) => {
        tx.putLent(k, block, start, keyEnd, at);
        tx.put(t, b(key), b(value));
        if (n > 4) tx.delete(t, b(`key${n - 1}`));
        expect(tx.get(k, b(key))).toEqual(b(value));
      });
      at += after;
      wanted.push([key, value]);
    }
    const check = (): void => {
      for (const [key, value] of wanted) expect(backend.readTx((tx) => tx.get(k, b(key)))).toEqual(b(value));
    };
    check();
    await backend.forceCommit();
    check();
    // What was lent one behind the other is one piece, and it is what the engine was given.
    const rows = commits.at(-1)!;
    expect(rows).toBeInstanceOf(PackedChanges);
    const lent = rows as PackedChanges;
    let end: number | undefined;
    for (let i = 0; i < lent.length; i += 1) {
      if (lent.bucket(i) !== k || lent.type(i) !== 'put') continue;
      expect(lent.block(i)).toBe(block);
      if (end !== undefined) expect(lent.start(i) - before).toBe(end);
      end = lent.end(i) + after;
    }
  },
);

test('law 3 a section that lent rows and throws leaves none of them', async () => {
  await using backend = await openBackend(memoryEngine(), byHand);
  create(backend, k);
  const block = b('a1b2c3');
  backend.batchTx((tx) => tx.putLent(k, block, 0, 1, 2));
  const failure = new Error('own');
  expect(() =>
    backend.batchTx((tx) => {
      tx.putLent(k, block, 2, 3, 4);
      throw failure;
    }),
  ).toThrow(failure);
  backend.batchTx((tx) => tx.putLent(k, block, 4, 5, 6));
  await backend.forceCommit();
  const values = ['a', 'b', 'c'].map((key) => backend.readTx((tx) => tx.get(k, b(key))));
  expect(values).toEqual([b('1'), undefined, b('3')]);
});

test('R4 B26 a place that does not fit, or a key out of order, is refused before anything changes', async () => {
  const { engine } = scribbling({ before: 2, after: 1 });
  await using backend = await openBackend(engine, byHand);
  create(backend, k);
  const block = new Uint8Array(10);
  const put = (...place: [number, number, number]): void => backend.batchTx((tx) => tx.putLent(k, block, ...place));
  const misfits: [number, number, number][] = [
    [1, 3, 4],
    [2, 2, 4],
    [2, 5, 4],
    [2, 4, 10],
    [Number.NaN, 3, 4],
    [2, 3, Number.NaN],
  ];
  for (const place of misfits) expect(() => put(...place)).toThrow(RangeError);
  expect(() => backend.batchTx((tx) => tx.putLent(k, 'text' as never, 0, 1, 2))).toThrow(TypeError);
  put(3, 5, 6);
  expect(() => put(3, 5, 6)).toThrow(expect.objectContaining({ code: 'BACKEND_KEY_ORDER' }));
});

test('a room that is no room is refused at open', async () => {
  for (const room of [
    { before: -1, after: 0 },
    { before: 0, after: 65 },
    { before: 0.5, after: 0 },
  ]) {
    await expect(openBackend(scribbling(room).engine)).rejects.toThrow(/room/);
  }
});

describe('decisions/0051 ENG4 a block that was lent is held', () => {
  const long = 'v'.repeat(100);

  /** A backend with one row in a block that was lent, not committed yet. */
  async function lentTo(engine: Engine): Promise<{ backend: Backend; block: Uint8Array }> {
    const backend = await openBackend(engine, byHand);
    create(backend, k);
    const block = b(`k1${long}k2${long}`);
    backend.batchTx((tx) => tx.putLent(k, block, 0, 2, 102));
    return { backend, block };
  }
  const isHeld = async (backend: Backend, block: Uint8Array): Promise<boolean> => {
    await backend.forceCommit();
    return backend.holds(block);
  };

  test('until its commit has settled, and no longer', async () => {
    const { backend, block } = await lentTo(deferred(memoryEngine()));
    expect(backend.holds(block)).toBe(true);
    const committed = backend.forceCommit();
    while (backend.nextCommit === 1) await turns(1);
    expect(backend.holds(block)).toBe(true);
    await committed;
    expect(backend.holds(block)).toBe(false);
    block.fill(0);
    expect(backend.readTx((tx) => tx.get(k, b('k1')))).toEqual(b(long));
    await backend.close();
  });

  test('after a section that lent it and threw, until the next commit', async () => {
    const { backend, block } = await lentTo(memoryEngine());
    await backend.forceCommit();
    const undone = (): void =>
      backend.batchTx((tx) => {
        tx.putLent(k, block, 102, 104, block.length);
        throw new Error('own');
      });
    expect(undone).toThrow('own');
    expect(backend.holds(block)).toBe(true);
    backend.batchTx((tx) => tx.put(k, b('k3'), b('3')));
    expect(await isHeld(backend, block)).toBe(false);
    await backend.close();
  });

  test('for good by whoever read a long value of it before', async () => {
    const { backend, block } = await lentTo(memoryEngine());
    const value = backend.readTx((tx) => tx.get(k, b('k1')));
    expect(await isHeld(backend, block)).toBe(true);
    expect(value).toEqual(b(long));
    await backend.close();
  });

  test('for good by a pin', async () => {
    const { backend, block } = await lentTo(memoryEngine());
    const pin = backend.concurrentReadTx();
    expect(await isHeld(backend, block)).toBe(true);
    pin[Symbol.dispose]();
    expect(backend.holds(block)).toBe(true);
    await backend.close();
  });

  test('for good by an engine that goes through changes as objects, or does not say that it lets go', async () => {
    const memory = memoryEngine();
    const plain = scribbling(undefined).engine;
    const looping = new Proxy(memory, {
      get(target, member) {
        if (member === 'commit') return (changes: Changes) => target.commit([...changes]);
        const found: unknown = Reflect.get(target, member, target);
        return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
      },
    });
    const silent = new Proxy(plain, {
      get: (target, member): unknown => (member === 'holds' ? undefined : Reflect.get(target, member)),
    });
    for (const engine of [looping, silent]) {
      const { backend, block } = await lentTo(engine);
      expect(await isHeld(backend, block)).toBe(true);
      await backend.close();
    }
  });

  test('for good by a commit that failed', async () => {
    const { backend, block } = await lentTo(failing(memoryEngine(), 1));
    await expect(backend.forceCommit()).rejects.toThrow(expect.objectContaining({ code: 'BACKEND_FAILED' }));
    expect(backend.holds(block)).toBe(true);
    await backend.close();
  });
});
