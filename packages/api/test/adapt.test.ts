/** What adapters share. The store that is lent is tried where there is one: in `@varve/keyv`. */
import { expect, test } from 'vitest';
import { pagesOf } from '../src/adapt/index.ts';

const kiB512 = 512 * 1024;

test.each<[sizes: number[], pages: number[][]]>([
  [[], []],
  [[1, 2], [[1, 2]]],
  [
    [kiB512, 1],
    [[kiB512], [1]],
  ],
  [
    [1, kiB512],
    [[1], [kiB512]],
  ],
  [
    [kiB512 - 1, 1, 1],
    [[kiB512 - 1, 1], [1]],
  ],
  [[kiB512 + 1], [[kiB512 + 1]]],
])('PGO1: items of the sizes %j', (sizes, pages) => {
  expect([...pagesOf(sizes, (size) => size)]).toEqual(pages);
});

test('PGO1: 128 items are a page, and one more begins another', () => {
  const items = Array.from({ length: 257 }, (_, i) => i);
  const pages = [...pagesOf(items, () => 1)];
  expect(pages.map((page) => page.length)).toEqual([128, 128, 1]);
  expect(pages.flat()).toEqual(items);
});
