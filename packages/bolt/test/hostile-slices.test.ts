/** Large pages of a stranger's file are read in slices (law 10). */
import { afterAll, describe, expect, test } from 'vitest';
import { openBolt } from '../src/index.ts';
import { bucket, LEAF, oneBucket, pageRun, writeShape } from './hostile-file.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

describe('XE2: long work inside of one page', () => {
  /** Time of the processor: what others have of it is no pause of ours. */
  const spent = (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };

  /** The longest work that no timer got a turn in, as a part of all of it. */
  async function longestPause(work: () => Promise<unknown>): Promise<number> {
    const start = spent();
    let last = start;
    let longest = 0;
    const look = (): void => {
      const now = spent();
      longest = Math.max(longest, now - last);
      last = now;
    };
    const beat = setInterval(look, 1);
    await work();
    clearInterval(beat);
    look();
    return longest / (spent() - start);
  }

  test('XE2: a page of 128 MB, and one of 65,535 inline buckets, are read in slices', async () => {
    const length = 128 << 20;
    const pages = Math.ceil((33 + length + 8) / 4096);
    const value = pageRun(3, LEAF, [{ key: 'k', valueLength: length }], { pages: 1, overflow: pages - 1 });
    const image = pageRun(0, LEAF, [{ key: 'k', value: 'v' }], { exact: true });
    const buckets = pageRun(
      3,
      LEAF,
      Array.from({ length: 65_535 }, (_, i) => bucket(`k${String(i).padStart(6, '0')}`, 0, image)),
    );
    for (const shape of [{ ...oneBucket(value), pages: 3 + pages }, oneBucket(buckets)]) {
      await using bolt = await openBolt(writeShape(scratch.file(), shape), { readOnly: true });
      // The best of three: the collector stops everybody now and then.
      for (const work of [() => bolt.check(), () => bolt.stats()]) {
        const pauses = [await longestPause(work), await longestPause(work), await longestPause(work)];
        expect(Math.min(...pauses)).toBeLessThan(0.4); // in one piece it is nearly 1
      }
    }
  });
});
