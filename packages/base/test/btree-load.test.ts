import { expect, test } from 'vitest';
import { TreeLoader } from '../src/btree-load.ts';

const compare = (a: number, b: number): number => a - b;

function loaded(nodeSize: number, count: number) {
  const loader = new TreeLoader<number, string>(compare, nodeSize);
  for (let i = 0; i < count; i++) loader.add(2 * i, `${i}`);
  return loader.end();
}

test('decisions/0036: a tree that was loaded in order is whole, whatever its size, and takes insertions and deletions', () => {
  for (const nodeSize of [4, 5, 16, 64]) {
    for (const count of [0, 1, 2, 3, 4, 5, 13, 55, 56, 57, 111, 112, 113, 800, 3_400, 10_001]) {
      const tree = loaded(nodeSize, count);
      tree.checkValid(true);
      expect([tree.size, tree.minKey(), tree.maxKey()]).toEqual(
        count === 0 ? [0, undefined, undefined] : [count, 0, 2 * count - 2],
      );
      expect(tree.get(2 * Math.floor(count / 2))).toBe(count === 0 ? undefined : `${Math.floor(count / 2)}`);
      for (let i = 0; i < count; i += 3) tree.set(2 * i + 1, 'new');
      for (let i = 0; i < count; i += 2) tree.delete(2 * i);
      tree.checkValid(true);
      const wanted = Array.from({ length: 2 * count }, (_, key) => key).filter((key) =>
        key % 2 === 0 ? key % 4 !== 0 : (key - 1) % 6 === 0,
      );
      expect(tree.keysArray()).toEqual(wanted);
    }
  }
});
