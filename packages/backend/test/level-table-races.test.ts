/** Scans of tables against everything that moves meanwhile, and over rows of every shape (law 3, ENG3, ENG4, R74). */
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Bucket } from '../src/contract/bucket.ts';
import type { Change, Engine, Entry, ScanOptions } from '../src/contract/engine.ts';
import type { LevelClass } from '../src/engines/level/driver.ts';
import { nodeFiles, type Files } from '../src/engines/level/files.ts';
import type { LevelEngine } from '../src/engines/level/engine/level-engine.ts';
import { bytes, create, open, put, rows, temporaryPath } from './level-support.ts';

const TABLES_AT_ONCE = { rows: 1, bytes: 0, bytesToWrite: 0 };
const LEVELDB_ONLY = { rows: Infinity, bytes: Infinity, bytesToWrite: Infinity };

const name = (n: number): string => `k${String(n).padStart(4, '0')}`;

async function read(view: Pick<Engine, 'scan'>, bucket: Bucket, options: ScanOptions): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const chunk of view.scan(bucket, options)) found.push(...chunk);
  return found;
}

/** What rows are, so that two lists of them are compared quickly. */
const shown = (entries: readonly Entry[]): string[] =>
  entries.map(({ key, value }) => `${Buffer.from(key).toString('latin1')}=${Buffer.from(value).toString('latin1')}`);

/** Files that count how many are open. */
function counted(): { readonly files: Partial<Files>; readonly open: () => number } {
  let openN = 0;
  const files = {
    async open(path: string) {
      const file = await nodeFiles.open(path);
      openN++;
      return { ...file, close: () => file.close().finally(() => openN--) };
    },
  };
  return { files, open: () => openN };
}

const step = fc.record({
  key: fc.nat(150),
  length: fc.integer({ min: 20, max: 4000 }),
  isDelete: fc.nat(3).map((n) => n === 0),
});
const commit = fc.array(step, { minLength: 1, maxLength: 30 });

test('law 3, ENG3: scans of five states, begun and read while commits, flushes and compactions go on, show each its own', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(commit, { minLength: 5, maxLength: 5 }),
      fc.array(commit, { minLength: 10, maxLength: 25 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 5, maxLength: 5 }),
      async (before, meanwhile, chunkSizes) => {
        const engine = await open(temporaryPath(), { longScan: TABLES_AT_ONCE });
        const model = new Map<string, string>();
        let salt = 0;
        const changesOf = (steps: (typeof before)[number]): Change[] =>
          steps.map(({ key, length, isDelete }) => {
            const value = `${salt++}-`.padEnd(length, 'v');
            if (isDelete) model.delete(name(key));
            else model.set(name(key), value);
            return isDelete ? { type: 'delete', bucket: rows, key: bytes(name(key)) } : put(name(key), value);
          });
        await engine.commit([create()]);
        const reading: Promise<void>[] = [];
        for (const [at, steps] of before.entries()) {
          await engine.commit(changesOf(steps));
          const expected = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
          const pin = engine.pin();
          const check = async (): Promise<void> => {
            for (let round = 0; round < 3; round++) {
              expect(shown(await read(pin, rows, { chunkSize: chunkSizes[at] }))).toEqual(expected);
            }
          };
          reading.push(check().finally(() => pin[Symbol.dispose]()));
        }
        const writing = async (): Promise<void> => {
          for (const [at, steps] of meanwhile.entries()) {
            await engine.commit(changesOf(steps));
            if (at % 4 === 3) await engine.compact();
          }
        };
        await Promise.all([...reading, writing()]);
        await engine.close();
      },
    ),
    { numRuns: 8 },
  );
});

test('TA4, law 3: rows of six mebibytes beside small ones, keys that begin with other slots, empty ranges: as LevelDB shows them', async () => {
  const path = temporaryPath();
  const others: readonly Bucket[] = ['a', 'key', 'z'].map((of, id) => ({ id, name: of, appendOnly: false }));
  const wide = new Uint8Array(6 << 20).map((_, at) => (at * 31) >>> 3);
  const keys = [
    ...Array.from({ length: 6 }, (_, slot) => Uint8Array.of(0, slot)),
    ...Array.from({ length: 6 }, (_, slot) => Uint8Array.of(0, slot, 0, slot, 107)),
    Uint8Array.of(0xff),
    new Uint8Array(300).fill(0xff),
    new Uint8Array(20_000).fill(7),
    bytes('\n--- level 0 ---\n 9:9['), // as LevelDB's list of tables has it
    bytes('wide'),
    bytes('wide2'),
  ];
  const all: Change[] = others.flatMap((bucket) => [
    { type: 'createBucket', bucket },
    ...keys.map((key, at): Change => {
      const value = key[0] === 119 ? wide.subarray(at) : bytes(`${bucket.name} ${at}`.padEnd(at * 300));
      return { type: 'put', bucket, key, value };
    }),
  ]);
  const first = await open(path);
  await first.commit(all);
  await first.close();
  const ranges: ScanOptions[] = [
    {},
    { start: bytes('b') },
    { start: keys[3], end: keys[3] },
    { start: bytes('x'), end: bytes('b') },
    { start: keys[2], end: bytes('wide') },
    { start: bytes('wide'), end: bytes('wide\0') },
    { start: new Uint8Array(301).fill(0xff) },
  ];
  const answers: string[][][] = [];
  for (const longScan of [LEVELDB_ONLY, TABLES_AT_ONCE]) {
    const engine = await open(path, { longScan });
    const found: string[][] = [];
    for (const bucket of others) {
      for (const range of ranges) {
        const entries = await read(engine, bucket, { ...range, chunkSize: 1 });
        found.push(
          entries.map(
            ({ key, value }) => `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('base64')}`,
          ),
        );
      }
    }
    answers.push(found);
    await engine.close();
  }
  expect(answers[0]![0]).toHaveLength(keys.length);
  expect(
    answers[1]!.map((rowsOf, at) => rowsOf.every((row, n) => row === answers[0]![at]![n]) && rowsOf.length),
  ).toEqual(answers[0]!.map(({ length }) => length));
});

test('ENG4: bytes that a scan of tables gave out stay as they are while it goes on and after it', async () => {
  const path = temporaryPath();
  const first = await open(path);
  const value = (n: number): string => `${n} `.padEnd(3000, String(n % 10));
  for (let from = 0; from < 2000; from += 200) {
    await first.commit([create(), ...Array.from({ length: 200 }, (_, n) => put(name(from + n), value(from + n)))]);
  }
  await first.close();
  const engine = await open(path, { longScan: TABLES_AT_ONCE });
  const entries = await read(engine, rows, { chunkSize: 64 });
  await engine.close();
  expect(entries).toHaveLength(2000);
  expect(shown(entries).every((row, n) => row === `${name(n)}=${value(n)}`)).toBe(true);
});

test.each(['closed', 'aborted', 'left'])(
  'R74, ENG7: %s at any step, a scan ends so, and no file stays open',
  async (how) => {
    const path = temporaryPath();
    const first = await open(path);
    for (let n = 0; n < 4; n++) {
      await first.commit([create(), ...Array.from({ length: 40 }, (_, i) => put(`${i}-${n}`, 'v'.repeat(9000)))]);
    }
    await first.close();
    for (let steps = 0; steps < 12; steps++) {
      const { files, open: openN } = counted();
      const engine = await open(path, { longScan: TABLES_AT_ONCE, files });
      await engine.commit([put('newest', String(steps))]);
      const abort = new AbortController();
      const reason = new Error('enough');
      const scan = engine.scan(rows, { chunkSize: 10, signal: abort.signal })[Symbol.asyncIterator]();
      for (let n = 0; n < steps >> 1; n++) await scan.next();
      const last = scan.next().catch((error: unknown) => error); // under way, or not, when it happens
      if (steps % 2 === 1) await new Promise(setImmediate);
      if (how === 'aborted') abort.abort(reason);
      if (how === 'left') await scan.return!();
      if (how === 'closed') await engine.close();
      const found = await last;
      const why = how === 'aborted' ? { message: 'enough' } : { code: 'BACKEND_CLOSED' };
      if (found instanceof Error) expect(found).toMatchObject(why);
      const after = await scan.next().catch((error: unknown) => error);
      if (how === 'closed') expect(after).toMatchObject({ code: 'BACKEND_CLOSED' });
      if (how === 'left') expect(after).toEqual({ done: true, value: undefined });
      if (how === 'aborted' && !(found instanceof Error)) expect(after).toBe(reason);
      expect(openN()).toBe(0);
      await engine.close();
    }
  },
);

test('TA2: a list of tables that LevelDB has replaced by the time they are pinned is not used', async () => {
  const path = temporaryPath();
  const first = await open(path);
  for (let n = 0; n < 4; n++) {
    await first.commit([create(), ...Array.from({ length: 40 }, (_, i) => put(`${i}-${n}`, 'v'.repeat(5000)))]);
  }
  await first.close();
  let listed: string[] = [];
  let stale: string | undefined;
  const Level = class extends ClassicLevel<Uint8Array, Uint8Array> {
    override getProperty(property: string): string {
      const told = stale ?? super.getProperty(property);
      stale = undefined;
      listed.push(told);
      return told;
    }
  } as unknown as LevelClass;
  const engine = await open(path, { longScan: TABLES_AT_ONCE, Level });
  const expected = shown(await read(engine, rows, { chunkSize: 10 }));
  expect(expected).toHaveLength(160);
  const [before] = listed;
  await engine.commit([put('newest', 'one')]); // so that there is something to compact, whatever LevelDB has done by itself
  await engine.compact();
  expect(await (engine as LevelEngine).intoTables()).toBe(true);
  listed = [];
  stale = before;
  expect(shown(await read(engine, rows, { chunkSize: 10 }))).toEqual([...expected, 'newest=one']);
  expect(listed[0]).toBe(before);
  expect(listed.slice(1).every((told) => told !== before)).toBe(true);
  expect(listed.length).toBeGreaterThan(3);
});
