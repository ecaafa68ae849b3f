/** Point reads: every row that was committed, no other, byte for byte. */
import assert from 'node:assert/strict';
import type { Bucket } from '../contract/bucket.ts';
import type { EngineView } from '../contract/engine.ts';
import { RowSearch } from '../contract/row-search.ts';
import { Random } from './random.ts';
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
  text,
} from './scenario.ts';

export const readScenarios: readonly Scenario[] = [
  {
    key: 'reads/missing-bucket',
    title: 'a bucket that does not exist reads as an empty one (ENG5, B11)',
    async run(bench) {
      const engine = await bench.open();
      assert.equal(get(engine, plain, 'a'), undefined);
      assert.deepEqual(await scan(engine, plain), []);
      assert.deepEqual(engine.buckets(), []);
    },
  },
  {
    key: 'reads/exact',
    title: 'a key finds its own row only, not one that it begins or that begins it (B10)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), put(plain, 'foo', '1'), put(plain, 'foo1', '2')]);
      assert.equal(get(engine, plain, 'foo'), '1');
      assert.equal(get(engine, plain, 'foo1'), '2');
      for (const key of ['f', 'fo', 'foo0', 'foo2', 'foo11', 'foo\0', 'g', '\0']) {
        assert.equal(get(engine, plain, key), undefined, key);
      }
    },
  },
  {
    key: 'reads/many-at-once',
    title: 'many keys at once, where an engine can: each as `get` has it, in the order asked',
    async run(bench) {
      const engine = await bench.open();
      const keys = Array.from({ length: 300 }, (_, n) => numbered((n * 7919) % 1000));
      const check = (view: EngineView, bucket: Bucket): void => {
        if (view.find === undefined) return;
        const search = searchFor(keys);
        view.find(bucket, search);
        for (const [i, key] of keys.entries()) assert.deepEqual(search.value(i), view.get(bucket, key));
        view.find(bucket, searchFor([]));
      };
      check(engine, plain);
      await engine.commit([create(plain), create(ascending)]);
      const rows = [plain, ascending].flatMap((bucket) =>
        Array.from({ length: 500 }, (_, n) => put(bucket, numbered(2 * n), `${n}`.repeat(n % 90))),
      );
      await engine.commit(rows);
      const pin = engine.pin();
      await engine.commit(keys.slice(0, 100).flatMap((key) => [del(plain, key), del(ascending, key)]));
      for (const bucket of [plain, ascending]) {
        check(engine, bucket);
        check(pin, bucket);
        if (pin.find === undefined) continue;
        const search = searchFor(keys);
        pin.find(bucket, search);
        assert.equal(search.blocks.filter((block) => block !== undefined).length, 150);
      }
      pin[Symbol.dispose]();
    },
  },
  {
    key: 'reads/last',
    title: 'the greatest key, where an engine tells it; of an append-only bucket it may be one that was deleted (B26)',
    async run(bench) {
      let engine = await bench.open();
      const last = async (bucket: Bucket): Promise<string | undefined> => {
        const key = await engine.last?.(bucket);
        return key && text(key);
      };
      if (engine.last === undefined) return;
      assert.equal(await last(plain), undefined);
      await engine.commit([create(plain), create(ascending)]);
      assert.equal(await last(plain), undefined);
      assert.equal(await last(ascending), undefined);
      await engine.commit(['a', 'b', 'b\xff', 'c'].flatMap((key) => [put(plain, key, ''), put(ascending, key, '')]));
      assert.equal(await last(plain), 'c');
      assert.equal(await last(ascending), 'c');
      await engine.commit([del(plain, 'c'), del(ascending, 'c')]);
      assert.equal(await last(plain), 'b\xff');
      assert.ok(['b\xff', 'c'].includes((await last(ascending))!));
      if (bench.canReopen) {
        engine = await bench.reopen(engine);
        assert.equal(await last(plain), 'b\xff');
        assert.ok(['b\xff', 'c'].includes((await last(ascending))!));
      }
      await engine.commit([drop(plain), create(plain)]);
      assert.equal(await last(plain), undefined);
    },
  },
  {
    key: 'reads/empty-value',
    title: 'a value of no bytes is a value (R4)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), put(plain, 'a', ''), put(plain, 'b', 'x'), put(plain, 'b', '')]);
      assert.equal(get(engine, plain, 'a'), '');
      assert.equal(get(engine, plain, 'b'), '');
      assert.deepEqual(await scan(engine, plain), ['a=', 'b=']);
    },
  },
  {
    key: 'reads/every-byte',
    title: 'keys and values may hold any byte, at any place',
    async run(bench) {
      const engine = await bench.open();
      const keys: Uint8Array[] = [];
      for (let byte = 0; byte < 256; byte += 1) {
        keys.push(Uint8Array.of(byte), Uint8Array.of(byte, 0), Uint8Array.of(0, byte), Uint8Array.of(0xff, byte, 0xff));
      }
      await engine.commit([create(plain), ...keys.map((key) => put(plain, key, key))]);
      for (const key of keys) assert.deepEqual(plainBytes(engine.get(plain, key)), plainBytes(key));
    },
  },
  {
    key: 'reads/sizes',
    title: 'rows of all sizes come back whole (R4)',
    async run(bench) {
      const engine = await bench.open();
      const random = new Random(4);
      const rows = [1, 63, 64, 65, 255, 256, 4095, 4096, 4097, 32_768].map((length) => ({
        key: random.bytes(Math.min(length, 1024)),
        value: random.bytes(length),
      }));
      rows.push({ key: random.bytes(4096), value: new Uint8Array(3 << 20).fill(7) });
      await engine.commit([create(plain), ...rows.map(({ key, value }) => put(plain, key, value))]);
      for (const { key, value } of rows) assert.deepEqual(plainBytes(engine.get(plain, key)), value);
    },
  },
  {
    key: 'reads/buckets-apart',
    title: 'buckets do not touch each other, whatever their names begin with (ENG5)',
    async run(bench) {
      const engine = await bench.open();
      const made = ['auth', 'authUsers', 'a', 'authU', 'members', 'members_removed'].map((name, i): Bucket => ({
        id: 910 + i,
        name,
        appendOnly: false,
      }));
      await engine.commit(made.flatMap((bucket) => [create(bucket), put(bucket, 'Users', bucket.name)]));
      for (const bucket of made) {
        assert.equal(get(engine, bucket, 'Users'), bucket.name);
        assert.deepEqual(await scan(engine, bucket), [`Users=${bucket.name}`]);
      }
      assert.deepEqual(engine.buckets(), ['a', 'auth', 'authU', 'authUsers', 'members', 'members_removed']);
    },
  },
  {
    key: 'reads/same-id',
    title: 'a bucket is known by its name, not by its number or as an object (ENG6)',
    async run(bench) {
      const engine = await bench.open();
      const bucket = (name: string, id: number): Bucket => ({ id, name, appendOnly: false });
      const names = ['one', 'two'];
      await engine.commit(names.map((name) => create(bucket(name, 930))));
      await engine.commit(
        names.flatMap((name) => [put(bucket(name, 930), 'k', name), put(bucket(name, 931), 'l', name)]),
      );
      const pinned = engine.pin();
      for (const view of [engine, pinned]) {
        for (const name of names) {
          assert.equal(get(view, bucket(name, 932), 'k'), name);
          assert.deepEqual(await scan(view, bucket(name, 930)), [`k=${name}`, `l=${name}`]);
        }
      }
      pinned[Symbol.dispose]();
      await engine.commit([drop(bucket('one', 930))]);
      assert.deepEqual(engine.buckets(), ['two']);
      assert.equal(get(engine, bucket('two', 930), 'k'), 'two');
    },
  },
  {
    key: 'reads/prototype-names',
    title: 'names and keys that objects inherit are ordinary (R19)',
    async run(bench) {
      const engine = await bench.open();
      const names = ['__proto__', 'constructor', 'toString'];
      const made = names.map((name, i): Bucket => ({ id: 920 + i, name, appendOnly: false }));
      for (const bucket of made) assert.equal(get(engine, bucket, 'valueOf'), undefined);
      await engine.commit(made.flatMap((bucket) => [create(bucket), put(bucket, '__proto__', bucket.name)]));
      for (const bucket of made) assert.equal(get(engine, bucket, '__proto__'), bucket.name);
      assert.deepEqual(engine.buckets(), names);
    },
  },
  {
    key: 'reads/bytes-stay',
    title: 'bytes handed out stay as they are over later commits (ENG4, B33)',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), put(plain, 'a', 'before'), put(plain, 'b', 'gone')]);
      const held = engine.get(plain, bytes('a'))!;
      const [chunk] = await chunksOf(engine.scan(plain));
      await engine.commit([put(plain, 'a', 'after!'), { type: 'delete', bucket: plain, key: bytes('b') }]);
      await engine.compact();
      assert.deepEqual(plainBytes(held), bytes('before'));
      assert.deepEqual(
        chunk!.map(({ value }) => plainBytes(value)),
        [bytes('before'), bytes('gone')],
      );
      assert.equal(get(engine, plain, 'a'), 'after!');
    },
  },
  {
    key: 'reads/many',
    title: 'each of many rows is found, in both kinds of buckets',
    async run(bench) {
      const engine = await bench.open();
      await engine.commit([create(plain), create(ascending)]);
      const rowN = 3_000;
      for (let from = 0; from < rowN; from += 500) {
        const numbers = Array.from({ length: 500 }, (_, i) => from + i);
        await engine.commit([
          ...numbers.map((n) => put(ascending, numbered(n * 2), `${n}`)),
          ...numbers.map((n) => put(plain, numbered((n * 7919) % rowN), `${n}`)),
        ]);
      }
      for (let n = 0; n < rowN; n += 1) {
        assert.deepEqual(plainBytes(engine.get(ascending, numbered(n * 2))), bytes(`${n}`));
        assert.equal(engine.get(ascending, numbered(n * 2 + 1)), undefined);
        assert.deepEqual(plainBytes(engine.get(plain, numbered((n * 7919) % rowN))), bytes(`${n}`));
      }
    },
  },
];

function searchFor(keys: readonly Uint8Array[]): RowSearch {
  const search = new RowSearch();
  for (const key of keys) search.addKey(key);
  return search;
}

/** Engines may hand out subclasses of Uint8Array. */
function plainBytes(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : new Uint8Array(value);
}
