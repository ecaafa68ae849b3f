/** Text and bytes, the same everywhere: held against what Node does. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes } from '../src/bounds.ts';
import { byteKey, bytesOfKey } from '../src/byte-key.ts';
import { decodePortable } from '../src/text-portable.ts';
import { decodeText, encodeText, fromBase64Url, hex, LentText, readText, toBase64Url } from '../src/text.ts';

test('CD1: text is encoded as UTF-8 and read back equal, short or long, and no bytes are given twice', () => {
  const kept: [Uint8Array, Buffer][] = [];
  const unit = fc.oneof(
    fc.constantFrom('a', 'é', '\uffff', '\u{10ffff}', '\ufeff', '\u0000'),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(unit), fc.constantFrom(1, 1, 1, 700), (parts, times) => {
      const text = parts.join('').repeat(times);
      const bytes = encodeText(text);
      kept.push([bytes, Buffer.from(text, 'utf8')]);
      expect(decodeText(bytes)).toBe(text);
      expect(readText(bytes)).toBe(text);
    }),
    { numRuns: 300 },
  );
  for (const [bytes, wanted] of kept) expect(Buffer.compare(bytes, wanted)).toBe(0);
});

test('TXT3: a lent text is the same bytes, and what others were given stays as it is', () => {
  const lent = new LentText();
  const other = new LentText();
  const kept = other.encode('kept');
  const own = encodeText('own');
  const unit = fc.oneof(fc.constantFrom('a', 'é', '\uffff', '\u{10ffff}', '\u0000'), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(fc.array(unit), fc.constantFrom(1, 1, 1, 700), (parts, times) => {
      const text = parts.join('').repeat(times);
      expect(Buffer.compare(lent.encode(text), Buffer.from(text, 'utf8'))).toBe(0);
    }),
    { numRuns: 200 },
  );
  expect([decodeText(kept), decodeText(own)]).toEqual(['kept', 'own']);
  const [first, second] = [lent.encode('once'), lent.encode('then')];
  expect(second).toBe(first);
});

test('a block that somebody has taken away is not written to', () => {
  const bytes = encodeText('taken');
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
  expect(decodeText(encodeText('after'))).toBe('after');
});

test('bytes that are no UTF-8 are refused for programs and replaced for people', () => {
  expect(() => decodeText(Uint8Array.of(0xff))).toThrow(TypeError);
  expect(readText(Uint8Array.of(0x61, 0xff))).toBe('a\ufffd');
});

test('base64url, hex, order and byte keys are what Node makes of them', () => {
  const bytes = fc.uint8Array({ maxLength: 6000, size: 'max' });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(toBase64Url(a)).toBe(Buffer.from(a).toString('base64url'));
      expect([...(fromBase64Url(toBase64Url(a)) ?? [])]).toEqual([...a]);
      expect(hex(a)).toBe(Buffer.from(a).toString('hex'));
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      expect(byteKey(a)).toBe(Buffer.from(a).toString('latin1'));
      expect([...bytesOfKey(byteKey(a))]).toEqual([...a]);
      expect(byteKey(a) < byteKey(b)).toBe(Buffer.compare(a, b) < 0);
    }),
    { numRuns: 100 },
  );
  expect(fromBase64Url('*')).toBeUndefined();
});

test('where there is no TextDecoder, text is the same, and so is what is refused', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      0x61,
      0x80,
      0xbf,
      0xc0,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xa0,
      0x9f,
      0xef,
      0xbb,
      0xf0,
      0x90,
      0xf4,
      0x8f,
      0xf5,
      0xff,
    ),
    fc.integer({ min: 0, max: 255 }),
  );
  const mixed = fc.array(
    fc.oneof(
      fc.array(pieces, { maxLength: 6 }),
      fc.string({ unit: 'grapheme' }).map((text) => [...Buffer.from(text)]),
    ),
  );
  fc.assert(
    fc.property(mixed, (parts) => {
      const bytes = Uint8Array.from(parts.flat());
      expect(decodePortable(bytes, false)).toBe(readText(bytes));
      const strictly = (decode: () => string): string => {
        try {
          return decode();
        } catch (error) {
          return (error as Error).name;
        }
      };
      expect(strictly(() => decodePortable(bytes, true))).toBe(strictly(() => decodeText(bytes)));
    }),
    { numRuns: 2000 },
  );
  const long = 'é\u{1f600}'.repeat(10_000);
  expect(decodePortable(encodeText(long), true)).toBe(long);
});
