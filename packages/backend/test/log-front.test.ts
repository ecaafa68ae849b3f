/** When files are cleaned while history is given up (row G26 of docs/spec/log-file.md). */
import { StandingClock } from '@varve/base/node/standing-clock';
import { worldOf } from '@varve/base/world';
import { expect, test } from 'vitest';
import type { Change } from '../src/contract/engine.ts';
import { logEngine } from '../src/engines/log/index.ts';
import { LogDisk } from './log-disk.ts';
import { records, revision } from './log-support.ts';

const PATH = '/store';
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
};

test('G26 a file that deletions go through is rewritten when they have rested, and one that they have left wholly dead never', async () => {
  const disk = new LogDisk();
  const time = new StandingClock();
  const world = worldOf({ ...disk.world, clock: time.world.clock });
  const engine = await logEngine(PATH, { segmentBytes: 8 << 20, world });
  await engine.commit([{ type: 'createBucket', bucket: records }]);
  const value = new Uint8Array(4000);
  const put = (main: number): Change => ({ type: 'put', bucket: records, key: revision(main), value });
  for (const round of range(0, 50)) await engine.commit(range(round * 100, round * 100 + 100).map(put));
  const names = (ending: string): string[] => [...disk.files().keys()].filter((name) => name.endsWith(ending));
  expect(names('.log')).toHaveLength(3);
  let next = 0;
  const deleteTo = async (end: number): Promise<void> => {
    for (; next < end; next += 50) {
      const main = next;
      await engine.commit(range(main, main + 50).map((n) => ({ type: 'delete', bucket: records, key: revision(n) })));
      await turns(10);
    }
  };
  // Three quarters of the first file are dead; then all of it, and three quarters of the second.
  await deleteTo(1500);
  await deleteTo(3500);
  while (disk.files().has(`${PATH}/0000000001.log`)) await turns(1);
  await turns(100);
  expect(names('.dat')).toEqual([]);
  time.advance(1000);
  while (disk.files().has(`${PATH}/0000000002.log`)) await turns(1);
  expect(names('.dat')).toHaveLength(1);
  for (const main of [3500, 4000, 4999]) expect(engine.get(records, revision(main))).toEqual(value);
  await engine.close();
  expect(time.waiting).toEqual([]);
});
