/** SLT2, PL1, PL2: what compaction leaves of a key is two numbers that tell everything, whatever their size. */
import { expect, test } from 'vitest';
import { KeyIndex, type Found } from '../src/key-index.ts';
import { fits, PackedLives } from '../src/packed-lives.ts';

function life(createdMain: number, createdSub: number, main: number, sub: number, version: number): KeyIndex {
  const index = new KeyIndex();
  index.restore(createdMain, createdSub, main, sub, version);
  return index;
}

function found(find: (into: Found) => boolean): Found | undefined {
  const into: Found = { main: 0, sub: 0, createdMain: 0, createdSub: 0, version: 0 };
  return find(into) ? into : undefined;
}

const packed: readonly (readonly [string, number, number, number, number])[] = [
  ['the usual', 2, 9, 0, 3],
  ['put twice in the transaction that created it', 5, 5, 1, 2],
  ['last narrow age', 1, 2 ** 25, 0, 2],
  ['first wide age', 1, 2 ** 25 + 1, 0, 2],
  ['last narrow version', 2, 300, 0, 127],
  ['first wide version', 2, 300, 0, 128],
  ['last narrow main', 2 ** 32 - 2, 2 ** 32 - 1, 0, 2],
  ['first wide main', 2 ** 32 - 1, 2 ** 32, 0, 2],
  ['largest sub', 7, 2 ** 32 - 1, 2 ** 20 - 1, 2 ** 21 - 1],
  ['oldest creation', 1, 2 ** 32, 0, 2 ** 21 - 1],
  ['last main of all', 2 ** 53 - 2, 2 ** 53 - 1, 0, 2],
];

test.each(packed)('%s', (_, createdMain, main, sub, version) => {
  const index = life(createdMain, 0, main, sub, version);
  expect(fits(index)).toBe(true);
  const lives = new PackedLives();
  const other = lives.add(life(2, 0, 4, 0, 2));
  const place = lives.add(index);
  expect([lives.mainOf(place), lives.subOf(place)]).toEqual([main, sub]);
  for (const at of [main - 1, main, Number.MAX_SAFE_INTEGER]) {
    expect(found((into) => lives.find(place, at, into))).toEqual(found((into) => index.find(at, into)));
  }
  expect(lives.expanded(place)).toEqual(index);
  lives.remove(place);
  expect(lives.size).toBe(1);
  expect(lives.mainOf(other)).toBe(4);
});

test.each([
  ['a creation with a sub', life(2, 1, 3, 0, 2)],
  ['a sub beyond 20 bits', life(2, 0, 3, 2 ** 20, 2)],
  ['a sub beside a main of 33 bits', life(2, 0, 2 ** 32, 1, 2)],
  ['an age of 33 bits', life(1, 0, 2 ** 32 + 1, 0, 2)],
  ['more than 2^21 versions', life(1, 0, 9, 0, 2 ** 21)],
])('%s stays an object', (_, index) => {
  expect(fits(index)).toBe(false);
});

test('rows are used again, over chunks, and with the last one all memory goes', () => {
  const lives = new PackedLives();
  const places = new Map<number, number>();
  const add = (main: number): void => {
    const place = lives.add(life(1, 0, main, main % 3, 2));
    expect(places.has(place)).toBe(false);
    places.set(place, main);
  };
  for (let main = 2; main < 5000; main++) add(main);
  for (const place of [...places.keys()].filter((_, i) => i % 2 === 0)) {
    lives.remove(place);
    places.delete(place);
  }
  const highest = Math.max(...places.keys());
  for (let main = 5000; main < 7400; main++) add(main);
  expect(Math.max(...places.keys())).toBeLessThanOrEqual(highest + 2 * 600);
  for (const [place, main] of places) expect([lives.mainOf(place), lives.subOf(place)]).toEqual([main, main % 3]);
  expect(lives.size).toBe(places.size);
  for (const place of places.keys()) lives.remove(place);
  expect(lives.size).toBe(0);
  expect(lives.add(life(1, 0, 2, 0, 2))).toBe(0);
});
