/** When `ACKED` is written (G12). */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { StandingClock } from '@varve/base/node/standing-clock';
import { ACKED_BYTES, readAcked } from '../src/engines/log/format/acked.ts';
import { AckedFile } from '../src/engines/log/write/acked-file.ts';
import { LogDisk } from './log-disk.ts';

const id = '0123456789abcdef';

test('G12 ACKED is written a turn after an acknowledgement, or 10 ms after the last time, and says the newest', async () => {
  const disk = new LogDisk();
  const clock = new StandingClock();
  let writes = 0;
  disk.before = ({ kind }) => {
    if (kind === 'write') writes += 1;
    return undefined;
  };
  const acked = new AckedFile(clock.world.clock, await disk.open('/ACKED', 'create'), id, 0, 1);
  const said = (): number | undefined => {
    const bytes = new Uint8Array(ACKED_BYTES);
    bytes.set(disk.files().get('/ACKED')!);
    return readAcked(bytes, id)?.commit;
  };
  acked.note(1);
  expect(writes).toBe(0); // whoever was answered goes first
  await turn();
  await turn();
  expect([said(), writes]).toEqual([1, 1]);
  acked.note(2);
  acked.note(3);
  clock.advance(9);
  await turn();
  expect([said(), writes, clock.waiting]).toEqual([1, 1, [1]]);
  clock.advance(1);
  await turn();
  expect([said(), writes]).toEqual([3, 2]);
  clock.advance(10);
  acked.note(4);
  await turn();
  await turn();
  expect([said(), writes]).toEqual([4, 3]);
  acked.note(5);
  await acked.close();
  expect([said(), writes, clock.waiting]).toEqual([5, 4, []]);
});
