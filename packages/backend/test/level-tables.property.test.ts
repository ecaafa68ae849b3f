/** Scans that read LevelDB's tables themselves: they show what LevelDB would, whatever lies where and moves meanwhile. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change, Engine, Entry, ScanOptions } from '../src/contract/engine.ts';
import { nodeFiles } from '../src/engines/level/files.ts';
import { bytes, counts, create, open, put, rows, scanned, temporaryPath } from './level-support.ts';

const LEVELDB_ONLY = { rows: Infinity, bytes: Infinity, bytesToWrite: Infinity };
const TABLES_AT_ONCE = { rows: 1, bytes: 0, bytesToWrite: 0 };

const shown = (entries: readonly Entry[]): string[] =>
  entries.map(({ key, value }) => `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('latin1')}`);

async function all(view: Pick<Engine, 'scan'>, options?: ScanOptions): Promise<string[]> {
  const found: Entry[] = [];
  for await (const chunk of view.scan(rows, options)) found.push(...chunk);
  return shown(found);
}

/** Keys of all lengths, prefixes of each other among them. */
function keyOf(n: number): Uint8Array {
  const key = new Uint8Array((n % 37) + (n % 11 === 0 ? 300 : 1)).fill(n % 7 === 0 ? 0 : 255);
  key[0] = n & 255;
  return key;
}

interface Step {
  readonly key: number;
  readonly length: number;
  readonly isDelete: boolean;
}

function change({ key, length, isDelete }: Step, salt: number): Change {
  if (isDelete) return { type: 'delete', bucket: rows, key: keyOf(key) };
  return { type: 'put', bucket: rows, key: keyOf(key), value: bytes(`${salt}-`.padEnd(length, 'v')) };
}

const step = fc.record({
  key: fc.nat(300),
  length: fc.oneof(fc.nat(60), fc.nat(9000)),
  isDelete: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
});
const session = fc.array(fc.array(step, { minLength: 1, maxLength: 40 }), { maxLength: 6 });
const history = fc.record({
  sessions: fc.array(session, { minLength: 1, maxLength: 4 }),
  later: session,
  chunkSize: fc.integer({ min: 1, max: 70 }),
  start: fc.option(fc.nat(300), { nil: undefined }),
  end: fc.option(fc.nat(300), { nil: undefined }),
  compactsFirst: fc.boolean(),
});

test('law 3, ENG3: what tables show is what LevelDB shows, while commits and compaction replace them', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ sessions, later, chunkSize, start, end, compactsFirst }) => {
      const path = temporaryPath();
      let salt = 0;
      const apply = async (engine: Engine, commits: readonly (readonly Step[])[]): Promise<void> => {
        for (const steps of commits) await engine.commit(steps.map((one) => change(one, salt++)));
      };
      for (const [n, commits] of sessions.entries()) {
        const engine = await open(path);
        if (n === 0) await engine.commit([create(counts), create(), put('count', '1', counts)]);
        await apply(engine, commits);
        if (compactsFirst && n === 0) await engine.compact();
        await engine.close();
      }
      const options = {
        chunkSize,
        start: start === undefined ? undefined : keyOf(start),
        end: end === undefined ? undefined : keyOf(end),
      };
      const plain = await open(path, { longScan: LEVELDB_ONLY });
      const expected = await all(plain, options);
      await plain.close();

      const engine = await open(path, { longScan: TABLES_AT_ONCE });
      const pin = engine.pin();
      const fresh = all(engine, options);
      const half = engine.scan(rows, { ...options, chunkSize: 1 })[Symbol.asyncIterator]();
      await half.next();
      expect(await fresh).toEqual(expected);
      await apply(engine, later);
      const newer = engine.pin();
      const model = await all(newer, { ...options, chunkSize: 1000 });
      await apply(engine, later);
      expect(await all(newer, { ...options, chunkSize: 1 })).toEqual(model);
      await engine.compact();
      expect(await all(newer, options)).toEqual(model);
      expect(await all(pin, options)).toEqual(expected);
      const rest: Entry[] = [];
      for (let next = await half.next(); next.done !== true; next = await half.next()) rest.push(...next.value);
      expect(shown(rest)).toEqual(expected.slice(1));
      await engine.close();
    }),
    { numRuns: 12 },
  );
});

async function filled(path: string, repeats = 300): Promise<void> {
  const engine = await open(path);
  await engine.commit([create()]);
  for (let commit = 0; commit < 8; commit++) {
    const changes = Array.from({ length: 40 }, (_, i) => put(`${i}-${commit}`, `value ${i} `.repeat(repeats)));
    await engine.commit(changes);
  }
  await engine.close();
}

test('R74: a scan in the tables ends when the engine closes, and no file stays open', async () => {
  const path = temporaryPath();
  await filled(path, 2000);
  let opened = 0;
  const files = {
    async open(name: string) {
      const file = await nodeFiles.open(name);
      opened++;
      return {
        ...file,
        close: async () => {
          opened--;
          await file.close();
        },
      };
    },
  };
  const engine = await open(path, { files });
  const scan = engine.scan(rows, { chunkSize: 10 })[Symbol.asyncIterator]();
  const left = engine.scan(rows, { chunkSize: 10 })[Symbol.asyncIterator]();
  const unread = engine.scan(rows, { chunkSize: 10 })[Symbol.asyncIterator]();
  for (const one of [scan, left, scan, left]) await one.next();
  await unread.next();
  expect(opened).toBeGreaterThan(0);
  await left.return!();
  await engine.close();
  await expect(scan.next()).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
  expect(opened).toBe(0);
});

test('R33: a table that cannot be read ends the scan with BACKEND_FAILED, and the engine goes on', async () => {
  const path = temporaryPath();
  await filled(path);
  let fails = false;
  const files = {
    async open(name: string) {
      if (fails) throw Object.assign(new Error('EIO: i/o error, open'), { code: 'EIO' });
      return nodeFiles.open(name);
    },
  };
  const engine = await open(path, { files });
  fails = true;
  await expect(all(engine, { chunkSize: 10 })).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
  fails = false;
  expect(await scanned(engine)).toHaveLength(320);
});

test('R67: a bit that changes after the tables were checked is BACKEND_CORRUPT, or makes no difference', async () => {
  const path = temporaryPath();
  await filled(path);
  const reference = await open(path);
  const expected = shown(await scanned(reference));
  await reference.close();
  let flip = -1;
  const files = {
    async open(name: string) {
      const file = await nodeFiles.open(name);
      return {
        ...file,
        async read(into: Uint8Array, position: number) {
          const filledBytes = await file.read(into, position);
          const at = flip - position;
          if (flip >= 0 && at >= 0 && at < filledBytes) into[at]! ^= 1 << (flip & 7);
          return filledBytes;
        },
      };
    },
  };
  const engine = await open(path, { files });
  let corrupt = 0;
  for (flip = 5003; flip < 200_000; flip += 4999) {
    try {
      const found = await all(engine, { chunkSize: 1 });
      // A changed sequence number, or a row that seems deleted, is what the check at open is for.
      expect(expected).toEqual(expect.arrayContaining(found));
    } catch (error) {
      expect(error).toMatchObject({ code: 'BACKEND_CORRUPT' });
      corrupt++;
    }
  }
  expect(corrupt).toBeGreaterThan(20);
});
