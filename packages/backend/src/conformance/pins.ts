/** Pins: a committed state that stays as it is, however much is committed afterwards. */
import assert from 'node:assert/strict';
import type { PinnedView } from '../contract/engine.ts';
import { ascending, bytes, create, del, drop, get, numbered, plain, put, scan, type Scenario } from './scenario.ts';

export const pinScenarios: readonly Scenario[] = [
  {
    key: 'pins/stay',
    title: 'a pin shows its state over puts, overwrites, deletes, buckets made and removed (B27)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), put(plain, 'a', '1'), put(plain, 'b', '1')]);
      const pin = engine.pin();
      await engine.commit([put(plain, 'a', '2'), put(plain, 'c', '2'), del(plain, 'b'), create(ascending)]);
      await engine.commit([drop(plain), put(ascending, 'x', '3')]);
      assert.equal(get(pin, plain, 'a'), '1');
      assert.equal(get(pin, plain, 'c'), undefined);
      assert.deepEqual(await scan(pin, plain), ['a=1', 'b=1']);
      assert.deepEqual(await scan(pin, ascending), []);
      assert.deepEqual(pin.buckets(), [plain.name]);
      assert.deepEqual(await scan(engine, plain), []);
      assert.deepEqual(engine.buckets(), [ascending.name]);
      pin[Symbol.dispose]();
    },
  },
  {
    key: 'pins/each-its-own',
    title: 'pins of different moments are readable side by side, ended in any order (B31)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain)]);
      const pins: PinnedView[] = [];
      for (let n = 0; n < 20; n += 1) {
        await engine.commit([put(plain, 'n', `${n}`), put(plain, `k${n}`, '')]);
        pins.push(engine.pin());
      }
      for (const [n, pin] of pins.entries()) {
        assert.equal(get(pin, plain, 'n'), `${n}`);
        assert.equal((await scan(pin, plain)).length, n + 2);
      }
      for (let n = 0; n < 20; n += 2) pins[n]![Symbol.dispose]();
      for (let n = 1; n < 20; n += 2) assert.equal(get(pins[n]!, plain, 'n'), `${n}`);
      for (let n = 1; n < 20; n += 2) pins[n]![Symbol.dispose]();
    },
  },
  {
    key: 'pins/end',
    title: 'ending a pin twice is fine; reading it afterwards is BACKEND_CLOSED (B32)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), put(plain, 'a', '1')]);
      const [pin, other] = [engine.pin(), engine.pin()];
      pin[Symbol.dispose]();
      pin[Symbol.dispose]();
      assert.throws(() => get(pin, plain, 'a'), { code: 'BACKEND_CLOSED' });
      await assert.rejects(async () => scan(pin, plain), { code: 'BACKEND_CLOSED' });
      assert.equal(get(other, plain, 'a'), '1');
      other[Symbol.dispose]();
    },
  },
  {
    key: 'pins/all-or-none',
    title: 'a pin taken while a commit runs shows all of it or nothing (ENG3)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), create(ascending)]);
      for (let round = 1; round <= 20; round += 1) {
        const rows = Array.from({ length: 200 }, (_, i) => put(ascending, numbered(round * 1_000 + i), ''));
        const done = engine.commit([put(plain, 'first', `${round}`), ...rows, put(plain, 'last', `${round}`)]);
        const pin = engine.pin();
        await done;
        const seen = get(pin, plain, 'last');
        assert.equal(get(pin, plain, 'first'), seen);
        assert.ok(seen === `${round}` || seen === (round === 1 ? undefined : `${round - 1}`));
        assert.equal((await scan(pin, ascending)).length, 200 * Number(seen ?? 0));
        pin[Symbol.dispose]();
      }
    },
  },
  {
    key: 'pins/over-compact',
    title: 'compacting leaves pinned states readable (B45)',
    async run(bench) {
      const engine = await bench.open();
      const rows = Array.from({ length: 400 }, (_, n) => put(ascending, numbered(n), `${n}`));
      await engine.commit([create(ascending), ...rows]);
      const pin = engine.pin();
      await engine.commit(rows.slice(0, 300).map((row) => del(ascending, (row as { key: Uint8Array }).key)));
      const compacted = engine.compact();
      assert.equal((await scan(pin, ascending)).length, 400);
      await compacted;
      assert.equal((await scan(pin, ascending)).length, 400);
      assert.deepEqual(pin.get(ascending, numbered(7)) && [...pin.get(ascending, numbered(7))!], [...bytes('7')]);
      assert.equal((await scan(engine, ascending)).length, 100);
      pin[Symbol.dispose]();
    },
  },
];
