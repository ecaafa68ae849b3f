/** Nested buckets dropped together with the buckets around them: each of their pages is freed once. */
import { expect, test } from 'vitest';
import type { WriteBucket, WriteTransaction } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const PATH = '/disk/n.db';

type Body = (tx: WriteTransaction) => unknown;
const outer = (tx: WriteTransaction): WriteBucket => tx.createBucketIfMissing('outer');
const middle = (tx: WriteTransaction): WriteBucket => outer(tx).createBucketIfMissing('middle');
const put = (bucket: WriteBucket): void => bucket.put('k', 'x'.repeat(400));
const dropInner: Body = (tx) => middle(tx).deleteBucket('inner');
const dropMiddle: Body = (tx) => outer(tx).deleteBucket('middle');
const dropOuter: Body = (tx) => tx.deleteBucket('outer');
const refuse: Body = () => {
  throw new Error('refused');
};
const nestedDrops: [string, readonly (readonly Body[])[]][] = [
  ['inner, then its parent', [[dropInner, dropMiddle]]],
  ['from the inside out', [[dropInner, dropMiddle, dropOuter]]],
  ['inner, then the outermost', [[dropInner, dropOuter]]],
  ['inner, made anew, then its parent', [[dropInner, (tx) => put(middle(tx).createBucket('inner')), dropMiddle]]],
  ['inner twice, then its parent', [[dropInner, (tx) => middle(tx).createBucket('inner'), dropInner, dropMiddle]]],
  ['all, and made anew', [[dropInner, dropMiddle, dropOuter, (tx) => put(middle(tx).createBucket('inner'))]]],
  ['inner changed, then its parent', [[(tx) => middle(tx).bucket('inner')?.put('l', 'y'.repeat(900)), dropMiddle]]],
  ['inner grown from inline', [[(tx) => put(middle(tx).bucket('inline') as WriteBucket), dropMiddle]]],
  ['inner, then its parent, by bodies that share a commit', [[], [dropInner], [dropMiddle]]],
  ['the parent by a body that throws', [[], [dropInner], [dropMiddle, refuse]]],
  ['inner and its parent by a body that throws', [[], [(tx) => put(outer(tx))], [dropInner, dropMiddle, refuse]]],
  ['the same again after it threw', [[], [dropInner], [dropMiddle, refuse], [dropMiddle]]],
];
test.each(nestedDrops)('F52 F61 nested buckets dropped in one commit free each page once: %s', async (_, bodies) => {
  const disk = new SimulatedDisk();
  {
    await using bolt = await openBoltOn(disk, PATH, { pageSize: 512, pageChecksums: false });
    await bolt.write((tx) => {
      put(middle(tx).createBucket('inner'));
      put(middle(tx));
      put(outer(tx));
      middle(tx).createBucket('inline').put('k', 'v');
    });
    // The first body of a group commits alone; the others share a commit.
    const writes = bodies.map((parts) => bolt.write((tx) => parts.forEach((part) => part(tx))));
    const refused = (await Promise.allSettled(writes)).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBe(bodies.filter((parts) => parts.includes(refuse)).length);
    expect((await bolt.check()).problems).toEqual([]);
  }
  await using again = await openBoltOn(disk, PATH);
  for (let i = 0; i < 3; i++) await again.write((tx) => put(outer(tx)));
  expect((await again.check()).problems).toEqual([]);
});
