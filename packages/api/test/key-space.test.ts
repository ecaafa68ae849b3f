import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, utf8 } from '../src/codec.ts';
import type { Range } from '../src/kv.ts';
import { contains, prefixEnd } from '../src/bounds.ts';
import { KeySpace } from '../src/key-space.ts';

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

test('a start and an end inside a prefix take that part of it', () => {
  const few = fc.uint8Array({ maxLength: 2, min: 0xfd });
  const space = new KeySpace(bytes);
  fc.assert(
    fc.property(few, few, few, few, (prefix, after, before, key) => {
      fc.pre(key.length > 0 && prefix.length + before.length > 0);
      const start = Uint8Array.from([...prefix, ...after]);
      const end = Uint8Array.from([...prefix, ...before]);
      const both = contains(space.bounds({ prefix, start, end }), key);
      expect(both).toBe([{ prefix }, { start }, { end }].every((range) => contains(space.bounds(range), key)));
    }),
  );
});

test('bounds are owned before a codec runs again', () => {
  const shared = new Uint8Array(2);
  const reusing = {
    encode: (text: string) => (new TextEncoder().encodeInto(text, shared), shared.subarray(0, text.length)),
    decode: (stored: Uint8Array) => new TextDecoder().decode(stored),
  };
  const { key, end } = new KeySpace<string>(reusing).bounds({ prefix: 'a', start: 'ab', end: 'ad' });
  expect([Buffer.from(key).toString(), Buffer.from(end!).toString()]).toEqual(['ab', 'ad']);
});

test('a deletion of all keys is said in one way only', () => {
  for (const space of [new KeySpace(utf8), new KeySpace(utf8).inside('n/')]) {
    const all = space.bounds({});
    expect(space.selectDoomed({ all: true })).toEqual(all);
    const accidents: readonly object[] = [{}, { start: undefined }, { end: undefined }, { prefix: '' }, { start: '' }];
    for (const range of accidents) {
      expect(() => space.selectDoomed(range as { all: true })).toThrow(/say \{ all: true \}/);
    }
    expect(space.selectDoomed({ prefix: 'a' })).toEqual(space.bounds({ prefix: 'a' }));
    expect(space.selectDoomed('a').end).toBeUndefined();
  }
});

test('R3: ranges that mean nothing are refused by name', () => {
  const space = new KeySpace(utf8);
  const wrong: readonly [unknown, RegExp][] = [
    ['a', /must be a plain object/],
    [null, /must be a plain object/],
    [[], /must be a plain object/],
    [{ prefx: 'a' }, /no "prefx"/],
    [{ prefix: undefined }, /prefix is undefined/],
    [{ prefix: 'a', end: 'b' }, /the end must begin with the prefix/],
    [{ prefix: 'b', start: 'a' }, /the start must begin with the prefix/],
    [{ prefix: 'ab', start: 'a' }, /the start must begin with the prefix/],
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
