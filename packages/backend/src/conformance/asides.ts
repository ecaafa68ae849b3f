/** Files beside the store, where the engine has them; engines without pass by having none. */
import assert from 'node:assert/strict';
import { nodeClock } from '@varve/base/node/clock';
import { openBackend } from '../open/open-backend.ts';
import { bytes, create, get, plain, put, scan, text, type Scenario } from './scenario.ts';

async function* pieces(...given: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const piece of given) yield bytes(piece);
}

async function* failingPieces(): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes('half of ');
  throw new Error('no more pieces');
}

async function whole(file: AsyncIterable<Uint8Array>): Promise<string> {
  let found = '';
  for await (const piece of file) {
    found += text(piece);
    piece.fill(0); // it is the caller's
  }
  return found;
}

export const asideScenarios: readonly Scenario[] = [
  {
    key: 'aside/replace',
    title: 'a file beside the store is replaced whole, read in pieces, and removed (G30)',
    async run(bench) {
      const { aside } = await bench.open();
      if (aside === undefined) return;
      assert.match(aside.id, /./);
      assert.equal(await whole(aside.read('index')), '');
      await aside.remove('index');
      await aside.replace('index', pieces('one, ', '', 'two'));
      await aside.replace('another-1', pieces('x'));
      assert.equal(await whole(aside.read('index')), 'one, two');
      assert.equal(await whole(aside.read('index')), 'one, two');
      await aside.replace('index', pieces('new'));
      assert.equal(await whole(aside.read('index')), 'new');
      await aside.remove('index');
      assert.equal(await whole(aside.read('index')), '');
      assert.equal(await whole(aside.read('another-1')), 'x');
    },
  },
  {
    key: 'aside/failed',
    title: 'what its pieces throw leaves the file as it was (G30)',
    async run(bench) {
      const { aside } = await bench.open();
      if (aside === undefined) return;
      await aside.replace('index', pieces('before'));
      await assert.rejects(aside.replace('index', failingPieces()), /no more pieces/);
      await assert.rejects(aside.replace('other', failingPieces()), /no more pieces/);
      assert.equal(await whole(aside.read('index')), 'before');
      assert.equal(await whole(aside.read('other')), '');
    },
  },
  {
    key: 'aside/apart',
    title: 'it is no row: scans, buckets, commits and compaction go on beside it (G30)',
    async run(bench) {
      const engine = await bench.open();
      const { aside } = engine;
      if (aside === undefined) return;
      await engine.commit([create(plain), put(plain, 'a', '1')]);
      let committed = false;
      const slowly = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield bytes('began, ');
        await engine.commit([put(plain, 'b', '2')]);
        committed = true;
        yield bytes('ended');
      };
      await aside.replace('index', slowly());
      assert.equal(committed, true);
      await engine.compact();
      assert.equal(await whole(aside.read('index')), 'began, ended');
      assert.deepEqual(await scan(engine, plain), ['a=1', 'b=2']);
      assert.deepEqual(engine.buckets(), [plain.name]);
    },
  },
  {
    key: 'aside/reopen',
    title: 'it is there again, with the store and its id; another store has another id (G30)',
    reopens: true,
    async run(bench) {
      let engine = await bench.open();
      const id = engine.aside?.id;
      if (engine.aside === undefined) return;
      await engine.commit([create(plain), put(plain, 'a', '1')]);
      await engine.aside.replace('index', pieces('kept'));
      engine = await bench.reopen(engine);
      assert.equal(engine.aside?.id, id);
      assert.equal(await whole(engine.aside!.read('index')), 'kept');
      assert.equal(get(engine, plain, 'a'), '1');
      assert.deepEqual(engine.warnings ?? [], []);
      assert.notEqual((await bench.open()).aside?.id, id);
      await bench.close(engine);
      assert.throws(() => get(engine, plain, 'a'), { code: 'BACKEND_CLOSED' });
      await assert.rejects(whole(engine.aside!.read('index')), { code: 'BACKEND_CLOSED' });
    },
  },
  {
    key: 'aside/backend',
    title: 'a Backend hands it on until it closes, or says that there is none (G30, G32)',
    async run(bench) {
      const engine = await bench.open();
      const backend = await openBackend(engine);
      const { aside } = backend;
      if (engine.aside === undefined || aside === undefined) {
        assert.equal(aside, engine.aside);
        await backend.close();
        return;
      }
      await assert.rejects(aside.replace('../index', pieces('x')), TypeError);
      assert.throws(() => aside.read('INDEX'), TypeError);
      await aside.replace('index', pieces('before'));
      let closing: Promise<void> | undefined;
      const endless = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        for (;;) {
          yield bytes('more');
          closing ??= backend.close();
          await nodeClock.turn();
        }
      };
      await assert.rejects(aside.replace('index', endless()), { code: 'BACKEND_CLOSED' });
      await closing;
      await assert.rejects(aside.remove('index'), { code: 'BACKEND_CLOSED' });
    },
  },
];
