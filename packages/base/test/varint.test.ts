/** M6: numbers as protobuf writes them; what is no number is refused in the words of who owns the format. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VarintReader, writeInt64, writeVarint } from '../src/varint.ts';

class Broken extends Error {}

function readerOf(bytes: Uint8Array): VarintReader {
  const reader = new VarintReader((problem) => new Broken(`not ours: ${problem}`));
  reader.bytes = bytes;
  return reader;
}

test('M6: numbers and int64 there and back, with as few bytes as protobuf', () => {
  const target = new Uint8Array(12);
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const end = writeVarint(target, 1, value);
      expect(end - 1).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)));
      expect(writeInt64(target, 1, BigInt(value))).toBe(end);
      const reader = readerOf(target);
      reader.at = 1;
      expect([reader.number(), reader.at]).toEqual([value, end]);
    }),
  );
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      const end = writeInt64(target, 0, value);
      const reader = readerOf(target);
      expect([reader.int64(), reader.at]).toEqual([value, end]);
      if (value < 0n) expect(end).toBe(10);
    }),
  );
});

test('M6: what is cut off, too long or of no known type is a fault of the format’s owner', () => {
  for (const bytes of [[], [0x80], [0xff, 0xff]]) {
    expect(() => readerOf(Uint8Array.from(bytes)).number()).toThrow(Broken);
    expect(() => readerOf(Uint8Array.from(bytes)).int64()).toThrow(/^not ours: cut off/);
  }
  const long = new Uint8Array(11).fill(0xff);
  expect(() => readerOf(long).number()).toThrow(/^not ours: a number beyond/);
  expect(() => readerOf(long).int64()).toThrow(Broken);
  expect(() => readerOf(Uint8Array.from([3, 1, 2])).skipBytes()).toThrow(Broken);
  for (const type of [1, 2, 5]) expect(() => readerOf(Uint8Array.from([9])).skip(type)).toThrow(Broken);
  for (const type of [3, 4, 6, 7]) expect(() => readerOf(new Uint8Array(20)).skip(type)).toThrow(/wire type/);
});

test('M6: unknown fields are passed', () => {
  for (const [type, bytes, end] of [
    [0, [0x96, 0x01], 2],
    [1, [0, 0, 0, 0, 0, 0, 0, 0], 8],
    [2, [2, 9, 9], 3],
    [5, [0, 0, 0, 0], 4],
  ] as const) {
    const reader = readerOf(Uint8Array.from(bytes));
    reader.skip(type);
    expect(reader.at).toBe(end);
  }
});
