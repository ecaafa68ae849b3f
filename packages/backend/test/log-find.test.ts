/** Many rows of a log at once, and neighbours one after the other: what is read for them, and that it is what was put. */
import { expect, test } from 'vitest';
import type { Change } from '../src/contract/engine.ts';
import { LogDisk, logEngineOn } from './log-disk.ts';
import { find, records, revision } from './log-support.ts';

const PATH = '/store';
const create: Change[] = [{ type: 'createBucket', bucket: records }];
const put = (main: number, value: Uint8Array): Change => ({ type: 'put', bucket: records, key: revision(main), value });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('G22 G23 one read a get; many rows in few reads, in the order asked; neighbours come from a block', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  await engine.commit(create);
  await engine.commit(range(1, 1001).map((main) => put(main, new Uint8Array(100).fill(main & 0xff))));
  await engine.close();
  engine = await logEngineOn(disk, PATH);
  let reads = 0;
  disk.before = ({ kind }) => {
    if (kind === 'read') reads += 1;
    return undefined;
  };
  engine.get(records, revision(500));
  expect(reads).toBe(1);
  reads = 0;
  const asked = range(0, 300).map((i) => revision(1 + ((i * 7) % 1000)));
  const values = find(engine, records, [...asked, revision(5000)]);
  expect(reads).toBeLessThanOrEqual(3);
  values.slice(0, 300).forEach((value, i) => expect(value?.[0]).toBe((1 + ((i * 7) % 1000)) & 0xff));
  expect(values[300]).toBeUndefined();
  reads = 0;
  for (const main of range(1, 301)) expect(engine.get(records, revision(main))?.[0]).toBe(main & 0xff);
  expect(reads).toBeLessThan(12);
  await engine.close();
});

test('G22 G23 rows with gaps between them are read together, and keep no more alive than they are', async () => {
  const disk = new LogDisk();
  let engine = await logEngineOn(disk, PATH);
  await engine.commit(create);
  await engine.commit(range(1, 2001).map((main) => put(main, new Uint8Array(200).fill(main & 0xff))));
  await engine.commit(
    range(1, 2001).map((i) => put(2000 + i, new Uint8Array(i % 500 === 0 ? 70_000 : 20).fill(i & 0xff))),
  );
  await engine.close();
  engine = await logEngineOn(disk, PATH);
  let reads = 0;
  disk.before = ({ kind }) => {
    if (kind === 'read') reads += 1;
    return undefined;
  };
  // Each a tenth of what lies between it and the next one, then each hardly less, then some longer than a block; some twice.
  for (const [step, most] of [
    [10, 16],
    [1, 20],
    [100, 30],
  ] as const) {
    reads = 0;
    const mains = range(0, 4000 / step).map((n) => 1 + ((n * 7919 * step) % 4000));
    const asked = [...mains, 3000, mains[3]!, 9999, 4000].map((main) => revision(main));
    const values = find(engine, records, asked);
    expect(reads).toBeLessThanOrEqual(most);
    const differing = asked.filter((key, i) => {
      const single = engine.get(records, key);
      return single === undefined
        ? values[i] !== undefined
        : Buffer.compare(single, values[i] ?? new Uint8Array(0)) !== 0;
    });
    expect(differing).toEqual([]);
    for (const value of values) {
      if (value !== undefined && value.length < 70_000) expect(value.buffer.byteLength).toBeLessThanOrEqual(1 << 16);
    }
  }
  await engine.close();
});
