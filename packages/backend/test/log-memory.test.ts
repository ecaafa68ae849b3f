/** Memory of a log that is written again: what was given out of it before, and what must stay (decisions/0051). */
import { expect, test } from 'vitest';
import type { Change } from '../src/contract/engine.ts';
import { logEngine } from '../src/engines/log/index.ts';
import { temporaryPath } from './file-support.ts';
import { LogDisk, logEngineOn } from './log-disk.ts';
import { records, revision } from './log-support.ts';

const PATH = '/store';
const create: Change[] = [{ type: 'createBucket', bucket: records }];
const put = (main: number, value: Uint8Array = Uint8Array.of(main & 0xff)): Change => ({
  type: 'put',
  bucket: records,
  key: revision(main),
  value,
});
const gone = (main: number): Change => ({ type: 'delete', bucket: records, key: revision(main) });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Lets work beside the writers come to its end. */
async function idle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await new Promise(setImmediate);
}

test('G9 LGSC3: a scan whose rows are lent gives the same rows, out of one memory, whatever the blocks and chunks', async () => {
  const engine = await logEngine(temporaryPath());
  await engine.commit(create);
  const value = (main: number): Uint8Array => new Uint8Array(main === 77 ? 3 << 20 : 40_000 + main).fill(main);
  for (let main = 1; main < 200; main += 20) await engine.commit(range(main, main + 20).map((n) => put(n, value(n))));
  await engine.commit([3, 4, 100].map(gone));
  const wanted = range(1, 201).filter((main) => ![3, 4, 100].includes(main));
  for (const chunkSize of [1, 10, 1000]) {
    const seen: number[] = [];
    const memories = new Set<ArrayBufferLike>();
    const kept: Uint8Array[] = [];
    for await (const chunk of engine.scan(records, { chunkSize, lent: true })) {
      for (const { key, value: found } of chunk) {
        const main = Number(Buffer.from(key).readBigUInt64BE(0));
        if (Buffer.compare(found, value(main)) !== 0) throw new Error(`revision ${main} has other bytes`);
        seen.push(main);
        memories.add(found.buffer);
        kept.push(found);
      }
    }
    expect(seen).toEqual(wanted);
    // One that grows, for the first blocks and for the long row.
    expect(memories.size).toBeLessThan(8);
    // So what was kept against the rules is overwritten: this is what the others rely on not to happen.
    expect(kept.some((found, at) => Buffer.compare(found, value(wanted[at]!)) !== 0)).toBe(true);
  }
  await engine.close();
});

test('LGRN3: runs begin with room for as many rows as the one before had, and give back what is left when their file ends', async () => {
  const disk = new LogDisk();
  const engine = await logEngineOn(disk, PATH, { segmentBytes: 64 << 10 });
  await engine.commit(create);
  for (let main = 1; main < 3000; main += 10) await engine.commit(range(main, main + 10).map((n) => put(n)));
  await idle();
  const pin = engine.pin();
  const mains: number[] = [];
  for await (const chunk of pin.scan(records))
    for (const { key } of chunk) mains.push(Number(Buffer.from(key).readBigUInt64BE(0)));
  expect(mains).toEqual(range(1, 3001));
  for (const main of [1, 64, 65, 1500, 3000])
    expect(engine.get(records, revision(main))).toEqual(Uint8Array.of(main & 0xff));
  pin[Symbol.dispose]();
  await engine.close();
  const again = await logEngineOn(disk, PATH, { segmentBytes: 64 << 10 });
  for (const main of [1, 64, 65, 1500, 3000])
    expect(again.get(records, revision(main))).toEqual(Uint8Array.of(main & 0xff));
  await again.close();
});
