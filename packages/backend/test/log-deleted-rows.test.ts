/** Neighbours that a commit deletes one after the other (row G33 of docs/spec/log-file.md), and the sums of rows that a scan gives. */
import { crc32c } from '@varve/base/crc32c';
import { nodeWorld } from '@varve/base/node/world';
import { Slice } from '@varve/base/pace';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Bucket } from '../src/contract/bucket.ts';
import type { Change, Engine, Entry } from '../src/contract/engine.ts';
import {
  DELETE_ROWS,
  FRAME_HEAD,
  FRAME_TAIL,
  ROW_HEAD,
  SUM_BYTES,
  tailSum,
  writeFrameHead,
  writeFrameTail,
  writeRowHead,
} from '../src/engines/log/format/frame.ts';
import { aligned } from '../src/engines/log/format/seed.ts';
import { HEADER_BYTES, readHeader } from '../src/engines/log/format/segment-header.ts';
import { walkFrames } from '../src/engines/log/open/walk-frames.ts';
import { Window } from '../src/engines/log/open/window.ts';
import { LogDisk, logEngineOn } from './log-disk.ts';
import { dump, records, revision, shown, small, words } from './log-support.ts';

const PATH = '/store';
const LOG = `${PATH}/0000000001.log`;
const create: Change[] = [records, words, small].map((bucket) => ({ type: 'createBucket', bucket }));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
/** The keys of a bucket, by number, ascending: revisions, some of them of tombstones, and words. */
const keyOf = (bucket: Bucket, n: number): Uint8Array =>
  bucket === records ? revision(1 + (n >>> 1), n & 1, n % 5 === 0) : Buffer.from(`w${String(n).padStart(6, '0')}`);
const put = (bucket: Bucket, n: number): Change => ({
  type: 'put',
  bucket,
  key: keyOf(bucket, n),
  value: new Uint8Array(n % 40).fill(n),
});
const gone = (bucket: Bucket, n: number): Change => ({ type: 'delete', bucket, key: keyOf(bucket, n) });

async function rowsOf(engine: Engine, sums: boolean): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const rows of engine.scan(records, { sums })) found.push(...rows);
  return found;
}

test('G33 law 7 whatever is deleted in whatever order is gone, and nothing else, now and when the log is read again', async () => {
  const step = fc.record({
    bucket: fc.constantFrom(records, words),
    from: fc.nat(60),
    length: fc.integer({ min: 1, max: 20 }),
    /** Down from the end, every second, with puts between, with rows that are not there. */
    way: fc.constantFrom('up', 'down', 'second', 'puts', 'missing'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 6 }),
      fc.nat(2),
      async (commits, cleans) => {
        const disk = new LogDisk();
        const engine = await logEngineOn(disk, PATH, { segmentBytes: 4096 });
        const live = new Map<Bucket, Set<number>>([records, words].map((bucket) => [bucket, new Set(range(0, 60))]));
        const next = new Map<Bucket, number>([records, words].map((bucket) => [bucket, 60]));
        await engine.commit(create);
        for (const bucket of live.keys()) {
          await engine.commit(range(0, 30).map((n) => put(bucket, n)));
          await engine.commit(range(30, 60).map((n) => put(bucket, n)));
        }
        for (const [at, steps] of commits.entries()) {
          const changes: Change[] = [];
          for (const { bucket, from, length, way } of steps) {
            const rows = live.get(bucket)!;
            const numbers = range(from, from + length).filter((n) => way !== 'second' || n % 2 === 0);
            for (const n of way === 'down' ? numbers.toReversed() : numbers) {
              if (!rows.has(n) && way !== 'missing') continue;
              changes.push(gone(bucket, n));
              rows.delete(n);
              if (way !== 'puts' || n % 3 > 0) continue;
              const added = next.get(bucket)!;
              next.set(bucket, added + 1);
              changes.push(put(bucket, added));
              rows.add(added);
            }
          }
          await engine.commit(changes);
          if (at % 3 < cleans) await engine.compact();
        }
        const wanted = shown(
          new Map([
            ...[...live].map(
              ([bucket, rows]) =>
                [
                  bucket.name,
                  new Map(
                    [...rows].map((n) => [
                      Buffer.from(keyOf(bucket, n)).toString('hex'),
                      Buffer.from(new Uint8Array(n % 40).fill(n)).toString('hex'),
                    ]),
                  ),
                ] as const,
            ),
            [small.name, new Map()] as const,
          ]),
        );
        expect(shown(await dump(engine))).toBe(wanted);
        const again = await logEngineOn(disk.afterDeath(), PATH, { segmentBytes: 4096 });
        expect(shown(await dump(again))).toBe(wanted);
        await Promise.all([engine.close(), again.close()]);
      },
    ),
    { numRuns: 40 },
  );
});

test('G33 ten thousand neighbours that go take no more of the log than one; a row that is not there takes nothing', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit(create);
  await engine.commit(range(0, 20_000).map((n) => put(records, n)));
  const grown = async (changes: Change[]): Promise<number> => {
    const before = engine.size;
    await engine.commit(changes);
    return engine.size - before;
  };
  const frame = FRAME_HEAD + FRAME_TAIL + 8;
  expect(await grown(range(0, 10_000).map((n) => gone(records, n)))).toBeLessThanOrEqual(frame + ROW_HEAD + 36);
  expect(await grown(range(0, 10_000).map((n) => gone(records, n)))).toBeLessThanOrEqual(frame);
  expect(await grown(range(5000, 10_005).map((n) => gone(records, n)))).toBeLessThanOrEqual(frame + ROW_HEAD + 36);
  const second = range(6000, 8000).map((n) => gone(records, 2 * n));
  expect(await grown(second)).toBeGreaterThan(2000 * ROW_HEAD);
  await engine.close();
});

test('G16 a row that deletes many rows of a bucket in memory is damage', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit([...create, { type: 'put', bucket: small, key: Uint8Array.of(1), value: Uint8Array.of(1) }]);
  const left = disk.afterDeath();
  await engine.close();
  const file = await left.open(LOG, 'durable');
  const { salt } = readHeader(left.files().get(LOG)!.subarray(0, HEADER_BYTES))!;
  const walk = { salt, from: HEADER_BYTES, commit: 1 };
  const { end } = await walkFrames(new Window(file), walk, new Slice(nodeWorld.clock), () => undefined);
  const place = aligned(end);
  const length = FRAME_HEAD + ROW_HEAD + 2 + FRAME_TAIL;
  const frame = new Uint8Array(length).fill(1);
  const rowAt = FRAME_HEAD;
  const rowEnd = length - FRAME_TAIL;
  const row = { op: DELETE_ROWS, flags: 0, bucket: 3, keyLength: 1 };
  writeRowHead(frame, rowAt, rowEnd, row, salt, place + rowAt);
  const sum = writeFrameHead(frame, 0, salt, place, { rows: 1, length, commit: 2 });
  writeFrameTail(frame, rowEnd, tailSum(salt, place, sum, frame.slice(rowAt, rowAt + SUM_BYTES), 1));
  await file.write([frame], place);
  await file.close();
  await expect(logEngineOn(left, PATH)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
});

test('G16 rows say their sum where it is asked for, which is that of key and value; a damaged one is not given', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH);
  await engine.commit(create);
  await engine.commit(range(0, 500).map((n) => put(records, n)));
  const rows = await rowsOf(engine, true);
  expect(rows).toHaveLength(500);
  for (const [n, { key, value, sum, bytes }] of rows.entries()) {
    expect({ key, value }).toEqual({ key: keyOf(records, n), value: new Uint8Array(n % 40).fill(n) });
    expect({ sum, bytes }).toEqual({ sum: crc32c(value, crc32c(key)), bytes: key.length + value.length });
  }
  expect((await rowsOf(engine, false)).every((row) => !('sum' in row))).toBe(true);
  const flipped = disk.files();
  await engine.close();
  const log = flipped.get(LOG)!;
  const at = log.indexOf(Buffer.from(new Uint8Array(39).fill(199)));
  log[at] = log[at]! ^ 1;
  const damaged = LogDisk.holding(new Map([...disk.files(), [LOG, log]]));
  const again = await logEngineOn(damaged, PATH);
  await expect(rowsOf(again, true)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  await again.close();
});
