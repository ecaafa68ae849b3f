/** Law 2 rests on it: keys in ordered trees order as their bytes, in every form (decisions/0014). */
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  byteKey,
  compareByteKeys,
  compareBytes,
  compareRuns,
  compareToKey,
  keyBytes,
  nextByteKey,
  nextKey,
  prefixEnd,
} from '../src/order.ts';
import { portableByteKey } from '../src/order-portable.ts';

const bytes = fc.uint8Array({ maxLength: 12 });
const few = fc.uint8Array({ maxLength: 4, max: 2 });
const sign = Math.sign;

describe.each([
  ['with Buffer', byteKey],
  ['without', portableByteKey],
])('bytes as strings, %s', (_, toKey) => {
  test('every byte is the character of its number: latin1, not windows-1252', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(Array.from(toKey(all), (character) => character.charCodeAt(0))).toEqual([...all]);
  });

  test('there and back, copied, from anywhere in a buffer', () => {
    fc.assert(
      fc.property(bytes, fc.nat(5), (key, at) => {
        const room = new Uint8Array(key.length + 5);
        const view = room.subarray(at, at + key.length);
        view.set(key);
        const text = toKey(view);
        expect(keyBytes(text)).toEqual(key);
        view.fill(7);
        expect(toKey(key)).toBe(text);
      }),
    );
  });

  test('long ones are whole', () => {
    for (const length of [4095, 4096, 4097, 300_000]) {
      const key = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
      expect(keyBytes(toKey(key))).toEqual(key);
    }
  });

  test('the order of the strings is the order of the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, few), fc.oneof(bytes, few), (a, b) => {
        const want = sign(Buffer.compare(a, b));
        expect(compareByteKeys(toKey(a), toKey(b))).toBe(want);
        expect(sign(compareToKey(a, toKey(b)))).toBe(want);
      }),
    );
  });
});

test('the portable form is what a world without Buffer gets', async () => {
  const { readFile } = await import('node:fs/promises');
  const [order, portable] = await Promise.all(
    ['order.js', 'order-portable.js'].map((name) => readFile(new URL(`../dist/${name}`, import.meta.url), 'utf8')),
  );
  const script = `${portable}\n${order}`.replaceAll(/^import .*$/gm, '').replaceAll(/^export /gm, '');
  const key = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(runInNewContext(`${script}\nbyteKey(key)`, { key })).toBe(byteKey(key));
});

test('comparing bytes, whole and in the middle of others', () => {
  fc.assert(
    fc.property(fc.oneof(bytes, few), fc.oneof(bytes, few), fc.nat(3), (a, b, at) => {
      const want = sign(Buffer.compare(a, b));
      expect(sign(compareBytes(a, b))).toBe(want);
      const around = new Uint8Array(b.length + 6).fill(1);
      around.set(b, at);
      expect(sign(compareRuns(a, 0, a.length, around, at, b.length))).toBe(want);
    }),
  );
});

test('the next key is the smallest above', () => {
  fc.assert(
    fc.property(few, few, (key, other) => {
      const next = nextKey(key);
      expect(byteKey(next)).toBe(nextByteKey(byteKey(key)));
      expect(compareBytes(key, next)).toBeLessThan(0);
      if (compareBytes(other, key) > 0) expect(compareBytes(other, next)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('the end of a prefix is behind all that begin with it, and before nothing else', () => {
  const high = fc.uint8Array({ maxLength: 4, min: 253 });
  fc.assert(
    fc.property(fc.oneof(high, bytes), fc.oneof(high, bytes), (prefix, other) => {
      const end = prefixEnd(prefix);
      if (end === undefined) {
        expect(prefix.every((byte) => byte === 0xff)).toBe(true);
        return;
      }
      const begins = compareBytes(other.subarray(0, prefix.length), prefix) === 0;
      expect(compareBytes(other, prefix) >= 0 && compareBytes(other, end) < 0).toBe(begins);
    }),
  );
  const buffer = Buffer.from('ab');
  expect(prefixEnd(buffer)).toEqual(new Uint8Array([0x61, 0x63]));
  expect(buffer.toString()).toBe('ab');
});
