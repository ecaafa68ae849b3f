/** Scans: rows in byte order, in chunks, of the state at the call. */
import assert from 'node:assert/strict';
import { crc32c } from '@varve/base/crc32c';
import type { Engine } from '../contract/engine.ts';
import { Random } from './random.ts';
import {
  ascending,
  bytes,
  chunksOf,
  create,
  del,
  numbered,
  plain,
  put,
  scan,
  shown,
  text,
  type Scenario,
} from './scenario.ts';

const letters = ['a', 'b', 'bb', 'c', 'd'];

async function lettered(engine: Engine): Promise<void> {
  await engine.commit([create(plain), ...letters.map((key) => put(plain, key, key))]);
}

async function hundred(engine: Engine): Promise<void> {
  const rows = Array.from({ length: 100 }, (_, n) => put(ascending, numbered(n), `${n}`));
  await engine.commit([create(ascending), ...rows]);
}

export const scanScenarios: readonly Scenario[] = [
  {
    key: 'scans/order',
    title: 'rows come in the order of their bytes, each once (BD7)',
    async run(bench) {
      const engine = await bench.open();
      const random = new Random(1);
      const keys = new Set<string>();
      while (keys.size < 500) keys.add(text(random.bytes(1 + random.below(4))));
      await engine.commit([create(plain), ...[...keys].map((key) => put(plain, key, ''))]);
      const want = [...keys].sort((a, b) => (a < b ? -1 : 1)).map((key) => `${key}=`);
      assert.deepEqual(await scan(engine, plain), want);
    },
  },
  {
    key: 'scans/bounds',
    title: 'start is in, end is out, either may be absent (B9)',
    async run(bench) {
      const engine = await bench.open();
      await lettered(engine);
      const bounds = ['', 'a', 'a\0', 'aa', 'b', 'b\0', 'bb', 'bc', 'c', 'd', 'd\0', 'e', '\xff'];
      for (const start of [undefined, ...bounds]) {
        for (const end of [undefined, ...bounds]) {
          const want = letters.filter(
            (key) => (start === undefined || key >= start) && (end === undefined || key < end),
          );
          const options = {
            start: start === undefined ? undefined : bytes(start),
            end: end === undefined ? undefined : bytes(end),
          };
          assert.deepEqual(
            await scan(engine, plain, options),
            want.map((key) => `${key}=${key}`),
            `[${start}, ${end})`,
          );
        }
      }
    },
  },
  {
    key: 'scans/chunks',
    title: 'chunks hold one row at the least and chunkSize at the most',
    async run(bench) {
      const engine = await bench.open();
      await hundred(engine);
      for (const chunkSize of [1, 3, 99, 100, 101, 1_000, undefined]) {
        const chunks = await chunksOf(engine.scan(ascending, { chunkSize }));
        for (const chunk of chunks) assert.ok(chunk.length > 0 && chunk.length <= (chunkSize ?? 256));
        assert.deepEqual(
          shown(chunks).map((row) => row.slice(9)),
          Array.from({ length: 100 }, (_, n) => `${n}`),
        );
      }
    },
  },
  {
    key: 'scans/sums',
    title: 'a row that says its sum says that of its key and its value, where it was asked for (ENG10)',
    async run(bench) {
      const engine = await bench.open();
      await hundred(engine);
      await lettered(engine);
      for (const bucket of [ascending, plain]) {
        for (const chunk of await chunksOf(engine.scan(bucket, { sums: true }))) {
          for (const { key, value, sum, bytes: length } of chunk) {
            if (sum === undefined) continue;
            assert.equal(sum, crc32c(value, crc32c(key)), text(key));
            assert.equal(length, key.length + value.length, text(key));
          }
        }
      }
    },
  },
  {
    key: 'scans/state-of-the-call',
    title: 'a scan shows the state of its call, also when it is pulled later (ENG3)',
    async run(bench) {
      const engine = await bench.open();
      await lettered(engine);
      const late = engine.scan(plain);
      await engine.commit([put(plain, 'aa', 'new'), del(plain, 'c'), put(plain, 'd', 'other')]);
      assert.deepEqual(
        shown(await chunksOf(late)),
        letters.map((key) => `${key}=${key}`),
      );
    },
  },
  {
    key: 'scans/while-committing',
    title: 'a scan under way is not disturbed by commits (ENG3)',
    async run(bench) {
      const engine = await bench.open();
      await hundred(engine);
      const rows: string[] = [];
      let n = 100;
      for await (const chunk of engine.scan(ascending, { chunkSize: 7 })) {
        rows.push(...shown([chunk]));
        await engine.commit([put(ascending, numbered((n += 1)), 'later'), del(ascending, numbered(rows.length))]);
      }
      assert.deepEqual(
        rows.map((row) => row.slice(9)),
        Array.from({ length: 100 }, (_, i) => `${i}`),
      );
    },
  },
  {
    key: 'scans/side-by-side',
    title: 'scans of one state do not share a place',
    async run(bench) {
      const engine = await bench.open();
      await hundred(engine);
      const scans = [1, 2, 3].map((chunkSize) => engine.scan(ascending, { chunkSize })[Symbol.asyncIterator]());
      const seen: number[] = [0, 0, 0];
      for (let pulls = 0; pulls < 100; pulls += 1) {
        for (const [i, rows] of scans.entries()) seen[i]! += (await rows.next()).value?.length ?? 0;
      }
      assert.deepEqual(seen, [100, 100, 100]);
      for (const rows of scans) assert.equal((await rows.next()).done, true);
    },
  },
  {
    key: 'scans/left-early',
    title: 'a scan may be left at any chunk, often (R14)',
    async run(bench) {
      const engine = await bench.open();
      await hundred(engine);
      for (let i = 0; i < 300; i += 1) {
        for await (const chunk of engine.scan(ascending, { chunkSize: 1 + (i % 5) })) {
          assert.ok(chunk.length > 0);
          if (i % 3 > 0) break;
        }
      }
      const thrown = new Error('from the loop');
      const failing = async (): Promise<void> => {
        for await (const _ of engine.scan(ascending, { chunkSize: 1 })) throw thrown;
      };
      await assert.rejects(failing(), (error) => error === thrown);
      assert.equal((await scan(engine, ascending)).length, 100);
    },
  },
  {
    key: 'scans/never-pulled',
    title: 'a scan that nobody pulls holds up neither commits nor close (R14)',
    async run(bench) {
      const engine = await bench.open();
      await hundred(engine);
      engine.scan(ascending);
      const begun = engine.scan(ascending, { chunkSize: 1 })[Symbol.asyncIterator]();
      await begun.next();
      await engine.commit([del(ascending, numbered(0))]);
      await bench.close(engine);
    },
  },
  {
    key: 'scans/lent',
    title: 'rows that are only lent are right until the next ones are asked for, and what is not lent stays (ENG4)',
    async run(bench) {
      const engine = await bench.open();
      const valueOf = (n: number): string => `${n}`.padEnd(n % 50 === 7 ? 60_000 : 300, '.');
      const rows = Array.from({ length: 1200 }, (_, n) => put(ascending, numbered(n), valueOf(n)));
      await engine.commit([create(ascending), create(plain), ...rows]);
      await engine.commit([put(plain, 'a', '1'), del(ascending, numbered(600))]);
      const want = Array.from({ length: 1200 }, (_, n) => n).filter((n) => n !== 600);
      for (const chunkSize of [1, 100, 1_000, undefined]) {
        const kept = engine.scan(ascending, { chunkSize })[Symbol.asyncIterator]();
        const first = (await kept.next()).value ?? [];
        const seen: string[] = [];
        for await (const chunk of engine.scan(ascending, { chunkSize, lent: true })) {
          assert.ok(chunk.length > 0 && chunk.length <= (chunkSize ?? 256));
          seen.push(...shown([chunk]));
        }
        assert.deepEqual(
          seen,
          want.map((n) => `${text(numbered(n))}=${valueOf(n)}`),
        );
        assert.deepEqual(shown([first]), seen.slice(0, first.length));
        await kept.return?.();
      }
    },
  },
  {
    key: 'scans/abort',
    title: 'an aborted scan ends with the very reason of the signal (R11)',
    async run(bench) {
      const engine = await bench.open();
      await hundred(engine);
      for (const reason of [new Error('enough'), 'a word', Object.freeze({ any: 'thing' })]) {
        const before = AbortSignal.abort(reason);
        await assert.rejects(chunksOf(engine.scan(ascending, { signal: before })), (error) => error === reason);
        const later = new AbortController();
        let chunkN = 0;
        const aborting = async (): Promise<void> => {
          for await (const _ of engine.scan(ascending, { signal: later.signal, chunkSize: 10 })) {
            chunkN += 1;
            if (chunkN === 2) later.abort(reason);
          }
        };
        await assert.rejects(aborting(), (error) => error === reason);
        assert.equal(chunkN, 2);
      }
      const after = new AbortController();
      assert.equal((await scan(engine, ascending, { signal: after.signal })).length, 100);
      after.abort();
      assert.equal((await scan(engine, ascending)).length, 100);
    },
  },
];
