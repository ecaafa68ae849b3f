import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeKeyValue } from '../src/key-value.ts';
import { PackedRecords } from '../src/packed-records.ts';
import { bytes } from './support.ts';

function row(main: number, size: number): Uint8Array {
  const key = bytes(`k${main}`);
  const value = new Uint8Array(size).fill(main);
  return encodeKeyValue({ key, value, createRevision: main, modRevision: main, version: 1, lease: 0n });
}

const main = fc.constantFrom(2, 3, 4, 5, 6, 7, 8, 1000, 2 ** 15 + 2, 2 ** 32 + 2, 2 ** 33 + 5);
const sub = fc.constantFrom(0, 1, 2 ** 20 - 1, 2 ** 20);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('add' as const),
      main,
      sub,
      size: fc.constantFrom(0, 1, 60, 300, 2000, 9000),
    }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom('get' as const, 'peek' as const), main, sub }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('take' as const),
      rows: fc.array(fc.record({ main, sub, size: fc.constantFrom(0, 60, 300, 2000) }), { maxLength: 20 }),
      gap: fc.constantFrom(0, 1, 33),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('limit' as const), share: fc.integer({ min: 0, max: 4 }) }) },
);

test('PAC1 PAC2 PAC3 PAC4 PAC6 packed records are what was added, within their bound, whatever happens', () => {
  fc.assert(
    fc.property(fc.constantFrom(0, 4000, 20_000, 200_000), fc.array(step, { maxLength: 150 }), (most, steps) => {
      const records = new PackedRecords(most);
      const sizes = new Map<string, number>();
      for (const each of steps) {
        if (each.type === 'take') {
          const sources = each.rows.map((one) => {
            const id = `${one.main}.${one.sub}`;
            const size = sizes.get(id) ?? one.size;
            sizes.set(id, size);
            return row(one.main, size);
          });
          const block = new Uint8Array(sources.reduce((sum, { length }) => sum + each.gap + length, 0));
          const isTaken = records.take(block, sources.length);
          let at = 0;
          for (const [i, source] of sources.entries()) {
            block.set(source, at + each.gap);
            const { main: ofMain, sub: ofSub } = each.rows[i]!;
            if (isTaken) records.addTaken(ofMain, ofSub, at + each.gap, at + each.gap + source.length);
            at += each.gap + source.length;
          }
        } else if (each.type === 'limit') records.limit(Math.floor((most * each.share) / 4));
        else if (each.type === 'add') {
          const id = `${each.main}.${each.sub}`;
          // A record never changes: one that is added again has the same bytes.
          const size = sizes.get(id) ?? each.size;
          const source = row(each.main, size);
          records.add(each.main, each.sub, source, 0, source.length);
          sizes.set(id, size);
        } else {
          const found = records[each.type](each.main, each.sub);
          if (found !== undefined) {
            expect(found.modRevision).toBe(each.main);
            expect(found.value.length).toBe(sizes.get(`${each.main}.${each.sub}`));
          }
        }
        records.checkInvariants();
        expect(records.heldBytes).toBeLessThanOrEqual(most);
      }
    }),
  );
});

test('PAC1 is missed when a slab is written over', () => {
  const records = new PackedRecords(100_000);
  for (let at = 2; at < 40; at++) records.add(at, 0, row(at, 100), 0, row(at, 100).length);
  records.checkInvariants();
  // What is handed out is a view of the slab, whose second word says that this is its first record.
  new Uint32Array(records.get(2, 0)!.value.buffer)[1]! += 1;
  expect(() => records.checkInvariants()).toThrow('PAC1');
});

test('PAC3 is missed when a record is another one than its entry says', () => {
  const records = new PackedRecords(100_000);
  records.add(2, 0, row(3, 100), 0, row(3, 100).length);
  expect(() => records.checkInvariants()).toThrow('PAC3');
});

test('PAC6 a block that was read with many records is kept as it is, and what is found in it is a view of it', () => {
  const records = new PackedRecords(1 << 20);
  const rows = Array.from({ length: 100 }, (_, n) => row(n + 2, 300));
  const block = new Uint8Array(rows.reduce((sum, { length }) => sum + length, 0));
  expect(records.take(block, 100)).toBe(true);
  const before = records.heldBytes;
  let at = 0;
  for (const [n, one] of rows.entries()) {
    block.set(one, at);
    records.addTaken(n + 2, n % 7, at, (at += one.length));
  }
  expect(records.heldBytes).toBe(before);
  for (const n of rows.keys()) {
    expect(records.get(n + 2, n % 7)?.modRevision).toBe(n + 2);
    const found = records.get(n + 2, n % 7)!;
    expect([found.modRevision, found.value.length, found.value.buffer]).toEqual([n + 2, 300, block.buffer]);
    expect(records.get(n + 2, n % 7)).toBe(found);
    expect(records.get(n + 2, (n % 7) + 1)).toBeUndefined();
  }
  records.checkInvariants();
  // Neither too long a block, nor more records than a slab has places.
  expect(records.take(new Uint8Array(64 * 1024 + 1), 1)).toBe(false);
  expect(records.take(new Uint8Array(1024), 2049)).toBe(false);
  expect(new PackedRecords(0).take(block, 100)).toBe(false);
});
