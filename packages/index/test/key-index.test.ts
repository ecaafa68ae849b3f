/**
 * Spec sections 2 and 4 and rows M1, M7 to M20, in the order of the spec. Revisions as in `histories.ts`.
 *
 * Fixture K:  2/3 [2,4,6t]   8/3 [8,10,12t]   14/3 [14,15.1,16t]   []
 */
import { describe, expect, test } from 'vitest';
import { checkKey } from '../src/check-invariants.ts';
import { KeyIndex } from '../src/key-index.ts';
import { compareRevisions, formatRevision } from '../src/revision.ts';
import { compacted, find, generations, keptBy, keyIndexOf, list } from './histories.ts';

const K = '2 4 6t 8 10 12t 14 15.1 16t';
const corrupt = expect.objectContaining({ name: 'IndexError', code: 'INDEX_CORRUPT' });

function upTo(last: number, value: (revision: number) => string): string[] {
  return Array.from({ length: last + 1 }, (_, revision) => value(revision));
}

/** Everything there is, the packing included. */
function state(index: KeyIndex): unknown {
  return structuredClone(index);
}

function restoredTombstone(): KeyIndex {
  const index = new KeyIndex();
  index.restoreTombstone(16, 0);
  return index;
}

test('M1: revisions order by main, then by sub, and none is greater than itself', () => {
  const ascending = [
    { main: 2, sub: 0 },
    { main: 2, sub: 1 },
    { main: 3, sub: 0 },
  ];
  ascending.forEach((a, i) => {
    ascending.forEach((b, j) => expect(Math.sign(compareRevisions(a, b))).toBe(Math.sign(i - j)));
  });
  expect(ascending.map(formatRevision)).toEqual(['2', '2.1', '3']);
});

test('M7: puts make one generation; a revision that is not newer is refused and changes nothing', () => {
  const index = keyIndexOf('5 7');
  expect(generations(index)).toEqual(['5/2 [5,7]']);
  expect(index.modified).toEqual({ main: 7, sub: 0 });
  for (const main of [7, 6]) expect(() => index.put(main, 0)).toThrow(corrupt);
  expect(() => index.put(6, 9)).toThrow('revision 6.9 is not newer than 7');
  expect(generations(index)).toEqual(['5/2 [5,7]']);
});

test('M8: deleting twice finds nothing the second time', () => {
  const index = keyIndexOf('5 7t 8 9 15t');
  const before = ['5/2 [5,7t]', '8/3 [8,9,15t]', '[]'];
  expect(generations(index)).toEqual(before);
  expect(index.tombstone(16, 0)).toBe(false);
  expect(generations(index)).toEqual(before);
});

describe('M9: a key index with nothing in it', () => {
  const emptied = keyIndexOf('2 3t');
  compacted(emptied, 4);

  test.each([
    ['only an empty generation', emptied],
    ['no generation', new KeyIndex()],
  ])('%s: reads and changes are refused, keep finds nothing', (_, index) => {
    expect(index.isEmpty).toBe(true);
    expect(() => find(index, 1)).toThrow(corrupt);
    expect(() => index.since(1)).toThrow(corrupt);
    expect(() => index.tombstone(9, 0)).toThrow(corrupt);
    expect(() => compacted(index, 9)).toThrow(corrupt);
    expect(keptBy(index, 9)).toEqual([]);
  });
});

test('M10: get at every revision of K after compact(4) (table 4.7)', () => {
  const index = keyIndexOf(K);
  compacted(index, 4);
  expect(upTo(17, (at) => find(index, at)).join(', ')).toBe(
    'none, none, none, none, 4 2 2, 4 2 2, none, none, 8 8 1, 8 8 1, ' +
      '10 8 2, 10 8 2, none, none, 14 14 1, 15.1 14 2, none, none',
  );
});

test('M11: of several changes in one transaction the last one counts', () => {
  const index = keyIndexOf('5.0 5.1t 5.2');
  expect([4, 5, 6].map((at) => find(index, at))).toEqual(['none', '5.2 5.2 1', '5.2 5.2 1']);
});

test('M12: findGeneration at every revision of K (4.6)', () => {
  const index = keyIndexOf(K);
  expect(upTo(17, (at) => String(index.findGeneration(at))).join(' ')).toBe(
    '-1 -1 0 0 0 0 -1 -1 1 1 1 1 -1 -1 2 2 -1 -1',
  );
});

test('M13: since every revision of K after compact(4) (table 4.8)', () => {
  const index = keyIndexOf(K);
  compacted(index, 4);
  const all = ['4', '6', '8', '10', '12', '14', '15.1', '16'];
  const starts = [0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8];
  starts.forEach((start, from) => expect(list(index.since(from)), `since ${from}`).toEqual(all.slice(start)));
});

test('M14: since gives the last change of each transaction', () => {
  expect(list(keyIndexOf('5.0 5.1 6').since(5))).toEqual(['5.1', '6']);
  expect(list(keyIndexOf('4 5.0t 5.1 6').since(5)), 'across generations').toEqual(['5.1', '6']);
});

describe('compaction of K (table 4.9)', () => {
  const [g0, g1, g2] = ['2/3 [2,4,6t]', '8/3 [8,10,12t]', '14/3 [14,15.1,16t]'];
  const rows: [at: number, kept: string[], keep: string[], after: string[]][] = [
    [1, [], [], [g0, g1, g2]],
    [2, ['2'], ['2'], [g0, g1, g2]],
    [3, ['2'], ['2'], [g0, g1, g2]],
    [4, ['4'], ['4'], ['2/3 [4,6t]', g1, g2]],
    [5, ['4'], ['4'], ['2/3 [4,6t]', g1, g2]],
    [6, ['6'], [], ['2/3 [6t]', g1, g2]],
    [7, [], [], [g1, g2]],
    [8, ['8'], ['8'], [g1, g2]],
    [9, ['8'], ['8'], [g1, g2]],
    [10, ['10'], ['10'], ['8/3 [10,12t]', g2]],
    [11, ['10'], ['10'], ['8/3 [10,12t]', g2]],
    [12, ['12'], [], ['8/3 [12t]', g2]],
    [13, [], [], [g2]],
    [14, ['14'], ['14'], [g2]],
    [15, ['15.1'], ['15.1'], ['14/3 [15.1,16t]']],
    [16, ['16'], [], ['14/3 [16t]']],
    [17, [], [], []],
  ];

  function check(index: KeyIndex, [at, kept, keep, after]: (typeof rows)[number]): void {
    const before = generations(index);
    expect(keptBy(index, at), `keep ${at}`).toEqual(keep);
    expect(generations(index), 'keep changes nothing').toEqual(before);
    expect(compacted(index, at), `compact ${at}`).toEqual(kept);
    expect(generations(index), `after ${at}`).toEqual([...after, '[]']);
    checkKey(index);
  }

  test('M15: one index, compacted at 1 to 17 in turn', () => {
    const index = keyIndexOf(K);
    for (const row of rows) check(index, row);
    expect(index.isEmpty).toBe(true);
  });

  test.each(rows)('M16: a fresh index, compacted at %i', (...row) => check(keyIndexOf(K), row));

  test('M16: one index, without the revisions of the deletions', () => {
    const index = keyIndexOf(K);
    for (const row of rows) if (![6, 12, 16].includes(row[0])) check(index, row);
    expect(index.isEmpty).toBe(true);
  });
});

test('M17: a live key keeps its newest change however far compaction goes', () => {
  const index = keyIndexOf('1 2');
  expect(compacted(index, 3)).toEqual(['2']);
  expect(generations(index)).toEqual(['1/2 [2]']);
});

test('M18: restore continues creation and version, and only once', () => {
  const index = new KeyIndex();
  index.restore(5, 0, 7, 0, 2);
  index.put(9, 0);
  expect(generations(index)).toEqual(['5/3 [7,9]']);
  expect([6, 7, 9].map((at) => find(index, at))).toEqual(['none', '7 5 2', '9 5 3']);
  expect(() => index.restore(5, 0, 10, 0, 2)).toThrow(corrupt);
});

describe('M19: restoreTombstone', () => {
  test('the key is deleted, and its tombstone kept at exactly its revision', () => {
    const index = restoredTombstone();
    expect([16, 17, 20].map((at) => find(index, at))).toEqual(['none', 'none', 'none']);
    expect(keptBy(index, 16)).toEqual([]);
    expect(compacted(index, 16)).toEqual(['16']);
    expect(generations(index)).toEqual(['0/1 [16t]', '[]']);
  });

  test('the key can live again', () => {
    const index = restoredTombstone();
    index.put(17, 0);
    index.put(18, 0);
    expect(list(index.since(16))).toEqual(['16', '17', '18']);
    expect(compacted(index, 17)).toEqual(['17']);
    expect(generations(index)).toEqual(['17/2 [17,18]']);
  });
});

describe('M20, D1: deleted and put again in the compacted transaction', () => {
  test.each([
    ['2 3.0t 3.1', ['3.1'], ['3.1/1 [3.1]'], '3.1 3.1 1'],
    ['2 3.0t 3.1 3.2', ['3.2'], ['3.1/2 [3.2]'], '3.2 3.1 2'],
    ['2 3.0t 3.1 4', ['3.1'], ['3.1/2 [3.1,4]'], '3.1 3.1 1'],
    ['2 3.0t 3.1 3.2t 3.3', ['3.3'], ['3.3/1 [3.3]'], '3.3 3.3 1'],
    ['2 3.0t 3.1 4t', ['3.1'], ['3.1/2 [3.1,4t]', '[]'], '3.1 3.1 1'],
  ])('%s keeps what is live at 3', (history, kept, after, at3) => {
    const index = keyIndexOf(history);
    expect(keptBy(index, 3)).toEqual(kept);
    expect(compacted(index, 3)).toEqual(kept);
    expect(generations(index)).toEqual(after);
    expect(find(index, 3)).toBe(at3);
  });

  test('2 3.0t 3.1 3.2t keeps the last tombstone alone', () => {
    const index = keyIndexOf('2 3.0t 3.1 3.2t');
    expect(keptBy(index, 3)).toEqual([]);
    expect(compacted(index, 3)).toEqual(['3.2']);
    expect(generations(index)).toEqual(['3.1/2 [3.2t]', '[]']);
  });
});

describe('undo (D3)', () => {
  test.each([
    ['a put', '2 3', '4'],
    ['several puts', '2 3', '4.0 4.1 4.2'],
    ['the first update', '2', '4'],
    ['a first update with a sub', '2', '4.7'],
    ['a deletion', '2 3', '4t'],
    ['a deletion and a put', '2 3', '4.0t 4.1'],
    ['a put and a deletion', '2 3', '4.0 4.1t'],
    ['a put of a deleted key', '2 3t', '4.3'],
    ['a life within the transaction', '2 3t', '4.0 4.1t'],
    ['two lives within the transaction', '2 3t', '4.0 4.1t 4.2 4.3t 4.4'],
    ['a change after one with subs', '2.1 3.4', '4.0 4.1'],
    ['a long list', '2 3 4 5 6 7 8 9 10 11 12', '13.0 13.1t 13.2'],
  ])('takes back %s as if it had never been', (_, before, transaction) => {
    const index = keyIndexOf(`${before} ${transaction}`);
    index.undo(Number.parseInt(transaction, 10));
    expect(state(index)).toEqual(state(keyIndexOf(before)));
    checkKey(index);
  });

  test('leaves nothing of a key that the transaction created', () => {
    for (const history of ['4', '4.1 4.2', '4.1 4.2t', '4.0 4.1t 4.2']) {
      const index = keyIndexOf(history);
      index.undo(4);
      expect(state(index), history).toEqual(state(new KeyIndex()));
    }
  });

  test('leaves a key alone that the transaction did not touch', () => {
    const index = keyIndexOf('2 3.1');
    index.undo(4);
    expect(state(index)).toEqual(state(keyIndexOf('2 3.1')));
  });

  test('leaves what compaction left', () => {
    const index = keyIndexOf('2 3 4 5.1');
    compacted(index, 4);
    index.undo(5);
    expect(generations(index)).toEqual(['2/3 [4]']);
  });
});

test('revisions stay exact beyond 2^31, up to 2^53 - 1', () => {
  const far = Number.MAX_SAFE_INTEGER;
  const index = keyIndexOf(`5 ${2 ** 31} ${2 ** 40}.${far} ${far}.${far - 1}`);
  expect(generations(index)).toEqual([`5/4 [5,${2 ** 31},${2 ** 40}.${far},${far}.${far - 1}]`]);
  expect(() => index.put(far, far - 1)).toThrow(corrupt);
  expect(compacted(index, far)).toEqual([`${far}.${far - 1}`]);
  checkKey(index);
});
