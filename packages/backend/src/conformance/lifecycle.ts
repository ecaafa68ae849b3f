/** From opening to closing, and what is there the next time. */
import assert from 'node:assert/strict';
import { ascending, chunksOf, create, del, drop, get, numbered, plain, put, scan, type Scenario } from './scenario.ts';

export const lifecycleScenarios: readonly Scenario[] = [
  {
    key: 'lifecycle/apart',
    title: 'two engines share nothing',
    async run(bench) {
      const [one, other] = [await bench.open(), await bench.open()];
      await one.commit([create(plain), put(plain, 'a', '1')]);
      assert.deepEqual(other.buckets(), []);
      await bench.close(other);
      assert.equal(get(one, plain, 'a'), '1');
    },
  },
  {
    key: 'lifecycle/closed',
    title: 'after close every call is BACKEND_CLOSED, and closing again is fine (R10, B47)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), put(plain, 'a', '1')]);
      await bench.close(engine);
      await engine.close();
      const closed = { code: 'BACKEND_CLOSED' };
      assert.throws(() => get(engine, plain, 'a'), closed);
      assert.throws(() => engine.buckets(), closed);
      assert.throws(() => engine.pin(), closed);
      await assert.rejects(async () => scan(engine, plain), closed);
      await assert.rejects(async () => engine.commit([put(plain, 'a', '2')]), closed);
      await assert.rejects(async () => engine.compact(), closed);
    },
  },
  {
    key: 'lifecycle/close-under-readers',
    title: 'closing ends pins and scans that are open: BACKEND_CLOSED, no crash (R9, R74)',
    async run(bench) {
      const engine = await bench.open();
      const rows = Array.from({ length: 300 }, (_, n) => put(ascending, numbered(n), `${n}`));
      await engine.commit([create(ascending), ...rows]);
      const pin = engine.pin();
      const begun = pin.scan(ascending, { chunkSize: 1 })[Symbol.asyncIterator]();
      await begun.next();
      const waiting = engine.scan(ascending, { chunkSize: 1 });
      const pulled = engine.scan(ascending, { chunkSize: 1 })[Symbol.asyncIterator]();
      const pull = pulled.next().catch((error: unknown) => error);
      await bench.close(engine);
      await pull;
      const closed = { code: 'BACKEND_CLOSED' };
      await assert.rejects(async () => begun.next(), closed);
      await assert.rejects(async () => chunksOf(waiting), closed);
      assert.throws(() => pin.get(ascending, numbered(1)), closed);
      pin[Symbol.dispose]();
    },
  },
  {
    key: 'lifecycle/close-after-commit',
    title: 'closing waits for the commit that runs (R9)',
    async run(bench) {
      const engine = await bench.open();
      const done = engine.commit([create(plain), put(plain, 'a', '1')]);
      await bench.close(engine);
      await done;
      assert.throws(() => get(engine, plain, 'a'), { code: 'BACKEND_CLOSED' });
    },
  },
  {
    key: 'lifecycle/reopen',
    title: 'what was committed is there again: rows, deletes, empty buckets (B8, B47)',
    reopens: true,
    async run(bench) {
      let engine = await bench.open();
      await engine.commit([create(plain), create(ascending), put(plain, 'a', '1'), put(plain, 'b', '1')]);
      await engine.commit([del(plain, 'a'), put(plain, 'c', '2')]);
      engine = await bench.reopen(engine);
      assert.deepEqual(await scan(engine, plain), ['b=1', 'c=2']);
      assert.deepEqual(engine.buckets(), [plain.name, ascending.name]);
      assert.deepEqual(engine.warnings ?? [], []);
      await engine.commit([drop(plain), put(ascending, 'x', '3')]);
      engine = await bench.reopen(engine);
      assert.deepEqual(engine.buckets(), [ascending.name]);
      assert.deepEqual(await scan(engine, ascending), ['x=3']);
      await engine.commit([create(plain), put(plain, 'again', 'yes')]);
      engine = await bench.reopen(engine);
      assert.deepEqual(await scan(engine, plain), ['again=yes']);
    },
  },
  {
    key: 'lifecycle/reopen-large',
    title: 'many commits and a compaction are there again',
    reopens: true,
    async run(bench) {
      let engine = await bench.open();
      await engine.commit([create(ascending)]);
      const value = new Uint8Array(300).fill(9);
      for (let round = 0; round < 10; round += 1) {
        await engine.commit(Array.from({ length: 500 }, (_, i) => put(ascending, numbered(round * 500 + i), value)));
      }
      await engine.commit(Array.from({ length: 2_500 }, (_, i) => del(ascending, numbered(i * 2))));
      await engine.compact();
      engine = await bench.reopen(engine);
      const rows = await chunksOf(engine.scan(ascending));
      const numbers = rows.flat().map(({ key }) => new DataView(key.buffer, key.byteOffset).getUint32(4));
      assert.deepEqual(
        numbers,
        Array.from({ length: 2_500 }, (_, i) => i * 2 + 1),
      );
    },
  },
  {
    key: 'lifecycle/reopen-empty',
    title: 'an engine that was never written opens again',
    reopens: true,
    async run(bench) {
      let engine = await bench.open();
      engine = await bench.reopen(engine);
      assert.deepEqual(engine.buckets(), []);
    },
  },
];
