/** When the segment that is written is ended before it is full (rows of docs/spec/log-file.md). */
import { expect, test } from 'vitest';
import type { Change, Engine } from '../src/contract/engine.ts';
import { logEngine } from '../src/engines/log/index.ts';
import type { LogEngine } from '../src/engines/log/log-engine.ts';
import { temporaryPath } from './file-support.ts';
import { records, revision } from './log-support.ts';

const create: Change[] = [{ type: 'createBucket', bucket: records }];
const put = (main: number, value: Uint8Array): Change => ({
  type: 'put',
  bucket: records,
  key: revision(main),
  value,
});
const gone = (main: number): Change => ({ type: 'delete', bucket: records, key: revision(main) });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Bytes of each segment that there is. */
const segmentsOf = (engine: Engine): number[] =>
  (engine as LogEngine).stats().files.flatMap(({ name, bytes }) => (name.endsWith('.log') ? [bytes] : []));

test('G26 law 9 a small store that is written over and over closes its segment long before it is full, and takes little', async () => {
  const engine = await logEngine(temporaryPath());
  await engine.commit(create);
  const value = new Uint8Array(1 << 20).fill(7);
  for (const main of range(1, 31)) {
    await engine.commit(main > 3 ? [put(main, value), gone(main - 3)] : [put(main, value)]);
    // 8 MiB dead and 3 alive, and the frame that brought it there.
    expect(Math.max(...segmentsOf(engine))).toBeLessThan(13 << 20);
  }
  // Of closed segments a few mebibytes may stay that are not worth a rewriting.
  while (engine.size > 16 << 20) await new Promise(setImmediate);
  for (const main of range(28, 31)) expect(engine.get(records, revision(main))?.length).toBe(value.length);
  await engine.close();
});

test('G26 where more lives than is dead, the segment goes on', async () => {
  const engine = await logEngine(temporaryPath());
  await engine.commit(create);
  const value = new Uint8Array(1 << 20);
  for (const main of range(1, 23)) await engine.commit([put(main, value)]);
  for (const main of range(1, 11)) await engine.commit([gone(main)]);
  await engine.commit([put(23, new Uint8Array(1))]);
  expect(segmentsOf(engine)).toHaveLength(1);
  await engine.commit([gone(11), gone(12)]);
  await engine.commit([put(24, new Uint8Array(1))]);
  expect(segmentsOf(engine).at(-1)).toBeLessThan(1 << 20);
  await engine.close();
});
