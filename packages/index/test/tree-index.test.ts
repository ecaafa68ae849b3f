/**
 * Spec section 5 and rows M20 to M28, in the order of the spec. Revisions as in `histories.ts`.
 */
import { describe, expect, test } from 'vitest';
import {
  checkTreeIndex,
  createTreeIndex,
  IndexError,
  loadTreeIndex,
  saveTreeIndex,
  type IndexRangeOptions,
  type TreeIndex,
} from '../src/index.ts';
import { apply, blocksOf, bytes, drive, list, print, text, unpacked } from './histories.ts';

type IndexRecord = Parameters<TreeIndex['restore']>[3];

const FROM_KEY = new Uint8Array();
const corrupt = expect.objectContaining({ name: 'IndexError', code: 'INDEX_CORRUPT' });

const numbered = (n: number): Uint8Array => bytes(`key${String(n).padStart(6, '0')}`);

const deletion: IndexRecord = { tombstone: true, createdMain: 0, version: 0 };
const put = (createdMain: number, version: number): IndexRecord => ({ tombstone: false, createdMain, version });

/** Of keys this long only every second byte is hashed, so these share a hash. */
const long = (filler: number): Uint8Array => Uint8Array.from({ length: 128 }, (_, i) => (i % 2 === 1 ? filler : i));

function treeOf(histories: Record<string, string>): TreeIndex {
  const tree = createTreeIndex();
  for (const [key, history] of Object.entries(histories)) apply(tree, key, history);
  checkTreeIndex(tree);
  return tree;
}

function keysOf(tree: TreeIndex, at: number, options?: IndexRangeOptions): string[] {
  return tree.range(FROM_KEY, FROM_KEY, at, options).entries.map(({ key }) => text(key));
}

const endOf = (end: string | undefined): Uint8Array | undefined => (end === undefined ? undefined : bytes(end));

test('M20, D1: a key deleted and put again in the compacted transaction stays', () => {
  const tree = treeOf({ foo: '2 3.0t 3.1' });
  expect(list(drive(tree.compact(3)))).toEqual(['3.1']);
  expect(print(tree.get(bytes('foo'), 3))).toBe('3.1 3.1 1');
  checkTreeIndex(tree);
});

test('M21: get at every revision', () => {
  const tree = treeOf({ foo: '2 4 6t' });
  const at = (revision: number): string => print(tree.get(bytes('foo'), revision));
  expect([0, 1, 2, 3, 4, 5, 6].map(at)).toEqual(['none', 'none', '2 2 1', '2 2 1', '4 2 2', '4 2 2', 'none']);
  expect(tree.get(bytes('fo'), 6)).toBeUndefined();
  expect([tree.size, tree.liveKeys]).toEqual([1, 0]);
});

describe('M22: ranges', () => {
  const tree = treeOf({ foo: '1', foo1: '2', foo2: '3' });

  test.each<[string, string | undefined, string[]]>([
    ['foo', undefined, ['foo']],
    ['bar', undefined, []],
    ['foo', 'foo1', ['foo']],
    ['foo', 'foo2', ['foo', 'foo1']],
    ['foo', 'fop', ['foo', 'foo1', 'foo2']],
    ['foo1', 'fop', ['foo1', 'foo2']],
    ['foo2', 'fop', ['foo2']],
    ['foo3', 'fop', []],
  ])('(%s, %s)', (key, end, want) => {
    const { entries, total } = tree.range(bytes(key), endOf(end), 3);
    expect(entries.map((entry) => text(entry.key))).toEqual(want);
    expect(total).toBe(want.length);
    expect([...tree.entries(bytes(key), endOf(end), 3)]).toEqual(entries);
  });

  test.each<[string, string, IndexRangeOptions, number, number]>([
    ['foo', 'fop', { limit: 1 }, 1, 1],
    ['foo', 'fop', { limit: 3 }, 3, 3],
    ['foo', 'fop', { limit: 4 }, 3, 3],
    ['foo', 'fop', { limit: 1, withTotal: true }, 1, 3],
    ['foo1', 'foo3', { limit: 1, withTotal: true }, 1, 2],
    ['foo', 'fop', { limit: -1 }, 3, 3],
  ])('M23: (%s, %s) with %o', (key, end, options, count, total) => {
    const range = tree.range(bytes(key), bytes(end), 3, options);
    expect([range.entries.length, range.total]).toEqual([count, total]);
    expect(range.entries.map((entry) => text(entry.key))[0]).toBe(key);
  });

  test('M23: the limit is ignored for a single key', () => {
    expect(tree.range(bytes('foo'), undefined, 3, { limit: -5 })).toMatchObject({ total: 1 });
  });
});

describe('M24: revisions and countRevisions (table 5.5)', () => {
  const tree = createTreeIndex();
  ['foo', 'foo1', 'foo2', 'foo2', 'foo1', 'foo'].forEach((key, i) => tree.put(bytes(key), i + 1, 0));

  test.each<[string, string | undefined, number, IndexRangeOptions, number[], number, number]>([
    ['bar', undefined, 6, {}, [], 0, 0],
    ['foo', undefined, 6, {}, [6], 1, 1],
    ['foo', 'foo1', 6, {}, [6], 1, 1],
    ['foo', 'foo2', 6, {}, [6, 5], 2, 2],
    ['foo', 'fop', 6, {}, [6, 5, 4], 3, 3],
    ['foo3', 'fop', 6, {}, [], 0, 0],
    ['foo1', 'fop', 1, {}, [], 0, 0],
    ['foo1', 'fop', 2, {}, [2], 1, 1],
    ['foo1', 'fop', 3, {}, [2, 3], 2, 2],
    ['foo1', 'fop', 4, {}, [2, 4], 2, 2],
    ['foo1', 'fop', 5, {}, [5, 4], 2, 2],
    ['foo', 'fop', 6, { limit: 1, withTotal: true }, [6], 3, 3],
    ['foo', 'fop', 6, { limit: 1 }, [6], 1, 3],
    ['foo', 'fop', 6, { limit: 10 }, [6, 5, 4], 3, 3],
    ['foo', 'fop', 3, { limit: 2, withTotal: true }, [1, 2], 3, 3],
  ])('(%s, %s) at %i with %o', (key, end, at, options, mains, total, count) => {
    const found = tree.revisions(bytes(key), endOf(end), at, options);
    expect(unpacked(found.revisions)).toEqual(mains.map((main) => ({ main, sub: 0 })));
    expect(found.total).toBe(total);
    expect(tree.countRevisions(bytes(key), endOf(end), at)).toBe(count);
  });
});

test('M25: an absent end, an empty end, an end at or before the key', () => {
  const tree = treeOf({ a: '1', b: '2', c: '3' });
  const range = (key: string, end: string | undefined): string =>
    tree
      .range(bytes(key), endOf(end), 3)
      .entries.map((entry) => text(entry.key))
      .join();
  expect([range('b', undefined), range('b', ''), range('b', 'b'), range('c', 'a'), range('', '')]).toEqual([
    'b',
    'b,c',
    '',
    '',
    'a,b,c',
  ]);
  expect([range('d', ''), range('', 'a'), range('', 'b'), range('', undefined)]).toEqual(['', '', 'a', '']);
});

test('M26: deleting a key that is not there finds nothing', () => {
  const tree = treeOf({ foo: '1 2t' });
  expect(tree.tombstone(bytes('foo'), 3, 0)).toBe(false);
  expect(tree.tombstone(bytes('bar'), 3, 0)).toBe(false);
  expect([tree.size, tree.liveKeys]).toEqual([1, 0]);
});

describe('M27: compact and keep over three keys (table 5.6)', () => {
  const histories = { foo: '1 5 9t 10.0', foo1: '2 6 7t 10.1', foo2: '3 4 8t' };
  const all = ['1', '5', '9', '10', '2', '6', '7', '10.1', '3', '4', '8'];
  const rows: [at: number, kept: string[], keep: string[], gone: string[], keys: number][] = [
    [1, ['1'], ['1'], [], 3],
    [2, ['1', '2'], ['1', '2'], [], 3],
    [3, ['1', '2', '3'], ['1', '2', '3'], [], 3],
    [4, ['1', '2', '4'], ['1', '2', '4'], ['3'], 3],
    [5, ['2', '4', '5'], ['2', '4', '5'], ['1', '3'], 3],
    [6, ['4', '5', '6'], ['4', '5', '6'], ['1', '2', '3'], 3],
    [7, ['4', '5', '7'], ['4', '5'], ['1', '2', '3', '6'], 3],
    [8, ['5', '8'], ['5'], ['1', '2', '3', '4', '6', '7'], 3],
    [9, ['9'], [], ['1', '2', '3', '4', '5', '6', '7', '8'], 2],
    ...Array.from({ length: 10 }, (_, i): [number, string[], string[], string[], number] => {
      return [10 + i, ['10', '10.1'], ['10', '10.1'], all.filter((revision) => !revision.startsWith('10')), 2];
    }),
  ];

  function check(tree: TreeIndex, [at, kept, keep, gone, keys]: (typeof rows)[number], sliceKeys: number): void {
    expect(list(drive(tree.keep(at, sliceKeys))), `keep ${at}`).toEqual(keep);
    expect(list(drive(tree.compact(at, sliceKeys))), `compact ${at}`).toEqual(kept);
    const left = ['foo', 'foo1', 'foo2'].flatMap((key) => list(tree.since(bytes(key), 0)));
    expect(left, `left after ${at}`).toEqual(all.filter((revision) => !gone.includes(revision)));
    expect([tree.size, tree.liveKeys]).toEqual([keys, 2]);
    checkTreeIndex(tree);
  }

  test.each([1, 2, 1024])('one tree, compacted at 1 to 19 in turn, %i keys a slice', (sliceKeys) => {
    const tree = treeOf(histories);
    for (const row of rows) check(tree, row, sliceKeys);
  });

  test.each(rows)('a fresh tree, compacted at %i', (...row) => check(treeOf(histories), row, 1024));
});

test('M28: what is put between the slices of a compaction is not lost', () => {
  const tree = createTreeIndex();
  const at = 20_001;
  for (let n = 0; n < 10_000; n++) {
    tree.put(numbered(2 * n), n + 1, 0);
    // Every third key is deleted before the compaction, so that it empties them.
    if (n % 3 === 0) tree.tombstone(numbered(2 * n), 10_001 + n, 0);
  }
  let main = at;
  const putMeanwhile = new Map<number, number>();
  const kept = drive(tree.compact(at, 100), () => {
    for (let i = 0; i < 20; i++) {
      main++;
      // All over the tree, before and after the place of the walk; odd ones are new keys.
      const n = (main * 7919) % 20_000;
      tree.put(numbered(n), main, 0);
      putMeanwhile.set(n, main);
    }
  });
  checkTreeIndex(tree);
  expect(putMeanwhile.size).toBeGreaterThan(1900);
  for (const [n, newest] of putMeanwhile) expect(tree.get(numbered(n), main)?.main).toBe(newest);
  for (let n = 0; n < 10_000; n++) {
    const isLive = n % 3 !== 0;
    expect(kept.has(n + 1, 0)).toBe(isLive);
    if (!putMeanwhile.has(2 * n)) expect(tree.get(numbered(2 * n), at)?.main).toBe(isLive ? n + 1 : undefined);
  }
});

describe('restore (11.2)', () => {
  test('continues what the first record of a key tells', () => {
    const tree = createTreeIndex();
    tree.restore(bytes('a'), 4, 0, put(4, 1));
    tree.restore(bytes('foo'), 5, 0, deletion);
    tree.restore(bytes('b'), 6, 2, put(3, 7));
    tree.restore(bytes('b'), 7, 0, put(3, 8));
    tree.restore(bytes('foo'), 8, 1, put(8, 1));
    tree.restore(bytes('a'), 9, 0, deletion);
    tree.restore(bytes('a'), 10, 0, deletion);
    checkTreeIndex(tree);
    expect([tree.size, tree.liveKeys]).toEqual([3, 2]);
    expect([4, 8, 9].map((at) => print(tree.get(bytes('a'), at)))).toEqual(['4 4 1', '4 4 1', 'none']);
    expect([5, 6, 7].map((at) => print(tree.get(bytes('b'), at)))).toEqual(['none', '6.2 3 7', '7 3 8']);
    expect([5, 7, 8].map((at) => print(tree.get(bytes('foo'), at)))).toEqual(['none', 'none', '8.1 8.1 1']);
  });

  test('the record of a creation tells its sub as well', () => {
    const tree = createTreeIndex();
    tree.restore(bytes('a'), 4, 3, put(4, 1));
    expect(print(tree.get(bytes('a'), 4))).toBe('4.3 4.3 1');
  });

  test('a version beyond 1 is no creation, even in the transaction of the creation', () => {
    const tree = createTreeIndex();
    tree.restore(bytes('a'), 4, 0, put(4, 5));
    expect(print(tree.get(bytes('a'), 4))).toBe('4 4 5');
  });

  test('M79: a record that is not newer than the one before is corruption, and names both', () => {
    const tree = createTreeIndex();
    tree.restore(bytes('foo'), 5, 0, put(5, 1));
    for (const record of [put(5, 2), deletion]) {
      expect(() => tree.restore(bytes('foo'), 4, 0, record)).toThrow('revision 4 is not newer than 5 ');
      expect(() => tree.restore(bytes('foo'), 5, 0, record)).toThrow(corrupt);
    }
    tree.restore(bytes('foo'), 6, 0, deletion);
    expect(() => tree.restore(bytes('foo'), 6, 0, deletion)).toThrow(IndexError);
    checkTreeIndex(tree);
    expect(print(tree.get(bytes('foo'), 5))).toBe('5 5 1');
  });
});

describe('keys are bytes', () => {
  const binary = [[], [0], [0, 0], [0x7f], [0x80], [0x9f, 1], [0xc3, 0xa9], [0xff], [0xff, 0], [0xff, 0xff]];

  test('any bytes, in byte order, a proper prefix first', () => {
    const tree = createTreeIndex();
    binary.toReversed().forEach((key, i) => tree.put(Uint8Array.from(key), i + 1, 0));
    const { entries } = tree.range(FROM_KEY, FROM_KEY, 99);
    expect(entries.map(({ key }) => [...key])).toEqual(binary);
    expect(entries.every(({ key }) => Object.getPrototypeOf(key) === Uint8Array.prototype)).toBe(true);
    expect(tree.countRevisions(Uint8Array.of(0x80), Uint8Array.of(0xff), 99)).toBe(3);
  });

  test('are copied in and out, from views as well', () => {
    const tree = createTreeIndex();
    const shared = bytes('..key..').subarray(2, 5);
    tree.put(shared, 2, 0);
    shared.fill(0);
    for (const { key } of tree.range(bytes('key'), undefined, 2).entries) key.fill(0);
    expect(keysOf(tree, 2)).toEqual(['key']);
    expect(print(tree.get(Buffer.from('key'), 2))).toBe('2 2 1');
  });
});

test('keys that share a hash are told apart', () => {
  const tree = createTreeIndex();
  tree.put(long(1), 2, 0);
  expect(print(tree.get(long(1), 9))).toBe('2 2 1');
  expect(tree.get(long(2), 9)).toBeUndefined();
  expect(print(tree.put(long(2), 3, 0))).toBe('3 3 1');
  for (const filler of [1, 2, 1, 2]) expect(tree.get(long(filler), 9)?.main).toBe(filler + 1);
  tree.undo(long(2), 3);
  expect(print(tree.get(long(1), 9))).toBe('2 2 1');
  checkTreeIndex(tree);
});

test('very long keys work as short ones do', () => {
  const tree = createTreeIndex();
  const key = new Uint8Array(5000).fill(0xff);
  for (const main of [2, 3, 4]) expect(tree.put(key, main, 0).version).toBe(main - 1);
  expect(drive(tree.compact(4)).size).toBe(1);
  tree.tombstone(key, 5, 0);
  expect(drive(tree.compact(6)).size).toBe(0);
  expect([tree.get(key, 6), tree.size]).toEqual([undefined, 0]);
});

describe('entries', () => {
  const tree = createTreeIndex();
  const names = Array.from({ length: 1000 }, (_, n) => String(n).padStart(4, '0'));
  names.forEach((name, i) => tree.put(bytes(name), i + 2, 0));

  test('visits as range does, from after a key, and stops when the caller does', () => {
    const named = (after?: string): string[] =>
      [...tree.entries(bytes('0100'), bytes('0900'), 5000, after === undefined ? after : bytes(after))].map(({ key }) =>
        text(key),
      );
    expect(named()).toEqual(names.slice(100, 900));
    expect(named('0500')).toEqual(names.slice(501, 900));
    expect(named('0500x')).toEqual(names.slice(501, 900));
    expect(named('00')).toEqual(names.slice(100, 900));
    expect(named('0899')).toEqual([]);
    expect([...tree.entries(bytes('0100'), undefined, 5000, bytes('0100'))]).toEqual([]);
    expect([...tree.entries(bytes('0100'), undefined, 5000, bytes('00'))]).toHaveLength(1);
    for (const entry of tree.entries(FROM_KEY, FROM_KEY, 5000)) {
      expect(entry.main).toBe(2);
      break;
    }
  });

  test('goes on while keys come and go around its place', () => {
    const seen: string[] = [];
    let main = 2000;
    for (const { key } of tree.entries(FROM_KEY, FROM_KEY, 1500)) {
      seen.push(text(key));
      main++;
      tree.put(bytes(`${text(key)}x`), main, 0);
      if (seen.length % 10 === 0) tree.undo(bytes(`${text(key)}x`), main);
      if (seen.length % 100 === 0) drive(tree.compact(1200, 50));
    }
    expect(seen).toEqual(names);
    checkTreeIndex(tree);
  });
});

test('undo takes back a whole transaction, created keys included (D3)', () => {
  const before = { a: '2', b: '2.1 3', c: '3.1 4t', d: '5' };
  const tree = treeOf(before);
  const transaction: [key: string, sub: number, isDeletion: boolean][] = [
    ['a', 0, true],
    ['a', 1, false],
    ['b', 2, false],
    ['c', 3, false],
    ['new', 4, false],
    ['d', 5, true],
  ];
  for (const [key, sub, isDeletion] of transaction) {
    if (isDeletion) tree.tombstone(bytes(key), 6, sub);
    else tree.put(bytes(key), 6, sub);
  }
  for (const key of ['a', 'b', 'c', 'new', 'd', 'unknown']) tree.undo(bytes(key), 6);
  checkTreeIndex(tree);
  const want = treeOf(before);
  expect([tree.size, tree.liveKeys]).toEqual([want.size, want.liveKeys]);
  for (let at = 0; at < 8; at++) expect(tree.range(FROM_KEY, FROM_KEY, at)).toEqual(want.range(FROM_KEY, FROM_KEY, at));
});

test('put returns the key as it is from now on', () => {
  const tree = createTreeIndex();
  expect(print(tree.put(bytes('a'), 2, 3))).toBe('2.3 2.3 1');
  expect(print(tree.put(bytes('a'), 3, 0))).toBe('3 2.3 2');
  tree.tombstone(bytes('a'), 4, 0);
  expect(print(tree.put(bytes('a'), 5, 1))).toBe('5.1 5.1 1');
  expect(() => tree.put(bytes('a'), 5, 1)).toThrow(corrupt);
  expect(print(tree.get(bytes('a'), 9))).toBe('5.1 5.1 1');
});

test('first revisions of every size come back exactly', () => {
  const far = Number.MAX_SAFE_INTEGER;
  const mains = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, far];
  const subs = [0, 1, 2 ** 20 - 1, 2 ** 20, far];
  for (const main of mains) {
    for (const sub of subs) {
      const tree = createTreeIndex();
      tree.put(bytes('a'), main, sub);
      checkTreeIndex(tree);
      const want = { main, sub, createdMain: main, createdSub: sub, version: 1 };
      expect(tree.get(bytes('a'), main)).toEqual(want);
      expect(tree.get(bytes('a'), main - 1)).toBeUndefined();
      expect([...drive(tree.compact(main))]).toEqual([{ main, sub }]);
      expect(tree.since(bytes('a'), main)).toEqual([{ main, sub }]);
    }
  }
});

test('a slice has at least one key', () => {
  const tree = treeOf({ a: '2' });
  for (const sliceKeys of [0, -1, 1.5, Number.NaN]) {
    expect(() => tree.compact(2, sliceKeys).next()).toThrow(RangeError);
    expect(() => tree.keep(2, sliceKeys).next()).toThrow(RangeError);
  }
  expect(drive(createTreeIndex().compact(2)).size).toBe(0);
});

test('XB8: changedSince is whether a key of the range has a change above the revision, whatever became of it', () => {
  const index = createTreeIndex();
  const changes: (readonly [key: string, main: number])[] = [];
  for (let main = 2; main < 120; main++) {
    const key = `k${(main * 7) % 13}`;
    if (main % 5 !== 0) index.put(bytes(key), main, 0);
    else if (!index.tombstone(bytes(key), main, 0)) continue;
    changes.push([key, main]);
  }
  for (let revision = 0; revision < 125; revision += 3) {
    for (const [from, end] of [
      ['k1', 'k2'],
      ['k5', 'k9'],
      ['k', ''],
      ['a', 'b'],
      ['k3', undefined],
    ] as const) {
      const expected = changes.some(([key, main]) => {
        if (main <= revision || key < from) return false;
        return end === undefined ? key === from : end === '' || key < end;
      });
      const found = index.changedSince(bytes(from), end === undefined ? undefined : bytes(end), revision);
      expect([revision, from, end, found]).toEqual([revision, from, end, expected]);
    }
  }
});

test('XB8: a count stops where it is told to', () => {
  const index = createTreeIndex();
  for (let main = 2; main < 12; main++) index.put(bytes(`k${main}`), main, 0);
  const count = (most?: number): number => index.countRevisions(bytes(''), bytes(''), 99, most);
  expect([count(), count(3), count(10), count(100), count(0)]).toEqual([10, 3, 10, 10, 0]);
});

test('XB6: what is no number is refused, and nothing has changed', () => {
  const index = createTreeIndex();
  index.put(bytes('a'), 2, 0);
  for (const wrong of [Number.NaN, '2', undefined] as number[]) {
    expect(() => index.put(bytes('a'), wrong, 0)).toThrow(RangeError);
    expect(() => index.tombstone(bytes('a'), 3, wrong)).toThrow(RangeError);
    expect(() => index.get(bytes('a'), wrong)).toThrow(/number/);
    expect(() => index.countRevisions(bytes('a'), undefined, wrong)).toThrow(/number/);
    expect(() => index.changedSince(bytes('a'), undefined, wrong)).toThrow(/number/);
    expect(() => index.range(bytes('a'), bytes(''), wrong)).toThrow(/number/);
    expect(() => [...index.compact(wrong)]).toThrow(RangeError);
  }
  expect(() => index.range(bytes('a'), bytes(''), 5, { limit: Number.NaN })).toThrow(RangeError);
  expect(index.get(bytes('a'), 9)).toMatchObject({ main: 2, version: 1 });
});

test('G30: keys of any length are saved and loaded, also in blocks that are shorter than they are', () => {
  const tree = createTreeIndex();
  const keys = [1, 255, 256, 257, 32_768, 32_769, 100_000].map((length) => new Uint8Array(length).fill(0x61));
  for (const [at, key] of keys.entries()) tree.put(key, at + 2, 0);
  const loading = loadTreeIndex();
  for (const block of blocksOf(saveTreeIndex(tree, 100, 64))) loading.add(block);
  expect(loading.keys).toBe(keys.length);
  const loaded = loading.end();
  checkTreeIndex(loaded);
  expect(keys.map((key) => loaded.get(key, 100)?.main)).toEqual(keys.map((_, at) => at + 2));
});

test('G30 law 10: a step of saving is a few hundred keys at the most, or a few thousand revisions, however large blocks are', () => {
  const tree = createTreeIndex();
  let main = 1;
  for (let n = 0; n < 2000; n++) tree.put(bytes(`key${String(n).padStart(6, '0')}`), ++main, 0);
  for (let n = 0; n < 40; n++)
    for (let i = 0; i < 500; i++) tree.put(bytes(`many${String(n).padStart(3, '0')}`), ++main, 0);
  const steps = [...saveTreeIndex(tree, main, 1 << 20)];
  expect(steps.length).toBeGreaterThan(2000 / 256 + (40 * 500) / 6000);
  expect(blocksOf(steps)).toHaveLength(1);
  const loading = loadTreeIndex();
  for (const block of blocksOf(steps)) loading.add(block);
  expect(loading.end().size).toBe(2040);
});

test.each([
  ['one life', '2 5 9'],
  ['two lives', '2 3t 5 9'],
])('G31: revisions of %s that go back are damage, not history', (_, history) => {
  const [block] = blocksOf(saveTreeIndex(treeOf({ foo: history }), 9));
  const whole = loadTreeIndex();
  whole.add(block!);
  expect(whole.end().get(bytes('foo'), 9)?.main).toBe(9);
  // The last number: four more than before, and now four less.
  expect(block!.at(-1)).toBe(8);
  block![block!.length - 1] = 7;
  expect(() => loadTreeIndex().add(block!)).toThrow(corrupt);
});
