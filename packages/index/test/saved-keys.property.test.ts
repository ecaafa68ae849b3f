/**
 * LOD1, LFR1, LEF3: what was loaded is read when it is asked for, and cannot fail then, whatever the blocks say.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkTreeIndex,
  createTreeIndex,
  IndexError,
  loadTreeIndex,
  saveTreeIndex,
  type KeyedIndexEntry,
  type TreeIndex,
} from '../src/index.ts';
import { BTreeIndex } from '../src/create-tree-index.ts';
import { TreeReader } from '../src/load.ts';
import { Slots } from '../src/slot.ts';
import { blocksOf } from './histories.ts';

const all = new Uint8Array();
const numbered = (n: number): Uint8Array => Buffer.from(`key/${String(n).padStart(4, '0')}`);

/** Keys with histories of every form, some of them many revisions long. */
function varied(keyN: number): TreeIndex {
  const index = createTreeIndex();
  for (let n = 0; n < keyN; n++) index.put(numbered(n), n + 2, n % 3);
  let main = keyN + 2;
  for (let n = 0; n < keyN; n += 2) index.put(numbered(n), main++, n % 7 === 0 ? 1 : 0);
  for (let n = 0; n < keyN; n += 5) index.tombstone(numbered(n), main++, 0);
  for (let n = 0; n < keyN; n += 10) index.put(numbered(n), main++, 0);
  for (let n = 0; n < 150; n++) index.put(numbered(3), main++, 0);
  return index;
}

function load(blocks: readonly Uint8Array[]): TreeIndex {
  const loading = loadTreeIndex();
  for (const block of blocks) loading.add(block);
  return loading.end();
}

/** What can be asked of an index, all of it. */
function told(index: TreeIndex): unknown {
  const keys = [...index.entries(all, all, Number.MAX_SAFE_INTEGER)];
  return { size: index.size, liveKeys: index.liveKeys, keys, since: keys.map(({ key }) => index.since(key, 0)) };
}

test('G31: a block that says anything at all is refused when it comes, or can be read to its end', () => {
  const original = blocksOf(saveTreeIndex(varied(200), 10_000, 600));
  const change = fc.record({
    block: fc.nat(original.length - 1),
    at: fc.nat(1 << 16),
    to: fc.oneof(fc.nat(12), fc.nat(255)),
  });
  let refused = 0;
  let read = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const blocks = original.map((block) => block.slice());
      for (const { block, at, to } of changes) blocks[block]![at % blocks[block]!.length] = to;
      let index: TreeIndex;
      try {
        index = load(blocks);
      } catch (error) {
        if (!(error instanceof IndexError) || error.code !== 'INDEX_CORRUPT') throw error;
        refused++;
        return;
      }
      read++;
      const { size, liveKeys } = index;
      // Before anything is read. Of revisions out of order the oldest are told as they come.
      expect(index.countRevisions(all, all, Number.MAX_SAFE_INTEGER)).toBe(liveKeys);
      const { revisions } = index.revisions(all, all, Number.MAX_SAFE_INTEGER);
      index.changedSince(all, all, 300);
      for (let n = 0; n < 200; n += 11) index.get(numbered(n), 300);
      const entries = [...index.entries(all, all, Number.MAX_SAFE_INTEGER)];
      expect(revisions.mains).toEqual(entries.map(({ main }) => main));
      const other = load(blocks);
      const isTold = ({ key, main }: KeyedIndexEntry): boolean =>
        other.get(key, Number.MAX_SAFE_INTEGER)?.main === main;
      expect(entries.slice(0, 20).every(isTold)).toBe(true);
      expect(entries).toHaveLength(liveKeys);
      for (const [n, { key }] of entries.entries())
        if (n > 0) expect(Buffer.compare(entries[n - 1]!.key, key)).toBeLessThan(0);
      expect(blocksOf(saveTreeIndex(index, Number.MAX_SAFE_INTEGER)).length > 0).toBe(size > 0);
    }),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 5000 : 400 },
  );
  expect(refused).toBeGreaterThan(0);
  expect(read).toBeGreaterThan(0);
});

test('G30 G31: leaves are read one by one, in any order, and tell what they told before', () => {
  const index = varied(3000);
  const blocks = blocksOf(saveTreeIndex(index, 10_000, 4000));
  const whole = told(index) as { keys: readonly { key: Uint8Array }[] };
  for (const step of [1, 7, 61, 997]) {
    const loaded = load(blocks);
    expect([loaded.size, loaded.liveKeys]).toEqual([index.size, index.liveKeys]);
    for (let n = 0, at = 0; n < 3000; n++, at = (at + step) % 3000) {
      const wanted = index.get(numbered(at), 10_000);
      if (loaded.get(numbered(at), 10_000)?.main !== wanted?.main) throw new Error(`key ${at} is another one`);
    }
    expect(told(loaded)).toEqual(whole);
    checkTreeIndex(loaded);
  }
});

test.each([1, 2, 5, 20])(
  'LOD3: a tree made of %d leaves at once, and of the others one by one, is the same',
  (atOnce) => {
    const index = varied(3000);
    const slots = new Slots();
    const reader = new TreeReader(slots, atOnce);
    for (const block of blocksOf(saveTreeIndex(index, 10_000, 4000))) reader.add(block);
    const loaded = new BTreeIndex(reader.tree(), slots, reader.liveKeys);
    checkTreeIndex(loaded);
    expect(told(loaded)).toEqual(told(index));
  },
);

test('G30: what is written between keys that nobody has asked for goes where it belongs', () => {
  const index = varied(3000);
  const loaded = load(blocksOf(saveTreeIndex(index, 10_000, 4000)));
  let main = 10_001;
  for (let n = 0; n < 3000; n += 37) {
    const key = Buffer.concat([numbered(n), Buffer.from('+')]);
    loaded.put(key, main, 0);
    index.put(key, main, 0);
    expect(loaded.tombstone(numbered(n + 1), main, 1)).toBe(index.tombstone(numbered(n + 1), main, 1));
    main++;
  }
  const [kept, wanted] = [loaded, index].map((each) => {
    const walk = each.compact(9000, 100);
    let step = walk.next();
    while (step.done !== true) step = walk.next();
    return step.value.size;
  });
  expect(kept).toBe(wanted);
  expect(told(loaded)).toEqual(told(index));
  checkTreeIndex(loaded);
});
