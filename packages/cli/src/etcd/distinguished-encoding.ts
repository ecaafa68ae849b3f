/**
 * DER, as little as a certificate needs: writing values, and reading a tree of them.
 *
 * EDE1  Lengths are definite and as short as they can be, as DER wants them; what is read may be longer than its place says nowhere.
 */

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  time: 0x18,
} as const;

export function value(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(type), lengthOf(content.length), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return value(tag.sequence, ...parts);
}

/** @param bytes of a number that is not negative */
export function integer(bytes: Uint8Array): Buffer {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const short = bytes.subarray(at);
  return value(tag.integer, (short[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
}

/** @param dotted such as 2.5.29.17 */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const septets = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return value(tag.objectId, Buffer.from(bytes));
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return Buffer.of(0x80 | bytes.length, ...bytes);
}

export interface Value {
  readonly type: number;
  readonly content: Uint8Array;
}

/** The values that stand one behind the other. @throws RangeError when there is something else */
export function valuesIn(bytes: Uint8Array): readonly Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at]!;
    let length = bytes[at + 1] ?? 0x80;
    let start = at + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      length = 0;
      for (let index = 0; index < count; index++) length = length * 256 + (bytes[start + index] ?? 0);
      if (count === 0 || count > 4) throw new RangeError(`no length at byte ${at}`);
      start += count;
    }
    if (start + length > bytes.length) throw new RangeError(`a value that is cut off at byte ${at}`);
    values.push({ type, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return values;
}
