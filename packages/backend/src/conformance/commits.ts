/** Commits: all changes in their order, or none. */
import assert from 'node:assert/strict';
import type { EngineView, Room } from '../contract/engine.ts';
import { noRoom, PackedChanges } from '../contract/packed-changes.ts';
import {
  ascending,
  bytes,
  chunksOf,
  create,
  del,
  drop,
  get,
  numbered,
  plain,
  put,
  scan,
  type Scenario,
} from './scenario.ts';

export const commitScenarios: readonly Scenario[] = [
  {
    key: 'commits/in-order',
    title: 'changes apply as they come; the last one of a key wins (B16, B18)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([
        create(plain),
        put(plain, 'a', '1'),
        put(plain, 'b', '1'),
        put(plain, 'a', '2'),
        del(plain, 'b'),
        put(plain, 'c', '1'),
        del(plain, 'c'),
        put(plain, 'c', '3'),
      ]);
      assert.deepEqual(await scan(engine, plain), ['a=2', 'c=3']);
      assert.equal(get(engine, plain, 'b'), undefined);
    },
  },
  {
    key: 'commits/places',
    title:
      'rows as places in blocks, with the room that the engine asks for: nothing but the room is written to (ENG4, G9)',
    async run(bench) {
      const engine = await bench.open();
      const { before, after } = engine.room ?? noRoom;
      await engine.commit([create(plain), create(ascending)]);
      for (const room of [{ before, after }, noRoom, { before: before + 3, after: after + 2 }]) {
        const rows = new PackedChanges(room);
        const block = new Uint8Array(4096).fill(170);
        const wanted = block.slice();
        let at = 0;
        for (let n = 0; at < 3000; n += 1) {
          const [key, value] = [numbered(room.before * 1000 + n), new Uint8Array(n % 100).fill(n)];
          at += room.before;
          for (const target of [block, wanted]) {
            target.set(key, at);
            target.set(value, at + key.length);
          }
          const end = at + key.length + value.length;
          rows.pushRow('put', n % 3 === 0 ? plain : ascending, block, at, at + key.length, end);
          for (let i = 0; i < room.before; i += 1) wanted[at - room.before + i] = 0;
          for (let i = 0; i < room.after; i += 1) wanted[end + i] = 0;
          at = end + room.after;
        }
        const pieces = [...rows];
        await engine.commit(rows);
        for (let i = 0; i < rows.length; i += 1) {
          block.fill(0, rows.start(i) - room.before, rows.start(i));
          block.fill(0, rows.end(i), rows.end(i) + room.after);
        }
        assert.deepEqual(block, wanted);
        for (const change of pieces) {
          if (change.type === 'put') assert.deepEqual(engine.get(change.bucket, change.key), change.value);
        }
        await engine.commit([drop(plain), create(plain), drop(ascending), create(ascending)]);
      }
    },
  },
  {
    key: 'commits/held',
    title:
      'what an engine says that it does not hold is written again, and everything reads as before: rows, and what was given of them (ENG4)',
    async run(bench) {
      const engine = await bench.open();
      const room = engine.room ?? noRoom;
      await engine.commit([create(plain), create(ascending)]);
      const given: [Uint8Array, Uint8Array][] = [];
      const pins = [];
      const blocks: Uint8Array[] = [];
      for (let round = 0; round < 90; round += 1) {
        // One that is not held, where there is one, as whoever lends blocks does.
        const free = blocks.findIndex((block) => engine.holds?.(block) === false);
        const block = free < 0 ? new Uint8Array(64 << 10) : blocks.splice(free, 1)[0]!;
        block.fill(255);
        await engine.commit(filledRows(block, room, round));
        blocks.push(block);
        if (round % 30 !== 1) continue;
        pins.push({ view: engine.pin(), rowN: (round + 1) * ROWS_A_BLOCK });
        for (const n of [0, 1, 9]) {
          const value = engine.get(n === 0 ? plain : ascending, numbered(1000 * round + n))!;
          given.push([value, value.slice()]);
        }
      }
      for (const [value, was] of given) assert.deepEqual(value, was);
      for (const { view, rowN } of pins) {
        assert.equal(await checkedRows(view), rowN);
        view[Symbol.dispose]();
      }
      assert.equal(await checkedRows(engine), 90 * ROWS_A_BLOCK);
    },
  },
  {
    key: 'commits/deletes',
    title: 'a delete removes its row only; a missing one is fine (B12, B13)',
    async run(bench) {
      const engine = await bench.open();
      for (const bucket of [plain, ascending]) {
        await engine.commit([create(bucket), ...['a', 'aa', 'b'].map((key) => put(bucket, key, '1'))]);
        await engine.commit([del(bucket, 'a'), del(bucket, 'missing'), del(bucket, 'b\0')]);
        assert.deepEqual(await scan(engine, bucket), ['aa=1', 'b=1']);
        await engine.commit([del(bucket, 'a'), del(bucket, 'aa'), del(bucket, 'b')]);
        assert.deepEqual(await scan(engine, bucket), []);
      }
    },
  },
  {
    key: 'commits/buckets',
    title: 'buckets are made empty, keep their rows when made again, and are listed in byte order (B12, B14)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(ascending), create(plain)]);
      assert.deepEqual(engine.buckets(), [plain.name, ascending.name]);
      await engine.commit([put(plain, 'a', '1'), create(plain)]);
      assert.equal(get(engine, plain, 'a'), '1');
      await engine.commit([drop(plain), drop({ id: 999, name: 'never', appendOnly: false })]);
      assert.deepEqual(engine.buckets(), [ascending.name]);
      assert.deepEqual(await scan(engine, plain), []);
      await engine.commit([create(plain)]);
      assert.deepEqual(await scan(engine, plain), []);
    },
  },
  {
    key: 'commits/bucket-replaced',
    title: 'a bucket removed and made again in one commit has only the rows put after that (B14)',
    async run(bench) {
      const engine = await bench.open();
      for (const bucket of [plain, ascending]) {
        await engine.commit([create(bucket), put(bucket, 'a', '1'), put(bucket, 'b', '1')]);
        await engine.commit([
          put(bucket, 'c', '2'),
          drop(bucket),
          create(bucket),
          put(bucket, 'b', '3'),
          drop(bucket),
          create(bucket),
          put(bucket, 'a', '4'),
        ]);
        assert.deepEqual(await scan(engine, bucket), ['a=4']);
        assert.equal(get(engine, bucket, 'b'), undefined);
      }
    },
  },
  {
    key: 'commits/all-or-none',
    title: 'reads while a commit runs see all of it or nothing (ENG3, law 3)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), put(plain, 'a', '0'), put(plain, 'z', '0')]);
      for (let round = 1; round <= 20; round += 1) {
        let running = true;
        const rows = Array.from({ length: 300 }, (_, n) => put(plain, `k${n}`, `${round}`));
        const done = engine.commit([put(plain, 'a', `${round}`), ...rows, put(plain, 'z', `${round}`)]).finally(() => {
          running = false;
        });
        while (running) {
          const seen = get(engine, plain, 'a');
          assert.equal(get(engine, plain, 'z'), seen);
          assert.ok(seen === `${round}` || seen === `${round - 1}`);
          await new Promise(setImmediate);
        }
        await done;
        assert.equal(get(engine, plain, 'a'), `${round}`);
      }
    },
  },
  {
    key: 'commits/large',
    title: 'a commit of 20,000 changes is one commit (law 3)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), create(ascending)]);
      const value = new Uint8Array(100).fill(1);
      const rows = Array.from({ length: 20_000 }, (_, n) =>
        n % 4 === 0 ? put(plain, numbered((n * 7919) % 20_000), value) : put(ascending, numbered(n), value),
      );
      await engine.commit(rows);
      assert.equal((await scan(engine, plain)).length, 5_000);
      assert.equal((await scan(engine, ascending)).length, 15_000);
    },
  },
  {
    key: 'commits/empty',
    title: 'a commit without changes is fine',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([]);
      assert.deepEqual(engine.buckets(), []);
    },
  },
  {
    key: 'commits/compact',
    title: 'compacting changes no answer; sizes stay in order (B39, B40)',
    async run(bench) {
      const engine = await bench.open();
      const value = new Uint8Array(500).fill(3);
      const rows = Array.from({ length: 2_000 }, (_, n) => put(ascending, numbered(n), value));
      await engine.commit([create(ascending), create(plain), put(plain, 'kept', 'yes'), ...rows]);
      checkSizes(engine);
      assert.ok(engine.sizeInUse > 0);
      await engine.commit(
        rows.filter((_, n) => n % 10 > 0).map((row) => del(ascending, (row as { key: Uint8Array }).key)),
      );
      const before = await scan(engine, ascending);
      await engine.compact();
      checkSizes(engine);
      assert.deepEqual(await scan(engine, ascending), before);
      assert.equal(before.length, 200);
      assert.equal(get(engine, plain, 'kept'), 'yes');
      await engine.commit([put(plain, 'after', 'too'), put(ascending, numbered(5_000), bytes('x'))]);
      await engine.compact();
      assert.deepEqual(await scan(engine, plain), ['after=too', 'kept=yes']);
      assert.equal((await scan(engine, ascending)).length, 201);
    },
  },
];

function checkSizes(engine: { readonly size: number; readonly sizeInUse: number }): void {
  assert.ok(Number.isSafeInteger(engine.size) && Number.isSafeInteger(engine.sizeInUse));
  assert.ok(engine.sizeInUse >= 0 && engine.sizeInUse <= engine.size, `${engine.sizeInUse} of ${engine.size}`);
}

const ROWS_A_BLOCK = 120;

/** Rows that nearly fill the block: each value tells its key, `1000 * round + n`, by its length and its bytes. */
function filledRows(block: Uint8Array, room: Room, round: number): PackedChanges {
  const rows = new PackedChanges(room);
  for (let n = 0, at = room.before; n < ROWS_A_BLOCK; n += 1) {
    const key = numbered(1000 * round + n);
    const keyEnd = at + key.length;
    const end = keyEnd + lengthOf(n);
    block.set(key, at);
    block.fill(17 * round + n, keyEnd, end);
    rows.pushRow('put', n % 4 === 0 ? plain : ascending, block, at, keyEnd, end);
    at = end + room.after + room.before;
  }
  return rows;
}

/** @returns how many rows there are, each of which says what was put */
async function checkedRows(view: EngineView): Promise<number> {
  let rowN = 0;
  for (const bucket of [plain, ascending]) {
    for (const { key, value } of (await chunksOf(view.scan(bucket))).flat()) {
      const number = Number(new DataView(key.buffer, key.byteOffset).getBigUint64(0));
      const [round, n] = [Math.floor(number / 1000), number % 1000];
      assert.equal(value.length, lengthOf(n));
      assert.ok(value.every((byte) => byte === ((17 * round + n) & 255)));
      rowN += 1;
    }
  }
  return rowN;
}

function lengthOf(n: number): number {
  return n % 10 === 9 ? 1500 : 300;
}
