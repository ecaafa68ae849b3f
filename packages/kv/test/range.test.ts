import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, utf8 } from '../src/codec.ts';
import type { Range } from '../src/kv.ts';
import { contains, KeySpace, prefixEnd } from '../src/range.ts';

test.each([
  [[0x61], [0x62]],
  [[0x61, 0xff], [0x62]],
  [
    [0x61, 0xfe, 0xff, 0xff],
    [0x61, 0xff],
  ],
  [[0xff], []],
  [[0xff, 0xff, 0xff], []],
  [[], []],
])('the end of prefix %j is %j', (prefix, end) => {
  expect([...prefixEnd(Uint8Array.from(prefix))]).toEqual(end);
});

test('the prefix of a caller is left as it is, also when it is a Buffer', () => {
  const prefix = Buffer.from([1, 2, 0xff]);
  prefixEnd(prefix);
  expect([...prefix]).toEqual([1, 2, 0xff]);
});

test('a prefix range holds exactly the keys that begin with the prefix', () => {
  const few = fc.uint8Array({ maxLength: 4, min: 0xfd });
  const space = new KeySpace(bytes);
  fc.assert(
    fc.property(few, few, (prefix, key) => {
      fc.pre(key.length > 0);
      const begins = prefix.every((byte, i) => key[i] === byte);
      expect(contains(space.bounds({ prefix }), key)).toBe(begins);
    }),
  );
});

test('no range reaches out of its name space', () => {
  const few = fc.uint8Array({ minLength: 1, maxLength: 3, min: 0xfd });
  const ranges: fc.Arbitrary<Range<Uint8Array>> = fc.oneof(
    fc.constant({}),
    few.map((prefix) => ({ prefix })),
    few.map((start) => ({ start })),
    few.map((end) => ({ end })),
    fc.tuple(few, few).map(([start, end]) => ({ start, end })),
  );
  fc.assert(
    fc.property(few, ranges, few, (name, range, key) => {
      const inner = new KeySpace(bytes).inside(name);
      const within = name.every((byte, i) => key[i] === byte) && key.length > name.length;
      const inside = contains(inner.bounds(range), key);
      if (!within) expect(inside).toBe(false);
      else expect(inside).toBe(contains(new KeySpace(bytes).bounds(range), key.subarray(name.length)));
    }),
  );
});

test('R3: ranges that mean nothing are refused by name', () => {
  const space = new KeySpace(utf8);
  const wrong: readonly [unknown, RegExp][] = [
    ['a', /must be a plain object/],
    [null, /must be a plain object/],
    [[], /must be a plain object/],
    [{ prefx: 'a' }, /no "prefx"/],
    [{ prefix: undefined }, /prefix is undefined/],
    [{ prefix: 'a', end: 'b' }, /a prefix, or a start and an end/],
    [{ prefix: 7 }, /the prefix must be a string/],
    [{ start: 7 }, /the start must be a string/],
    [{ end: '' }, /the end must not be empty/],
  ];
  for (const [range, message] of wrong) expect(() => space.bounds(range as Range<string>)).toThrow(message);
});

test('a key codec that keeps no order gets no ranges but all', () => {
  const space = new KeySpace({ ...bytes, ordered: false });
  expect(() => space.bounds({ prefix: Uint8Array.of(1) })).toThrow(/does not keep order/);
  expect(space.bounds({}).end).toHaveLength(0);
});
