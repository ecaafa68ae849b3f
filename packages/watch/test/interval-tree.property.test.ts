import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalTree } from '../src/places/interval-tree.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '\x00', '\xff'), maxLength: 3 });
const interval = fc
  .tuple(key, fc.option(key, { nil: undefined }))
  .filter(([start, end]) => end === undefined || start < end);
type Interval = readonly [start: string, end: string | undefined];

test('an interval tree answers as a list of intervals does', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), interval), { maxLength: 200 }), fc.array(key), (steps, probes) => {
      const tree = new IntervalTree<Interval>();
      const list: Interval[] = [];
      for (const [add, [start, end]] of steps) {
        const index = list.findIndex((each) => each[0] === start && each[1] === end);
        if (index >= 0) {
          expect(tree.get(start, end)).toBe(list[index]);
          expect(() => tree.insert(start, end, [start, end])).toThrow();
          if (!add) {
            tree.delete(start, end);
            list.splice(index, 1);
          }
        } else {
          expect(tree.get(start, end)).toBeUndefined();
          expect(() => tree.delete(start, end)).toThrow();
          if (add) {
            const value: Interval = [start, end];
            tree.insert(start, end, value);
            list.push(value);
          }
        }
        tree.checkInvariants();
      }
      expect(tree.size).toBe(list.length);
      for (const probe of [...probes, ...list.flat()]) {
        if (probe === undefined) continue;
        const found: Interval[] = [];
        tree.stab(probe, found);
        const wanted = list.filter(([start, end]) => start <= probe && (end === undefined || probe < end));
        expect(new Set(found)).toEqual(new Set(wanted));
        expect(found).toHaveLength(wanted.length);
      }
    }),
    { numRuns: 200 },
  );
});

test('an interval tree stays flat', () => {
  const tree = new IntervalTree<number>();
  const name = (i: number): string => String(i).padStart(6, '0');
  for (let i = 0; i < 10_000; i++) tree.insert(name(i), name(i + 1), i);
  tree.checkInvariants();
  for (let i = 0; i < 10_000; i += 997) {
    const found: number[] = [];
    tree.stab(name(i), found);
    expect(found).toEqual([i]);
  }
  for (let i = 0; i < 10_000; i += 2) tree.delete(name(i), name(i + 1));
  tree.checkInvariants();
  expect(tree.size).toBe(5000);
  expect(() => tree.insert('b', 'a', 0)).toThrow();
});
