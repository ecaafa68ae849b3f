/** What the log engine does without: copies, reads and long turns (rows of docs/spec/log-file.md). */
import { expect, test } from 'vitest';
import { buckets, openBackend } from '../src/index.ts';
import type { Change } from '../src/contract/engine.ts';
import type { PackedChanges } from '../src/contract/packed-changes.ts';
import { LogDisk, logEngineOn, seeded } from './log-disk.ts';
import { records, revision, small, words } from './log-support.ts';

const PATH = '/store';
const create: Change[] = [records, words, small].map((bucket) => ({ type: 'createBucket', bucket }));
const put = (main: number, value: Uint8Array = Uint8Array.of(main & 0xff)): Change => ({
  type: 'put',
  bucket: records,
  key: revision(main),
  value,
});
const gone = (main: number): Change => ({ type: 'delete', bucket: records, key: revision(main) });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('G9 ENG4 over the Backend no row is copied: what goes to the file is the blocks that were encoded into, from the first room to the last', async () => {
  const written: Uint8Array[] = [];
  const blocks = new Set<ArrayBufferLike>();
  let rowBytes = 0;
  const disk = new LogDisk();
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => {
    const file = await open(path, mode);
    const write = file.write.bind(file);
    file.write = (buffers, position) => {
      if (path.endsWith('.log')) written.push(...buffers);
      return write(buffers, position);
    };
    return file;
  };
  const engine = await logEngineOn(disk, PATH);
  const commit = engine.commit.bind(engine);
  engine.commit = (changes) => {
    const rows = changes as PackedChanges;
    for (let i = 0; i < rows.length; i += 1) {
      if (!rows.isPut(i)) continue;
      blocks.add(rows.block(i).buffer);
      rowBytes += 16 + rows.end(i) - rows.start(i);
    }
    return commit(changes);
  };
  const backend = await openBackend(engine);
  backend.batchTx((tx) => tx.createBucket(buckets.key));
  await backend.forceCommit();
  written.length = rowBytes = 0;
  blocks.clear();
  for (let section = 0; section < 50; section += 1) {
    backend.batchTx((tx) => {
      for (let sub = 0; sub < 20; sub += 1)
        tx.put(buckets.key, revision(section + 2, sub), new Uint8Array(300).fill(sub));
    });
  }
  await backend.forceCommit();
  const lent = written.filter((buffer) => blocks.has(buffer.buffer));
  expect(rowBytes).toBeGreaterThan(1000 * 300);
  expect(lent.reduce((sum, { length }) => sum + length, 0)).toBe(rowBytes);
  expect(lent.length).toBe(blocks.size);
  // What else there is: head and tail of the frame.
  expect(written.filter((buffer) => !blocks.has(buffer.buffer)).every((buffer) => buffer.length <= 32)).toBe(true);
  await backend.close();
});

test('G23 what was committed last is read where it lies in memory, and all of it from the file later', async () => {
  let reads = 0;
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  const value = (n: number): Uint8Array => new Uint8Array(n % 3 === 0 ? 20_000 : 200).fill(n);
  const check = (from: number, to: number): number => {
    const before = reads;
    for (let n = from; n <= to; n += 1) {
      if (Buffer.compare(engine.get(records, revision(n)) ?? new Uint8Array(0), value(n)) !== 0)
        throw new Error(`${n} is another`);
    }
    return reads - before;
  };
  disk.before = ({ kind, path }) => {
    if (kind === 'read' && path.endsWith('.log')) reads += 1;
    return undefined;
  };
  await engine.commit(create);
  for (let n = 1; n <= 1000; n += 50) await engine.commit(range(n, n + 50).map((one) => put(one, value(one))));
  expect(check(700, 1000)).toBe(0);
  expect(check(1, 50)).toBeGreaterThan(0);
  await engine.commit([{ type: 'delete', bucket: records, key: revision(1000) }]);
  expect(engine.get(records, revision(1000))).toBeUndefined();
  // Memory that somebody has written to is not believed: the file is.
  const shown = engine.get(records, revision(999))!;
  shown.fill(1);
  expect(engine.get(records, revision(999))).toEqual(value(999));
  await engine.close();
  engine = await logEngineOn(disk, PATH);
  expect(check(1, 999)).toBeGreaterThan(0);
  await engine.close();
});

test('G25 law 10 rows deleted while their files are rewritten are gone, before and after opening anew', async () => {
  for (let seed = 1; seed <= 4; seed += 1) {
    const random = seeded(seed);
    const disk = new LogDisk();
    let engine = await logEngineOn(disk, PATH, { segmentBytes: 1 << 20 });
    await engine.commit(create);
    const alive = new Set(range(1, 30_001));
    for (let from = 1; from <= 30_000; from += 10_000) {
      await engine.commit(range(from, from + 10_000).map((main) => put(main)));
    }
    const some = (share: number): Change[] =>
      [...alive].filter(() => random() < share).map((main) => (alive.delete(main), gone(main)));
    await engine.commit(some(0.3));
    let isDone = false;
    const compacting = engine.compact().then(() => {
      isDone = true;
    });
    for (let i = 0; i < 2000 && !isDone; i += 1) {
      await engine.commit(some(0.02));
      await new Promise(setImmediate);
    }
    await compacting;
    const keys = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const rows of engine.scan(records))
        found.push(...rows.map(({ key }) => Buffer.from(key).toString('hex')));
      return found;
    };
    const wanted = [...alive].map((main) => Buffer.from(revision(main)).toString('hex'));
    expect(await keys()).toEqual(wanted);
    const inUse = engine.sizeInUse;
    await engine.close();
    engine = await logEngineOn(disk, PATH, { segmentBytes: 1 << 20 });
    expect(await keys()).toEqual(wanted);
    expect(engine.sizeInUse).toBe(inUse);
    await engine.close();
  }
}, 120_000);
