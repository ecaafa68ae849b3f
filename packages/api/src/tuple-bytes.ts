/**
 * The bodies of a tuple's elements, each in bytes that sort as the element does and that no other body begins with.
 *
 * TB1 Text and bytes end with a zero byte; 0 and 1 inside them are written as 1 1 and 1 2, so no body holds a zero but
 *     at its end, and order stays.
 * TB2 A number is its 8 IEEE bytes, most significant first: the sign turned where it is positive, every bit where it is
 *     negative.
 * TB3 A bigint is the length of its magnitude, then the magnitude, most significant byte first and without leading zeros; every
 *     bit is turned where it is negative. A length below 248 is one byte; others are 247 plus the number of their own
 *     bytes, then these.
 * TB4 The reader refuses what the writer does not make.
 */
import { hex } from './text.ts';

const escape = 1;
const firstLongLength = 248;

export class TupleWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** The bytes written, which nobody else has. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  text(text: Uint8Array): void {
    this.#reserve(2 * text.length + 1);
    for (const byte of text) {
      if (byte > escape) {
        this.#bytes[this.#length++] = byte;
      } else {
        this.#bytes[this.#length++] = escape;
        this.#bytes[this.#length++] = byte + 1;
      }
    }
    this.#bytes[this.#length++] = 0;
  }

  number(value: number): void {
    this.#reserve(8);
    const start = this.#length;
    new DataView(this.#bytes.buffer).setFloat64(start, value);
    this.#length += 8;
    if ((this.#bytes[start] ?? 0) < 0x80) this.#bytes[start] = (this.#bytes[start] ?? 0) | 0x80;
    else this.#turn(start);
  }

  magnitude(value: bigint): void {
    const magnitude = value < 0n ? -value : value;
    const digits = magnitude === 0n ? '' : magnitude.toString(16);
    const length = (digits.length + 1) >> 1;
    this.#reserve(length + 9);
    const start = this.#length;
    this.#writeLength(length);
    // From the end, two digits a byte; where their number is odd, the first byte has one.
    for (let i = length, to = digits.length; i > 0; i--, to -= 2) {
      this.#bytes[this.#length + i - 1] = Number.parseInt(digits.slice(Math.max(to - 2, 0), to), 16);
    }
    this.#length += length;
    if (value < 0n) this.#turn(start);
  }

  #writeLength(length: number): void {
    if (length >= firstLongLength) {
      const bytes = bytesOf(length);
      this.#bytes[this.#length++] = firstLongLength - 1 + bytes;
      for (let left = length, i = bytes; i > 0; i--) {
        this.#bytes[this.#length + i - 1] = left % 256;
        left = Math.floor(left / 256);
      }
      this.#length += bytes;
    } else {
      this.#bytes[this.#length++] = length;
    }
  }

  #turn(start: number): void {
    for (let at = start; at < this.#length; at++) this.#bytes[at] = ~(this.#bytes[at] ?? 0);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Every method throws where the bytes end too early, or are not what the writer makes. */
export class TupleReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new TypeError('the tuple ends too early');
    return byte;
  }

  /** Bytes that nobody else has. */
  text(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new TypeError('the tuple ends too early');
    const text = new Uint8Array(end - this.#at);
    let length = 0;
    while (this.#at < end) {
      const byte = this.byte();
      text[length++] = byte === escape ? this.#escaped() : byte;
    }
    this.#at = end + 1;
    return text.slice(0, length);
  }

  number(): number {
    const bytes = new Uint8Array(this.#take(8));
    if ((bytes[0] ?? 0) >= 0x80) bytes[0] = (bytes[0] ?? 0) & 0x7f;
    else turn(bytes);
    const value = new DataView(bytes.buffer).getFloat64(0);
    if (Number.isNaN(value)) throw new TypeError('the tuple holds NaN');
    return value;
  }

  magnitude(negative: boolean): bigint {
    const length = this.#readLength(negative);
    const bytes = new Uint8Array(this.#take(length));
    if (negative) turn(bytes);
    if (bytes[0] === 0 || (negative && length === 0))
      throw new TypeError('a bigint of the tuple is not in its shortest form');
    const magnitude = length === 0 ? 0n : BigInt(`0x${hex(bytes)}`);
    return negative ? -magnitude : magnitude;
  }

  #escaped(): number {
    const byte = this.byte();
    if (byte !== 1 && byte !== 2) throw new TypeError('the tuple holds an unknown escape');
    return byte - 1;
  }

  #readLength(negative: boolean): number {
    const mask = negative ? 0xff : 0;
    const first = this.byte() ^ mask;
    if (first < firstLongLength) return first;
    const count = first - firstLongLength + 1;
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (this.byte() ^ mask);
    const shortest = length >= firstLongLength && bytesOf(length) === count;
    if (!shortest) throw new TypeError('a length of the tuple is not in its shortest form');
    return length;
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new TypeError('the tuple ends too early');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

function turn(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = ~(bytes[at] ?? 0);
}

/** How many bytes a length takes. */
function bytesOf(length: number): number {
  let bytes = 1;
  while (length >= 256 ** bytes) bytes++;
  return bytes;
}
