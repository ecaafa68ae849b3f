/** Both ordered maps beside a plain list: they answer alike, and clones see nothing of each other. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BTree as NodeMap } from '../src/btree.ts';
import { compareByteKeys } from '../src/order.ts';
import type { OrderedMap } from '../src/ordered-map.ts';
import { BTree as PortableMap } from '../src/portable/btree.ts';

type Model = Map<string, number>;
interface Pair {
  readonly map: OrderedMap<string, number>;
  readonly model: Model;
}

const key = fc.nat(60).map((n) => n.toString(36));
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('set' as const), key, which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('delete' as const), key, which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('clone' as const), key, which: fc.nat() }) },
);

function check({ map, model }: Pair, asked: string): void {
  const sorted = [...model].toSorted(([a], [b]) => compareByteKeys(a, b));
  map.checkValid(true);
  expect([...map.entries()]).toEqual(sorted);
  expect([...map.entries(asked)]).toEqual(sorted.filter(([at]) => compareByteKeys(at, asked) >= 0));
  expect([map.size, map.get(asked), map.maxKey()]).toEqual([model.size, model.get(asked), sorted.at(-1)?.[0]]);
  const lower = sorted.findLast(([at]) => compareByteKeys(at, asked) <= 0);
  expect(map.getPairOrNextLower(asked)).toEqual(lower);
  const reused: [string, number] = ['', -1];
  const found = map.getPairOrNextLower(asked, reused);
  expect(found === undefined || found === reused).toBe(true);
}

describe.each([
  ['of Node', NodeMap],
  ['of other hosts', PortableMap],
] as const)('the ordered map %s', (_, Class) => {
  test('ODM1, ODM2, PBT1: any steps on any clones, beside a plain map', () => {
    fc.assert(
      fc.property(fc.constantFrom(4, 5, 64), fc.array(step, { maxLength: 120 }), key, (most, steps, asked) => {
        const pairs: Pair[] = [{ map: new Class<string, number>(undefined, compareByteKeys, most), model: new Map() }];
        steps.forEach(({ what, key: at, which }, value) => {
          const { map, model } = pairs[which % pairs.length]!;
          if (what === 'set') {
            expect(map.set(at, value)).toBe(!model.has(at));
            model.set(at, value);
          } else if (what === 'delete') expect(map.delete(at)).toBe(model.delete(at));
          else if (pairs.length < 5) pairs.push({ map: map.clone(), model: new Map(model) });
        });
        for (const pair of pairs) check(pair, asked);
      }),
      { numRuns: process.env['VARVE_LARGE'] === '1' ? 5000 : 150 },
    );
  });

  test('PBT1: ten thousand keys, in order, from behind and in no order', () => {
    for (const order of [(i: number) => i, (i: number) => 9999 - i, (i: number) => (i * 7919) % 10_000]) {
      const map = new Class<string, number>(undefined, compareByteKeys, 64);
      for (let i = 0; i < 10_000; i++) map.set(String(order(i)).padStart(5, '0'), i);
      map.checkValid(true);
      expect([map.size, map.maxKey(), map.getPairOrNextLower('00500~')?.[0]]).toEqual([10_000, '09999', '00500']);
      for (let i = 0; i < 10_000; i += 2) map.delete(String(i).padStart(5, '0'));
      map.checkValid(true);
      expect([map.size, [...map.entries('09990')].map(([at]) => at)]).toEqual([
        5000,
        ['09991', '09993', '09995', '09997', '09999'],
      ]);
    }
  });
});
